"""The only room that knows boto3: credentials, clients, the request budget, and errors as one family."""

from exporter.aws.api import BackupApi, Meter, Omissions, OverBudgetError, Rows
from exporter.aws.budget import Budget
from exporter.aws.deadline import Deadlines
from exporter.aws.faults import AwsError, malformed
from exporter.aws.rows import LEFT_OUT, LeftOut
from exporter.aws.sessions import (
    SIDE_BY_SIDE,
    Access,
    Clients,
    OpenSession,
    Profiles,
    default_session,
    regions_of,
    shared_loader,
)

__all__ = [
    "LEFT_OUT",
    "SIDE_BY_SIDE",
    "Access",
    "AwsError",
    "BackupApi",
    "Budget",
    "Clients",
    "Deadlines",
    "LeftOut",
    "Meter",
    "Omissions",
    "OpenSession",
    "OverBudgetError",
    "Profiles",
    "Rows",
    "default_session",
    "malformed",
    "regions_of",
    "shared_loader",
]

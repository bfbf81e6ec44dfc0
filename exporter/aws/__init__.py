"""The only room that knows boto3: credentials, clients, the request budget, and errors as one family."""

from exporter.aws.api import BackupApi, Meter, OverBudgetError
from exporter.aws.budget import Budget
from exporter.aws.deadline import Deadlines
from exporter.aws.faults import AwsError, malformed
from exporter.aws.sensitive import in_environment, keep_keys
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
    "SIDE_BY_SIDE",
    "Access",
    "AwsError",
    "BackupApi",
    "Budget",
    "Clients",
    "Deadlines",
    "Meter",
    "OpenSession",
    "OverBudgetError",
    "Profiles",
    "default_session",
    "in_environment",
    "keep_keys",
    "malformed",
    "regions_of",
    "shared_loader",
]

"""The only package that uses boto3: sessions, clients, credentials, deadlines and the request rate limit.

Each failure is raised as an `AwsError` with a code, a reason and a remedy.
"""

from exporter.aws.backup_api import (
    BackupApi,
    Meter,
    Omissions,
    OverBudgetError,
    Rows,
)
from exporter.aws.client_cache import (
    Clients,
)
from exporter.aws.deadlines import (
    Deadlines,
)
from exporter.aws.errors import (
    CONNECTION,
    CREDENTIALS,
    MALFORMED,
    TIMEOUT,
    AwsError,
    malformed,
)
from exporter.aws.identity import (
    Caller,
    Credentials,
    TargetIdentity,
)
from exporter.aws.known_secrets import (
    in_environment,
    keep_keys,
)
from exporter.aws.parsing import (
    LEFT_OUT,
    LeftOut,
)
from exporter.aws.profiles import (
    Profiles,
    regions_of,
)
from exporter.aws.request_budget import (
    Budget,
)
from exporter.aws.services import (
    action_of,
    service_of,
)
from exporter.aws.sessions import (
    OpenSession,
    default_session,
    shared_loader,
)
from exporter.aws.target_client import (
    MAX_CONCURRENT_CALLS,
    TargetClient,
)

__all__ = [
    "CONNECTION",
    "CREDENTIALS",
    "LEFT_OUT",
    "MALFORMED",
    "MAX_CONCURRENT_CALLS",
    "TIMEOUT",
    "AwsError",
    "BackupApi",
    "Budget",
    "Caller",
    "Clients",
    "Credentials",
    "Deadlines",
    "LeftOut",
    "Meter",
    "Omissions",
    "OpenSession",
    "OverBudgetError",
    "Profiles",
    "Rows",
    "TargetClient",
    "TargetIdentity",
    "action_of",
    "default_session",
    "in_environment",
    "keep_keys",
    "malformed",
    "regions_of",
    "service_of",
    "shared_loader",
]

"""The AWS services that the exporter calls, with their names and pagination parameters."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Service:
    """An AWS service.

    Attributes:
        name: the service name in boto3.
        iam_prefix: the service prefix of its actions in IAM policies.
        page_token: the parameter and the response field that contain the token of the next page.
        page_size: the parameter that limits the number of rows per page.
        largest_page: the maximum number of rows per page.
    """

    name: str
    iam_prefix: str
    page_token: str = "NextToken"  # noqa: S105 - the name of a field
    page_size: str = "MaxResults"
    largest_page: int = 1000


AWS_BACKUP = Service("backup", "backup")
STS = Service("sts", "sts")
TAGGING = Service(
    "resourcegroupstaggingapi",
    "tag",
    page_token="PaginationToken",  # noqa: S106 - the name of a field
    page_size="ResourcesPerPage",
    largest_page=100,
)

ORGANIZATIONS = Service("organizations", "organizations", largest_page=20)

_SERVICES: Mapping[str, Service] = {
    "AssumeRole": STS,
    "AssumeRoleWithWebIdentity": STS,
    "GetCallerIdentity": STS,
    "GetResources": TAGGING,
    "ListAccounts": ORGANIZATIONS,
    "ListAccountsForParent": ORGANIZATIONS,
    "ListOrganizationalUnitsForParent": ORGANIZATIONS,
    "ListRoots": ORGANIZATIONS,
}
"""The services of operations that do not belong to AWS Backup."""


def service_of(operation: str) -> Service:
    """Return the service that an operation belongs to."""
    return _SERVICES.get(operation, AWS_BACKUP)


def action_of(operation: str) -> str:
    """Return the IAM action that an operation requires (`backup:ListBackupJobs`)."""
    return f"{service_of(operation).iam_prefix}:{operation}"

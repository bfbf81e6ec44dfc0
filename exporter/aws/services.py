"""The AWS services that are called: their names, and how their lists are paged."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Service:
    """An AWS service.

    Attributes:
        name: as the SDK spells it.
        iam_prefix: the service part of its actions in IAM policies.
        page_token: the parameter and the field of an answer that hold the token of the next page.
        page_size: the parameter that limits the rows of a page.
        largest_page: the most rows that a page can have.
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

_SERVICES: Mapping[str, Service] = {
    "AssumeRole": STS,
    "AssumeRoleWithWebIdentity": STS,
    "GetCallerIdentity": STS,
    "GetResources": TAGGING,
}
"""The services of the operations that are not AWS Backup's."""


def service_of(operation: str) -> Service:
    """Return the service that an operation belongs to."""
    return _SERVICES.get(operation, AWS_BACKUP)


def action_of(operation: str) -> str:
    """Return the action that a policy must allow for an operation (`backup:ListBackupJobs`)."""
    return f"{service_of(operation).iam_prefix}:{operation}"

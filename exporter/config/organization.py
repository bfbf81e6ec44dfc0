"""The section of a target that monitors an AWS organization."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from exporter.config.base import Record
from exporter.config.errors import quoted
from exporter.config.fields import (
    UNREPEATED,
    AccountId,
    Broken,
    Duration,
    OrganizationalUnitId,
    RoleName,
    Secret,
)


class Members(Record):
    """The member accounts to enter, with a role in each."""

    role_name: RoleName = Field(examples=["aws-backup-exporter"])
    """The role to assume in each account, by name. The target's credentials need permission to assume it."""

    external_id: Secret | None = Field(default=None, examples=["a-long-random-text"])
    """The external id that the trust policies of the roles require. Secret: never shown."""

    accounts: Annotated[tuple[AccountId, ...], UNREPEATED] = Field(default=(), examples=['["123456789012"]'])
    """Ids of accounts to monitor, in addition to those of `organizational_units`. Both empty: all."""

    exclude_accounts: Annotated[tuple[AccountId, ...], UNREPEATED] = Field(
        default=(), examples=['["210987654321"]']
    )
    """Ids of accounts not to monitor. Empty: none."""

    organizational_units: Annotated[tuple[OrganizationalUnitId, ...], UNREPEATED] = Field(
        default=(), examples=["[ou-ab12-34cd56ef]"]
    )
    """Ids of organizational units or of the root; accounts at any depth are monitored. Empty: none."""

    refresh: Duration = Field(default=3600.0, examples=["1h"])
    """How often to read the list of accounts."""

    def may_include(self, account_id: str) -> bool:
        """Return whether an account of the organization may be one of these, as far as this section tells."""
        if account_id in self.exclude_accounts:
            return False
        return account_id in self.accounts or bool(self.organizational_units) or not self.accounts

    def broken_rules(self) -> Iterable[Broken]:
        """Check that no account is both listed and excluded."""
        for place, account_id in enumerate(self.exclude_accounts):
            if account_id in self.accounts:
                message = f"{quoted(account_id)} is also in accounts; remove it from one of the lists"
                clash = ("accounts", self.accounts.index(account_id))
                yield Broken(("exclude_accounts", place), message, clash)


class Organization(Record):
    """What to monitor of an organization, from its management account or a delegated administrator."""

    jobs: bool = True
    """Whether to list the jobs of all accounts at once. Needs `discovery.enabled`."""

    members: Members | None = Field(default=None, examples=["{role_name: aws-backup-exporter}"])
    """The member accounts to enter for what only they know: plans, vaults, recovery points, child jobs.
    Default: none."""

    def may_see(self, account_id: str) -> bool:
        """Return whether an account of the organization is monitored, as far as this section tells."""
        return self.jobs or (self.members is not None and self.members.may_include(account_id))

    def broken_rules(self) -> Iterable[Broken]:
        """Check that there is something to monitor."""
        if not self.jobs and self.members is None:
            yield Broken(("jobs",), "nothing to monitor; set it to true, or add members")

"""Collects the recovery points of every vault: how many there are, their age, and when they will be deleted.

They also show backups older than the jobs that AWS still lists, such as the last backup of a monthly rule
after a restart of the exporter.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from exporter.aws import AwsError, BackupApi, OverBudgetError
from exporter.collectors.duplicate_accounts import check_owner
from exporter.collectors.protocols import HOUR, MAX_WAIT, list_all
from exporter.ledger import MOST_KEYS, MOST_STATES, OTHER, AccountOwners, Ledger
from exporter.model import (
    SUCCESS,
    Answer,
    Number,
    PointsOfRule,
    RecoveryPoints,
    RuleKey,
    account_in_arn,
    number,
    region_in_arn,
    rule_of,
)

Origin = tuple[str, str]
"""The account and Region of the vault that a copy was created from."""


class RecoveryPointsCollector:
    """Collects the recovery points of one scope.

    Args:
        api: calls AWS.
        ledger: stores the recovery points.
        owners: decides which scope publishes an account and Region.
        ledger_of: returns the ledger of an account and Region; None if it is not a target.
        clock: seconds since 1970.
    """

    name = "recovery_points"
    pace = HOUR

    def __init__(
        self,
        api: BackupApi,
        ledger: Ledger,
        *,
        owners: AccountOwners,
        ledger_of: Callable[[str, str], Ledger | None],
        clock: Callable[[], float],
    ) -> None:
        self._api = api
        self._ledger = ledger
        self._owners = owners
        self._ledger_of = ledger_of
        self._clock = clock

    def refresh(self) -> None:
        """Read the recovery points of each vault. If a vault cannot be read, its known points are kept.

        Raises:
            AwsError, OverBudgetError: the list of vaults, or one of them, could not be read.
        """
        try:
            self._read_vaults()
        except (AwsError, OverBudgetError):
            self._ledger.mark_read(self.name, self._clock())
            raise
        self._ledger.mark_read(self.name, self._clock(), since=self._clock())

    def _read_vaults(self) -> None:
        rows = list_all(self._api, "ListBackupVaults", "BackupVaultList")
        failure: AwsError | OverBudgetError | None = None
        deleted: set[str] = set()
        for row in rows:
            try:
                self._read_vault(str(row["BackupVaultName"]), str(row.get("BackupVaultArn") or ""))
            except OverBudgetError as error:
                failure = failure or error
                break
            except AwsError as error:
                if error.is_unknown_job:  # the vault was deleted after it was listed
                    deleted.add(row["BackupVaultName"])
                    continue
                failure = failure or error.within(f"vault {row['BackupVaultName']}")
        if rows.complete:
            with self._ledger.open_resources() as resources:
                resources.keep_vaults({str(row["BackupVaultName"]) for row in rows} - deleted)
        if failure:
            raise failure

    def _read_vault(self, name: str, arn: str) -> None:
        account_id = account_in_arn(arn) or self._ledger.account_id
        check_owner(self._owners, self._ledger.scope, [account_id or name])
        points: dict[str, _Points] = {}
        pages = self._api.pages(
            "ListRecoveryPointsByBackupVault",
            "RecoveryPoints",
            reserve=self._api.budget.reserve,
            max_wait=MAX_WAIT,
            BackupVaultName=name,
        )
        now = self._clock()
        complete = True
        for page in pages:
            complete = complete and page.complete
            for row in page:
                if resource_arn := str(row.get("ResourceArn") or ""):
                    points.setdefault(resource_arn, _Points()).add(row, now)
        with self._ledger.open_resources() as resources:
            resources.set_recovery_points(
                name,
                {arn: of_resource.result(account_id) for arn, of_resource in points.items()},
                complete=complete,
            )
        self._record_copies(arn, points)

    def _record_copies(self, vault_arn: str, points: Mapping[str, "_Points"]) -> None:
        """Record the completion of each copy in the scope that it was copied from."""
        copies: dict[Origin, dict[str, float]] = {}
        for resource_arn, of_resource in points.items():
            for origin, completed in of_resource.copies.items():
                copies.setdefault(origin, {})[resource_arn] = completed
        for (account_id, region), completed_at in copies.items():
            if ledger := self._ledger_of(account_id, region):
                with ledger.open_resources() as resources:
                    resources.record_copies(vault_arn, completed_at)


@dataclass(slots=True)
class _Points:
    """Summarizes the recovery points of one resource in one vault."""

    by_status: Counter[str] = field(default_factory=Counter)
    newest_row: Answer = field(default_factory=dict)
    warm_size: Number | None = None
    cold_size: Number | None = None
    newest: float | None = None
    oldest: float | None = None
    expiry: float | None = None
    is_kept_forever: bool = False
    backup: Answer = field(default_factory=dict)
    backup_at: float | None = None
    copies: dict[Origin, float] = field(default_factory=dict)
    rules: dict[RuleKey, PointsOfRule] = field(default_factory=dict)

    def add(self, row: Answer, now: float) -> None:
        """Add a row of ListRecoveryPointsByBackupVault."""
        status = str(row.get("Status") or "")
        if status not in self.by_status and len(self.by_status) >= MOST_STATES:
            status = OTHER
        self.by_status[status] += 1
        created, completed = number(row.get("CreationDate")), number(row.get("CompletionDate"))
        if (at := created if completed is None else completed) is None:
            return
        if not self.newest_row or status == SUCCESS:
            self.newest_row = row if self.newest is None or at >= self.newest else self.newest_row
        if status != SUCCESS:
            return
        self.newest = at if self.newest is None else max(at, self.newest)
        if created is not None:
            self.oldest = created if self.oldest is None else min(created, self.oldest)
        self._add_lifecycle(row, now)
        source = str(row.get("SourceBackupVaultArn") or "")
        if source:
            origin = account_in_arn(source), region_in_arn(source)
            self.copies[origin] = max(at, self.copies.get(origin, at))
        else:
            self._add_backup(row, at)

    def _add_lifecycle(self, row: Answer, now: float) -> None:
        lifecycle = row.get("CalculatedLifecycle") or {}
        size, cold_at = number(row.get("BackupSizeInBytes")), number(lifecycle.get("MoveToColdStorageAt"))
        if size is not None:
            if cold_at is not None and cold_at <= now:
                self.cold_size = (self.cold_size or 0) + size
            else:
                self.warm_size = (self.warm_size or 0) + size
        delete_at = number(lifecycle.get("DeleteAt"))
        if delete_at is None:
            self.is_kept_forever = True
        else:
            self.expiry = delete_at if self.expiry is None else max(delete_at, self.expiry)

    def _add_backup(self, row: Answer, at: float) -> None:
        if self.backup_at is None or at > self.backup_at:
            self.backup, self.backup_at = row, at
        if rule := rule_of(row):
            key = rule.plan_id, rule.rule_id
            known = self.rules.get(key, PointsOfRule(rule, at, at))
            newest = rule if at >= known.completed else known.rule
            self.rules[key] = PointsOfRule(newest, max(at, known.completed), min(at, known.first))

    def _newest_rules(self) -> list[RuleKey]:
        """Return the rules with the newest points, at most MOST_KEYS."""
        return sorted(self.rules, key=lambda key: self.rules[key].completed, reverse=True)[:MOST_KEYS]

    def result(self, account_id: str) -> RecoveryPoints:
        """Return the summary."""
        created = number(self.backup.get("CreationDate"))
        return RecoveryPoints(
            account_id=account_id,
            resource_name=str(self.newest_row.get("ResourceName") or ""),
            resource_type=str(self.newest_row.get("ResourceType") or ""),
            by_status=dict(self.by_status),
            warm_size=self.warm_size,
            cold_size=self.cold_size,
            newest=self.newest,
            oldest=self.oldest,
            expiry=None if self.is_kept_forever else self.expiry,
            newest_backup=self.backup_at,
            newest_backup_size=number(self.backup.get("BackupSizeInBytes")),
            newest_backup_duration=None
            if self.backup_at is None or created is None
            else self.backup_at - created,
            rules=tuple(self.rules[key] for key in sorted(self._newest_rules())),
        )

"""Lists the problems of all scopes that need attention: the worst ones as rows, and the total number."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from heapq import nsmallest
from types import MappingProxyType

from exporter.ledger import Ledger
from exporter.model import Attention, AttentionKind, Scope, Severity, plan_attention, resource_attention
from exporter.runtime import Secrets

MAX_ROWS = 50

_ALERTS = {
    AttentionKind.THREATS_FOUND: "AwsBackupThreatsFound",
    AttentionKind.NEVER_SUCCEEDED: "AwsBackupNeverSucceeded",
    AttentionKind.OVERDUE: "AwsBackupMissed",
    AttentionKind.LAST_POINT_EXPIRES: "AwsBackupLastRecoveryPointExpiring",
    AttentionKind.RULE_OVERDUE: "AwsBackupRuleMissed",
    AttentionKind.COPY_OVERDUE: "AwsBackupCopyMissing",
    AttentionKind.CONTINUOUS_STOPPED: "AwsBackupContinuousBackupStopped",
    AttentionKind.VAULT_MISSING: "AwsBackupRuleVaultMissing",
    AttentionKind.NO_SELECTION: "AwsBackupPlanWithoutSelection",
    AttentionKind.RAN_EMPTY: "AwsBackupRuleRanEmpty",
    AttentionKind.OPTED_OUT: "AwsBackupTypeOptedOut",
    AttentionKind.NOT_RECENT: "AwsBackupNotRecent",
    AttentionKind.COPY_UNSUCCESSFUL: "AwsBackupCopyFailed",
    AttentionKind.RESTORE_UNSUCCESSFUL: "AwsBackupRestoreFailed",
    AttentionKind.SCAN_UNSUCCESSFUL: "AwsBackupScanFailed",
    AttentionKind.WITH_ISSUES: "AwsBackupCompletedWithIssues",
}
_ALERTS_BY_STATE = {
    "FAILED": "AwsBackupJobFailed",
    "EXPIRED": "AwsBackupJobExpired",
    "ABORTED": "AwsBackupJobAborted",
    "PARTIAL": "AwsBackupJobPartial",
}
_EXPLANATIONS = {
    AttentionKind.LAST_POINT_EXPIRES: "No newer backup has completed.",
    AttentionKind.NEVER_SUCCEEDED: "No backup job was found.",
    AttentionKind.OVERDUE: "No backup job has ended since the last success.",
    AttentionKind.RULE_OVERDUE: "No backup job of this rule has completed in time. Other backups have.",
    AttentionKind.NOT_RECENT: "No backup plan or expectation covers the resource.",
    AttentionKind.COPY_OVERDUE: "No copy job to this vault has ended in time.",
    AttentionKind.CONTINUOUS_STOPPED: "Point-in-time recovery has stopped.",
    AttentionKind.VAULT_MISSING: "The vault does not exist in this account and Region.",
    AttentionKind.NO_SELECTION: "No resources are assigned to the plan.",
    AttentionKind.RAN_EMPTY: "Its last run created no backup job. Check the resource selections.",
    AttentionKind.OPTED_OUT: "The settings of the Region exclude this resource type.",
}


@dataclass(frozen=True)
class AttentionRow:
    """A problem that needs attention, with its scope."""

    scope: Scope
    attention: Attention

    @property
    def alert(self) -> str:
        """The name of the corresponding alert, for the link to its runbook; empty if there is none."""
        kind = self.attention.kind
        if kind is AttentionKind.UNSUCCESSFUL:
            return _ALERTS_BY_STATE.get(self.attention.state, "")
        return _ALERTS.get(kind, "")

    @property
    def explanation(self) -> str:
        """A sentence that explains the problem, shown if there is no message from a job."""
        return _EXPLANATIONS.get(self.attention.kind, "")


@dataclass(frozen=True)
class AttentionList:
    """The problems that need attention.

    Attributes:
        rows: the worst `MAX_ROWS` problems, the worst first.
        counts: the number of problems by kind, the worst kind first.
    """

    rows: tuple[AttentionRow, ...] = ()
    counts: Mapping[AttentionKind, int] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def total(self) -> int:
        """The number of all problems."""
        return sum(self.counts.values())

    @property
    def is_critical(self) -> bool:
        """Whether at least one problem is critical."""
        return any(kind.severity is Severity.CRITICAL for kind in self.counts)


def attention_list(ledgers: Iterable[Ledger], now: float, secrets: Secrets) -> AttentionList:
    """List the problems of all scopes.

    Args:
        ledgers: the ledger of every scope.
        now: current time, in seconds since 1970.
        secrets: values to mask in names and messages.
    """
    found = [(one.order, ledger.scope, one) for ledger in ledgers for one in _attention_in(ledger, now)]
    counts = Counter(one.kind for _, _, one in found)
    worst = nsmallest(MAX_ROWS, found, key=lambda entry: entry[:2])
    return AttentionList(
        rows=tuple(AttentionRow(scope, _clean(one, secrets)) for _, scope, one in worst),
        counts={kind: counts[kind] for kind in AttentionKind if counts[kind]},
    )


def _attention_in(ledger: Ledger, now: float) -> Iterator[Attention]:
    with ledger.open_resources() as resources:
        published = resources.published()
    for resource in published:
        yield from resource_attention(resource, now)
    inventory = ledger.inventory
    runs = ledger.rule_runs(now)
    vault_names = None if inventory.vaults is None else {vault.name for vault in inventory.vaults}
    for plan in inventory.plans:
        yield from plan_attention(plan, runs, vault_names, now)


def _clean(one: Attention, secrets: Secrets) -> Attention:
    return replace(
        one,
        name=secrets.clean(one.name),
        arn=secrets.clean(one.arn),
        type=secrets.clean(one.type),
        part=secrets.clean(one.part),
        state=secrets.clean(one.state),
        reason=secrets.clean(one.reason),
    )

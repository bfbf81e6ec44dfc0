"""What AWS tells of one volume, in one line each, and what is known of it then."""

from collections.abc import Iterable
from typing import Any

from exporter.ledger.resources import Resources
from exporter.model import (
    Job,
    JobFacts,
    Kind,
    ListedResource,
    Plan,
    PlannedRule,
    PointsOfRule,
    RecoveryPoints,
    Resource,
    Rule,
    RuleFacts,
    Selection,
)
from exporter.model.job_kinds import BACKUP, COPY, KINDS, RESTORE
from tests.support.makers import ACCOUNT, HOUR, NOW, REGION

DAY = 24 * HOUR
VOLUME, STACK = (f"arn:aws:ec2:{REGION}:{ACCOUNT}:volume/{name}" for name in ("vol-1", "stack"))
VAULT, REMOTE = (f"arn:aws:backup:{REGION}:{ACCOUNT}:backup-vault:{name}" for name in ("prod", "remote"))
INTERVALS = {"hourly": HOUR, "daily": DAY, "weekly": 7 * DAY, "monthly": 31 * DAY, "quarterly": 92 * DAY}
AWAITED = ("backup_jobs", "copy_jobs", "restore_jobs", "plans", "recovery_points")


def by(rule: str, plan: str = "p") -> dict[str, Any]:
    """Give the field of a job that names its rule, whose schedule is the first word of the rule's id."""
    named = {"BackupPlanName": plan.upper(), "BackupRuleName": rule.upper()}
    schedule = {"BackupRuleCron": rule.partition("-")[0]}
    return {"CreatedBy": {"BackupPlanId": plan, "BackupRuleId": rule} | named | schedule}


def told(kind: Kind, job_id: str, state: str, created: float, *, arn: str = VOLUME, **fields: Any) -> Job:
    """Read a job as AWS tells it; one that has ended took an hour."""
    row = {
        kind.id_member: job_id,
        kind.state_member: state,
        kind.resource_member: arn,
        "AccountId": ACCOUNT,
        "CreationDate": created,
        "ResourceType": "EBS",
    }
    row |= {"CompletionDate": created + HOUR} if state in kind.terminal else {}
    row |= dict.fromkeys(kind.vault_members, VAULT)
    return kind.read(row | fields)


def rule(rule_id: str, *copies: str, **fields: Any) -> PlannedRule:
    """Make a rule of a plan; its interval is the first word of its id."""
    interval = INTERVALS[rule_id.partition("-")[0]]
    return PlannedRule(rule_id, None, interval, rule_id.upper(), "prod", destinations=copies, **fields)


def plan(*rules: PlannedRule, plan_id: str = "p", changed: float = 0.0, names: Iterable[str] = ()) -> Plan:
    """Make a plan, with a selection that names resources by their ARNs."""
    selections = (Selection("s", "s", changed, resources=tuple(names)),) if names else ()
    return Plan(plan_id, plan_id.upper(), ACCOUNT, None, rules, changed=changed, selections=selections)


def points(*of_rules: tuple[str, float, float], plan_id: str = "p", **fields: Any) -> RecoveryPoints:
    """Make the recovery points of a resource in a vault, of rules that made the first and the newest then."""
    made = tuple(
        PointsOfRule(
            Rule(plan_id, name, name.partition("-")[0], "", plan_id.upper(), name.upper()), last, first
        )
        for name, first, last in of_rules
    )
    newest = max((of.completed for of in made), default=None)
    told_of = {"account_id": ACCOUNT, "resource_type": "EBS", "newest": newest, "newest_backup": newest}
    return RecoveryPoints(**(told_of | {"rules": made} | fields))


def listed(arn: str) -> ListedResource:
    """Make a resource of the inventory that no plan selects."""
    return ListedResource(arn, "", "EBS", ACCOUNT, is_selected=False)


class Known:
    """The resources of a scope of which all history has been read, unless a collector is awaited."""

    def __init__(
        self,
        *,
        within: dict[str, float] | None = None,
        read_at: float = NOW,
        lookback: float = 7 * DAY,
        awaited: Iterable[str] = (),
        unreadable: Iterable[str] = (),
        kinds: tuple[Kind, ...] = KINDS,
    ) -> None:
        self.resources = Resources(
            within or {},
            lambda of: INTERVALS.get(of.schedule),
            awaited=AWAITED,
            kinds=kinds,
        )
        for collector in set(AWAITED) - {*awaited}:
            since = None if collector in {*unreadable} else read_at - lookback
            self.resources.mark_read(collector, read_at, since=since)

    def job(self, kind: Kind, job_id: str, state: str, created: float, **fields: Any) -> None:
        """Tell of a job."""
        self.resources.record(kind, told(kind, job_id, state, created, **fields))

    def backup(self, job_id: str, state: str, created: float, rule_id: str = "daily", **fields: Any) -> None:
        """Tell of a backup that a rule made."""
        self.job(BACKUP, job_id, state, created, **(by(rule_id) | fields))

    def copy(self, job_id: str, state: str, created: float, to: str = REMOTE, **fields: Any) -> None:
        """Tell of a copy."""
        self.job(COPY, job_id, state, created, DestinationBackupVaultArn=to, **fields)

    def restore(self, job_id: str, state: str, created: float, validation: str = "", **fields: Any) -> None:
        """Tell of a restore test."""
        testing = {"CreatedBy": {"RestoreTestingPlanArn": "arn:tests"}, "ValidationStatus": validation}
        self.job(RESTORE, job_id, state, created, **(testing | fields))

    def plans(self, *plans: Plan, at: float = NOW, unread: Iterable[str] = ()) -> None:
        """Tell of all plans."""
        self.resources.set_plans(plans, unread_plans={*unread}, read_at=at)

    def find(self, arn: str = VOLUME) -> Resource | None:
        """Give what is published of a resource; None when nothing is."""
        self.resources.drain()
        return next((each for each in self.resources.published() if each.arn == arn), None)

    def resource(self, arn: str = VOLUME) -> Resource:
        """Give what is published of a resource."""
        found = self.find(arn)
        assert found
        return found

    def backups(self, arn: str = VOLUME) -> JobFacts:
        """Give what is published of its backups."""
        return self.resource(arn).facts_of("backup")

    def copies(self, to: str = REMOTE) -> JobFacts:
        """Give what is published of its copies to a vault."""
        return self.resource().facts_of("copy", to)

    def rules(self) -> dict[str, RuleFacts]:
        """Give what is published of its rules, by their ids."""
        return {each.rule_id: each for each in self.resource().rules}

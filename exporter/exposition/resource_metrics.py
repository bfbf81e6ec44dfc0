"""The metrics of resources, from the jobs of each kind, the rules and the recovery points."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache

from exporter.exposition.metric_types import AWS_LABELS, Family, Group, Labels, Sample, aws_labels
from exporter.ledger import Ledger
from exporter.model import (
    BACKUP,
    KINDS,
    Expectation,
    JobFacts,
    Kind,
    Number,
    RecoveryPoints,
    Resource,
    RuleFacts,
)

_LABELS = (*AWS_LABELS, "resource_arn", "resource_name", "resource_type")
_RULE_LABELS = ("plan_id", "plan_name", "rule_id", "rule_name", "vault_name")
_GRACE = "a grace period of the same length, at most one day"

_EXPECTED = {
    Expectation.RULES: "as configured in expectations, otherwise the largest gap between the runs of the "
    "most frequent rule that backs up the resource",
    Expectation.COPY_ACTIONS: "the largest gap between the runs of the most frequent rule that backs up the "
    "resource and has a copy action to the vault",
}


def _of_resource(suffix: str, text: str, *more: str) -> Family:
    return Family(f"aws_backup_resource_{suffix}", "gauge", text, (*_LABELS, *more))


@cache
def _facts_families(kind: Kind) -> Mapping[str, Family]:
    """Return the metrics of a resource from the jobs of one kind, by the attribute of JobFacts."""
    facts = kind.facts
    key = (facts.key,) if facts.key else ()
    of = f"{kind.name} job of the resource" + (f" for each {facts.key}" if key else "")

    def family(suffix: str, text: str, *more: str) -> Family:
        return Family(f"{facts.prefix}_{suffix}", "gauge", text, (*_LABELS, *key, *more))

    families = {}
    if facts.last_success:
        families["last_success"] = family(
            "last_success_timestamp_seconds",
            f"Unix timestamp of the completion of the last successful {of} (CompletionDate).",
        )
    if facts.expectation is not Expectation.NONE:
        families["expected_interval"] = family(
            "expected_interval_seconds",
            f"Maximum number of seconds between two successful {kind.name} jobs of the resource: "
            f"{_EXPECTED[facts.expectation]}.",
        )
        families["due"] = family(
            "due_timestamp_seconds",
            f"Unix timestamp by which the next {of} must succeed: the last success plus the expected "
            f"interval and {_GRACE}.",
        )
    families["last_ended_job"] = family(
        "last_ended_job_info",
        f"Last {of} that ended, with its result; always 1 (State, StatusMessage).",
        "job_id",
        "state",
        *facts.details,
    )
    families["last_ended"] = family(
        "last_ended_timestamp_seconds",
        f"Unix timestamp of the end of the last {of} that ended (CompletionDate, otherwise CreationDate).",
    )
    return families


LAST_ATTEMPT = _of_resource(
    "last_attempt_timestamp_seconds",
    "Unix timestamp of the creation of the last backup job of the resource (CreationDate).",
)
LAST_STATE = _of_resource(
    "last_job_state",
    "Whether the last backup job of the resource is in this state (1 yes, 0 no) (State).",
    "state",
)
LAST_SIZE = _of_resource(
    "last_success_size_bytes",
    "Size of the last successful backup of the resource, in bytes (BackupSizeInBytes).",
)
LAST_DURATION = _of_resource(
    "last_success_duration_seconds",
    "Duration of the last successful backup job of the resource, in seconds (CompletionDate - CreationDate).",
)
LAST_RECOVERY_POINT = _of_resource(
    "last_recovery_point_timestamp_seconds",
    "Unix timestamp of the last backup of the resource, successful or not (LastBackupTime).",
)
PARENT = _of_resource(
    "parent_info",
    "Composite resource that the resource is backed up with, and that covers its alerts; always 1 "
    "(ParentJobId).",
    "parent_resource_arn",
)
RULE_LAST_SUCCESS = _of_resource(
    "rule_last_success_timestamp_seconds",
    "Unix timestamp of the completion of the last successful backup job that the rule created for the "
    "resource (CompletionDate).",
    *_RULE_LABELS,
)
RULE_INTERVAL = _of_resource(
    "rule_expected_interval_seconds",
    "Largest gap in seconds between the runs of the rule that backs up the resource (ScheduleExpression).",
    *_RULE_LABELS,
)
RULE_DUE = _of_resource(
    "rule_due_timestamp_seconds",
    "Unix timestamp by which the next backup job of the rule must succeed for the resource: the last "
    f"success plus the expected interval and {_GRACE}.",
    *_RULE_LABELS,
)
POINTS = _of_resource(
    "recovery_points",
    "Number of recovery points of the resource in the vault, by status (Status).",
    "vault_name",
    "status",
)
POINTS_SIZE = _of_resource(
    "recovery_points_size_bytes",
    "Total size in bytes of the COMPLETED recovery points of the resource in the vault, by storage class "
    "(BackupSizeInBytes).",
    "vault_name",
    "storage_class",
)
NEWEST_POINT = _of_resource(
    "newest_recovery_point_timestamp_seconds",
    "Unix timestamp of the completion of the newest COMPLETED recovery point of the resource in the vault "
    "(CompletionDate).",
    "vault_name",
)
OLDEST_POINT = _of_resource(
    "oldest_recovery_point_timestamp_seconds",
    "Unix timestamp of the creation of the oldest COMPLETED recovery point of the resource in the vault "
    "(CreationDate).",
    "vault_name",
)
EXPIRY = _of_resource(
    "last_recovery_point_expiry_timestamp_seconds",
    "Unix timestamp of the deletion of the last COMPLETED recovery point of the resource in any vault; "
    "absent if one is kept forever (CalculatedLifecycle.DeleteAt).",
)
SELECTED = _of_resource(
    "selected", "Whether a backup plan selects the resource (1 yes, 0 no) (GetBackupSelection)."
)

_OTHER_FAMILIES = (
    LAST_ATTEMPT,
    LAST_STATE,
    LAST_SIZE,
    LAST_DURATION,
    LAST_RECOVERY_POINT,
    PARENT,
    RULE_LAST_SUCCESS,
    RULE_INTERVAL,
    RULE_DUE,
    POINTS,
    POINTS_SIZE,
    NEWEST_POINT,
    OLDEST_POINT,
    EXPIRY,
    SELECTED,
)


def resource_families(kinds: Sequence[Kind]) -> tuple[Family, ...]:
    """Return the metrics of resources, for a table of kinds."""
    return (*(family for kind in kinds for family in _facts_families(kind).values()), *_OTHER_FAMILIES)


RESOURCE_FAMILIES = resource_families(KINDS)

_KIND_OF = {kind.name: kind for kind in KINDS}


def resource_groups(resource: Resource, ledger: Ledger, mask: Callable[[str], str] = str) -> Iterator[Group]:
    """Yield the samples of one resource; secrets in job messages are masked.

    Recovery points have the account of their vault, because a vault may contain copies from other accounts.
    """
    own = (
        ("resource_arn", resource.arn),
        ("resource_name", resource.name),
        ("resource_type", resource.type),
    )
    samples = (
        *_numbers(resource),
        *_states(resource),
        *(sample for facts in resource.facts for sample in _facts_samples(facts, mask)),
        *(sample for rule in resource.rules for sample in _rule_samples(rule)),
    )
    if samples:
        yield Group((*aws_labels(ledger, resource.account_id), *own), samples)
    if resource.points:
        points = [sample for vault, points in resource.points for sample in _point_samples(vault, points)]
        if resource.last_expiry is not None:
            points.append(Sample(EXPIRY.name, (), resource.last_expiry))
        account_id = next((points.account_id for _, points in resource.points), "")
        yield Group((*aws_labels(ledger, account_id), *own), tuple(points))


def _numbers(resource: Resource) -> Iterator[Sample]:
    numbers: Mapping[str, Number | None] = {
        LAST_ATTEMPT.name: resource.last_attempt,
        LAST_SIZE.name: resource.last_success_size,
        LAST_DURATION.name: resource.last_success_duration,
        LAST_RECOVERY_POINT.name: resource.last_recovery_point,
        SELECTED.name: None if resource.is_selected is None else int(resource.is_selected),
    }
    return _present(numbers, ())


def _states(resource: Resource) -> Iterator[Sample]:
    states = dict.fromkeys((*BACKUP.states, resource.last_state)) if resource.last_state else ()
    for state in states:
        yield Sample(LAST_STATE.name, (("state", state),), int(state == resource.last_state))
    if resource.parent_arn:
        yield Sample(PARENT.name, (("parent_resource_arn", resource.parent_arn),), 1)


def _facts_samples(facts: JobFacts, mask: Callable[[str], str]) -> Iterator[Sample]:
    kind = _KIND_OF[facts.kind]
    families = _facts_families(kind)
    key = ((kind.facts.key, facts.key),) if kind.facts.key else ()
    numbers = {
        "last_success": facts.last_success,
        "expected_interval": facts.expected_interval,
        "due": facts.due,
        "last_ended": facts.last_ended.ended if facts.last_ended else None,
    }
    yield from _present(
        {families[name].name: value for name, value in numbers.items() if name in families}, key
    )
    if ended := facts.last_ended:
        details = zip(kind.facts.details, map(mask, ended.details), strict=True)
        labels = (*key, ("job_id", ended.job_id), ("state", ended.state), *details)
        yield Sample(families["last_ended_job"].name, labels, 1)


def _rule_samples(rule: RuleFacts) -> Iterator[Sample]:
    values = (rule.plan_id, rule.plan_name, rule.rule_id, rule.rule_name, rule.vault_name)
    labels = tuple(zip(_RULE_LABELS, values, strict=True))
    return _present(
        {
            RULE_LAST_SUCCESS.name: rule.last_success,
            RULE_INTERVAL.name: rule.expected_interval,
            RULE_DUE.name: rule.due,
        },
        labels,
    )


def _point_samples(vault_name: str, points: RecoveryPoints) -> Iterator[Sample]:
    vault = (("vault_name", vault_name),)
    for status, count in sorted(points.by_status.items()):
        yield Sample(POINTS.name, (*vault, ("status", status)), count)
    if points.newest is not None:
        for storage_class, size in (("WARM", points.warm_size), ("COLD", points.cold_size)):
            if size is not None:
                yield Sample(POINTS_SIZE.name, (*vault, ("storage_class", storage_class)), size)
    yield from _present({NEWEST_POINT.name: points.newest, OLDEST_POINT.name: points.oldest}, vault)


def _present(numbers: Mapping[str, Number | None], labels: Labels) -> Iterator[Sample]:
    return (Sample(name, labels, value) for name, value in numbers.items() if value is not None)

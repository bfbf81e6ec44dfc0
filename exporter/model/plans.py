"""Backup plans: their rules, and what they select."""

from dataclasses import dataclass, field

from exporter.model.selection import Selection

RuleKey = tuple[str, str]
"""A plan id and a rule id."""


@dataclass(frozen=True, slots=True)
class PlannedRule:
    """A rule of a plan.

    Attributes:
        rule_id, name: the rule.
        next_run: when it runs next, in seconds since 1970.
        interval: the largest gap between its runs in seconds; None when nobody can tell.
        vault_name: the vault that its backups go to.
        schedule, timezone: as AWS writes them; empty when it has none, and for UTC.
        start_window: seconds within which a job must start.
        destinations: ARNs of the vaults that its copy actions copy to.
        retention: seconds after which its recovery points are deleted; None when they are kept forever.
        continuous: whether it makes continuous backups where the resource type can have them.
    """

    rule_id: str
    next_run: float | None
    interval: float | None
    name: str = ""
    vault_name: str = ""
    schedule: str = ""
    timezone: str = ""
    start_window: float | None = None
    destinations: tuple[str, ...] = ()
    retention: float | None = None
    continuous: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """A backup plan.

    Attributes:
        id, name, account_id: the plan.
        last_execution: when it last ran, in seconds since 1970.
        rules: its rules.
        changed: when this version of the plan came into force, as far as AWS or the exporter can tell.
        selections: what it selects; None when they could not be read.
        opted_out_types: resource types that it asks for and that the Region's settings leave out.
    """

    id: str
    name: str
    account_id: str
    last_execution: float | None
    rules: tuple[PlannedRule, ...]
    changed: float | None = None
    selections: tuple[Selection, ...] | None = None
    opted_out_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleRun:
    """The last run of a rule.

    Attributes:
        at: when the schedule asked for it, in seconds since 1970; None when nobody can tell.
        jobs: the backup jobs that it has made so far; None when nobody can tell.
        is_empty: whether the newest run whose start window has ended made no job; None likewise.
        closed_at: when the schedule asked for that run.
    """

    at: float | None = None
    jobs: int | None = None
    is_empty: bool | None = None
    closed_at: float | None = field(default=None, compare=False)

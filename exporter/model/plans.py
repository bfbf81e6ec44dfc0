"""Backup plans, their rules, and the runs of rules."""

from dataclasses import dataclass, field

from exporter.model.selection import Selection

RuleKey = tuple[str, str]
"""The plan ID and the rule ID."""


@dataclass(frozen=True, slots=True)
class PlannedRule:
    """A rule of a plan.

    Attributes:
        rule_id, name: the rule.
        next_run: the time of its next run, in seconds since 1970.
        interval: the largest gap between its runs, in seconds; None if it is unknown.
        vault_name: the target vault of its backups.
        schedule: the schedule expression; empty if the rule has none.
        timezone: the time zone of the schedule; empty for UTC.
        start_window: seconds within which a job must start.
        destinations: ARNs of the destination vaults of its copy actions.
        retention: seconds after which its recovery points are deleted; None if they are kept forever.
        continuous: whether it creates continuous backups for resource types that support them.
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
        last_execution: the time of its last run, in seconds since 1970.
        rules: its rules.
        changed: when this version of the plan came into force, in seconds since 1970; None if it is unknown.
        selections: its resource selections; None if they could not be read.
        opted_out_types: resource types that it selects and that the settings of the Region exclude.
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
        at: the scheduled time, in seconds since 1970; None if it is unknown.
        jobs: the number of backup jobs that it has created so far; None if it is unknown.
        is_empty: whether the last run with an ended start window created no job; None if it is unknown.
        closed_at: the scheduled time of that run.
    """

    at: float | None = None
    jobs: int | None = None
    is_empty: bool | None = None
    closed_at: float | None = field(default=None, compare=False)

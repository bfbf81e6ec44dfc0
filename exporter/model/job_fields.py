"""Parses fields of AWS responses: numbers, times, percentages and texts."""

import math
from collections.abc import Mapping
from sys import intern
from typing import Any

from exporter.model.records import Number, Rule

Answer = Mapping[str, Any]

MESSAGE_LENGTH = 200


def number(value: object) -> Number | None:
    """Return a finite number, or a time in seconds since 1970, unchanged; None for anything else."""
    if type(value) is not int and type(value) is not float:
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:  # an integer that is too large for a float
        return None


def percentage(value: object) -> float | None:
    """Parse PercentDone (`23.71`, `100.00%`) as a ratio; None if it is not a number."""
    percent = str(value).strip().removesuffix("%").rstrip()
    try:
        # Shift the decimal point in the text: 44.91 / 100 would be 0.44909999999999994.
        return number(float(f"{percent}e-2"))
    except ValueError:
        return None


def one_line(text: str) -> str:
    """Collapse white space, and shorten the text to MESSAGE_LENGTH characters."""
    line = " ".join(text.split())
    return line if len(line) <= MESSAGE_LENGTH else line[: MESSAGE_LENGTH - 1] + "…"


def text_at(row: Answer, path: str) -> str:
    """Return a field as text, empty if AWS does not give it; a dot in the path goes one level down.

    Equal texts are one object: most jobs of an account have the same ARNs and names.
    """
    value = row.get(path)
    if isinstance(value, str):
        return intern(value)
    if path == "IsParent":
        return "true" if value is True else "false"
    if isinstance(value, dict):
        return ",".join(f"{key}={value[key]}" for key in sorted(value))
    member, _, below = path.partition(".")
    above = row.get(member) if below else None
    return text_at(above, below) if isinstance(above, dict) else ""


def rule_of(row: Answer) -> Rule | None:
    """Parse the rule that created a job or recovery point (CreatedBy); None for an on-demand one."""
    created_by = row.get("CreatedBy")
    if not isinstance(created_by, dict):
        return None
    plan_id, rule_id = text_at(created_by, "BackupPlanId"), text_at(created_by, "BackupRuleId")
    if not (plan_id and rule_id):
        return None
    return Rule(
        plan_id,
        rule_id,
        schedule=text_at(created_by, "BackupRuleCron"),
        timezone=text_at(created_by, "BackupRuleTimezone"),
        plan_name=text_at(created_by, "BackupPlanName"),
        rule_name=text_at(created_by, "BackupRuleName"),
    )


def child_states(value: object) -> tuple[tuple[str, Number], ...]:
    """Parse ChildJobsInState into pairs of a state and a number of jobs, sorted by state."""
    if not isinstance(value, dict):
        return ()
    counts = ((str(state), number(count)) for state, count in sorted(value.items()))
    return tuple((state, count) for state, count in counts if count is not None)

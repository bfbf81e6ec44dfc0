"""What AWS tells of jobs in the course of their lives, drawn at random."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from exporter.model import Job
from exporter.model.job_kinds import BACKUP
from tests.support.makers import HOUR, NOW, WINDOW, job

ARN = "arn:aws:ec2:eu-west-1:123456789012:volume/vol-"
Told = tuple[Job, bool]  # and whether it was described
LIFE = ("CREATED", "PENDING", "RUNNING", "ABORTING")


def at(percent: float, **others: float) -> dict[str, Any]:
    """Tell how far a job is."""
    return {"numbers": {"progress_ratio": percent / 100, **others}}


@st.composite
def lives(draw: st.DrawFn, number: int) -> list[Told]:
    """Draw versions of one job, from its creation on, and whether each was described."""
    age = draw(st.sampled_from([10.0, HOUR, WINDOW - 2 * HOUR, WINDOW + HOUR]))
    is_parent = draw(st.booleans())
    parent = draw(st.sampled_from(["", "", "j0"])) if number and not is_parent else ""
    fixed: dict[str, Any] = {"created": NOW - age, "is_parent": is_parent, "parent": parent}
    category = draw(st.sampled_from(["", "SUCCESS", "Success", "AccessDenied"]))
    arn = f"{ARN}{draw(st.integers(0, 2))}"
    ends = draw(st.lists(st.sampled_from(sorted(BACKUP.terminal)), max_size=1))
    states = [state for state in LIFE if draw(st.booleans())] + ends
    versions: list[Told] = []
    for state in states:
        ended: dict[str, Any] = {"completed": NOW - 5, "category": category} if ends == [state] else {}
        steps = [100] if ended else draw(st.lists(st.integers(0, 99), min_size=1, max_size=2, unique=True))
        for percent in sorted(steps):
            told = job(f"j{number}", state, **fixed, **ended, **at(percent))
            known = replace(told, resource_arn=arn, resource_name=f"name-{percent}")
            by = draw(st.sampled_from([(False,), (True,), (False, True)]))
            versions += [
                (_with_children(known, percent) if is_parent and described else known, described)
                for described in by
            ]
    return versions


def _with_children(told: Job, percent: int) -> Job:
    return replace(told, child_states=(("COMPLETED", percent),))

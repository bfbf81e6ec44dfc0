"""Copy jobs with a describe response that is a function of time: of recovery points and of composites."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from exporter.simulator.job_kinds import Answer
from exporter.simulator.jobs import Course, ending, together


@dataclass(frozen=True)
class Copy:
    """A copy job that follows a course. It is never PENDING, and reports no progress.

    It has `fields` from its creation, and `made` once it has completed.
    """

    job_id: str
    created: float
    course: Course
    fields: Mapping[str, Any]
    made: Mapping[str, Any] = field(default_factory=dict)
    parent_id: str | None = None

    @property
    def ends(self) -> float:
        """When the job ends."""
        return self.created + self.course.ends

    def answer(self, now: float, children: Sequence[Answer]) -> Answer:
        """Return the CopyJob field of the DescribeCopyJob response at `now`."""
        answer = _beginning(self.fields, self.job_id, self.created) | {"IsParent": False}
        if self.parent_id:
            answer["ParentJobId"] = self.parent_id
        if now >= self.created + self.course.runs:
            answer["State"] = "RUNNING"
        if now >= self.ends:
            answer |= self.course.end(self.created)
        return answer | dict(self.made if answer["State"] == "COMPLETED" else ())


@dataclass(frozen=True)
class CompositeCopy:
    """The copy job of a composite. Its state is derived from its child jobs."""

    job_id: str
    created: float
    ends: float
    fields: Mapping[str, Any]
    made: Mapping[str, Any] = field(default_factory=dict)
    parent_id: str | None = None

    def answer(self, now: float, children: Sequence[Answer]) -> Answer:
        """Return the CopyJob field of the DescribeCopyJob response, with child jobs counted by state."""
        answer = _beginning(self.fields, self.job_id, self.created) | {"IsParent": True}
        states = Counter(child["State"] for child in children)
        answer |= {"NumberOfChildJobs": len(children), "ChildJobsInState": dict(states)}
        if set(states) <= {"CREATED"}:
            return answer
        answer |= {"State": together(states)} | ending(together(states), children)
        return answer | dict(self.made if answer["State"] in ("COMPLETED", "PARTIAL") else ())


def _beginning(fields: Mapping[str, Any], job_id: str, created: float) -> dict[str, Any]:
    return {**fields, "CopyJobId": job_id, "CreationDate": round(created, 3), "State": "CREATED"}

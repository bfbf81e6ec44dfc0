"""Malware scan jobs on a clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exporter.simulator.job_kinds import Answer
from exporter.simulator.jobs import Course


@dataclass(frozen=True)
class Scan:
    """A scan job that follows its course; it is never PENDING and has no progress.

    `fields` are known from creation. `result` is the ScanResultStatus of a job whose outcome is COMPLETED or
    COMPLETED_WITH_ISSUES.
    """

    job_id: str
    created: float
    course: Course
    fields: Mapping[str, Any]
    result: str = "NO_THREATS_FOUND"
    parent_id: str | None = None

    @property
    def ends(self) -> float:
        """When it finishes."""
        return self.created + self.course.ends

    def answer(self, now: float, children: Sequence[Answer]) -> Answer:
        """Return the answer of DescribeScanJob at `now`."""
        answer: dict[str, Any] = {
            **self.fields,
            "ScanJobId": self.job_id,
            "CreationDate": round(self.created, 3),
            "State": "CREATED",
        }
        if now >= self.created + self.course.runs:
            answer["State"] = "RUNNING"
        if now >= self.ends:
            answer |= self.course.end(self.created)
            answer.pop("MessageCategory", None)
        if answer["State"] in ("COMPLETED", "COMPLETED_WITH_ISSUES"):
            answer["ScanResult"] = {"ScanResultStatus": self.result}
        return answer

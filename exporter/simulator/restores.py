"""Restore jobs with a describe response that is a function of time: on-demand jobs and restore tests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from exporter.simulator.job_kinds import Answer
from exporter.simulator.jobs import Course


@dataclass(frozen=True)
class Trial:
    """The validation and cleanup after a completed restore test.

    Validation takes `validates` seconds; `verdict` is SUCCESSFUL, FAILED or TIMED_OUT. Deleting the restored
    resource then takes `deletes` seconds.
    """

    verdict: str = "SUCCESSFUL"
    message: str | None = None
    validates: float = 30.0
    deletes: float = 15.0


@dataclass(frozen=True)
class Restore:
    """A restore job that follows a course; a restore test if it has a `trial`.

    It has `fields` from its creation, and `made` once it has completed.
    """

    job_id: str
    created: float
    course: Course
    fields: Mapping[str, Any]
    made: Mapping[str, Any] = field(default_factory=dict)
    trial: Trial | None = None
    parent_id: str | None = None

    @property
    def ends(self) -> float:
        """When the job changes for the last time."""
        tried = self.trial if self.course.outcome == "COMPLETED" else None
        return self.created + self.course.ends + (tried.validates + tried.deletes if tried else 0.0)

    def answer(self, now: float, children: Sequence[Answer]) -> Answer:
        """Return the DescribeRestoreJob response at `now`."""
        age = now - self.created
        answer: dict[str, Any] = {
            **self.fields,
            "RestoreJobId": self.job_id,
            "CreationDate": round(self.created, 3),
            "IsParent": False,
            "Status": "PENDING",
            "PercentDone": "0.00%",
        }
        if self.parent_id:
            answer["ParentJobId"] = self.parent_id
        if age >= self.course.runs:
            answer |= {"Status": "RUNNING", "PercentDone": f"{100 * self.course.done(age):.2f}%"}
        if age >= self.course.ends:
            answer |= self._end(age - self.course.ends)
        return answer

    def _end(self, since: float) -> dict[str, Any]:
        end = self.course.end(self.created)
        end["Status"] = end.pop("State")
        end.pop("MessageCategory", None)
        if end["Status"] != "COMPLETED":
            return end
        return end | dict(self.made) | (_tried(self.trial, since) if self.trial else {})


def _tried(trial: Trial, since: float) -> dict[str, Any]:
    """Return the validation and deletion status, a number of seconds after the restore completed."""
    if since < trial.validates:
        return {"ValidationStatus": "VALIDATING"}
    tried = {"ValidationStatus": trial.verdict}
    if trial.message is not None:
        tried["ValidationStatusMessage"] = trial.message
    deleted = since >= trial.validates + trial.deletes
    return tried | {"DeletionStatus": "SUCCESSFUL" if deleted else "DELETING"}

"""Jobs whose describe response is a function of time; nothing is stored while they run."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any, Protocol

from exporter.simulator.job_kinds import Answer

GIB = 2**30


class Job(Protocol):
    """The interface of a job. Times are in seconds since 1970."""

    @property
    def job_id(self) -> str:
        """The job ID."""

    @property
    def created(self) -> float:
        """When the job was created."""

    @property
    def parent_id(self) -> str | None:
        """The ID of the parent job; None if there is none."""

    @property
    def ends(self) -> float:
        """When the job ends; infinity if it never changes by itself."""

    def answer(self, now: float, children: Sequence[Answer]) -> Answer:
        """Return the describe response at `now`, given the responses of the child jobs."""


@dataclass(frozen=True)
class Fixed:
    """A job with a constant response."""

    job_id: str
    created: float
    parent_id: str | None
    fields: Answer
    ends: float = inf

    def answer(self, now: float, children: Sequence[Answer]) -> Answer:
        """Return the constant response."""
        return self.fields


@dataclass(frozen=True)
class Course:
    """The course of a job. Times are in seconds after its creation.

    `outcome` is the final state. An EXPIRED job never runs. A job that does not complete has the progress
    `reached` (0 to 1) at its end. `size` and `transferred` are in bytes; None if AWS does not report them for
    the resource type. `has_completion` is false for a job that ends without a CompletionDate. An ABORTED job
    is ABORTING for the last `aborting` seconds.
    """

    pends: float = 1.0
    runs: float = 3.0
    ends: float = 63.0
    outcome: str = "COMPLETED"
    reached: float = 0.4
    size: int | None = 8 * GIB
    transferred: int | None = 8 * GIB
    message: str | None = None
    category: str | None = None
    has_completion: bool = True
    aborting: float = 5.0

    def done(self, age: float) -> float:
        """Return the progress (0 to 1) at an age in seconds."""
        length = self.ends - self.runs
        ran = min(1.0, (age - self.runs) / length) if length > 0 else 1.0
        return ran if self.outcome == "COMPLETED" else ran * self.reached

    def end(self, created: float) -> dict[str, Any]:
        """Return the fields of a job that has ended, given its creation time."""
        end: dict[str, Any] = {"State": self.outcome}
        if self.has_completion:
            end["CompletionDate"] = round(created + self.ends, 3)
        if self.message is not None:
            end["StatusMessage"] = self.message
        category = self.category or ("SUCCESS" if self.outcome == "COMPLETED" else None)
        if category is not None:
            end["MessageCategory"] = category
        return end


@dataclass(frozen=True)
class Scripted:
    """A job that follows a course.

    It has `fields` from its creation, `account_fields` from PENDING, and `made` from RUNNING.
    """

    job_id: str
    created: float
    course: Course
    fields: Mapping[str, Any]
    account_fields: Mapping[str, Any] = field(default_factory=dict)
    made: Mapping[str, Any] = field(default_factory=dict)
    parent_id: str | None = None

    @property
    def ends(self) -> float:
        """When the job ends."""
        return self.created + self.course.ends

    def answer(self, now: float, children: Sequence[Answer]) -> Answer:
        """Return the describe response at `now`."""
        age = now - self.created
        course = self.course
        answer = dict(self.fields) | {
            "BackupJobId": self.job_id,
            "CreationDate": round(self.created, 3),
            "IsParent": False,
            "PercentDone": "0.0",
            "State": "CREATED",
        }
        if self.parent_id:
            answer["ParentJobId"] = self.parent_id
        if age >= course.pends:
            answer |= dict(self.account_fields) | {"State": "PENDING"}
        if age >= course.runs and course.outcome != "EXPIRED":
            answer |= self._progress(age)
        if age >= course.ends - course.aborting and course.outcome == "ABORTED":
            answer["State"] = "ABORTING"
        if age >= course.ends:
            answer |= course.end(self.created)
        return answer

    def _progress(self, age: float) -> dict[str, Any]:
        course = self.course
        done = course.done(age)
        progress: dict[str, Any] = dict(self.made) | {
            "State": "RUNNING",
            "PercentDone": str(round(100 * done, 2)),
            "InitiationDate": round(self.created + course.runs, 3),
        }
        if course.size is not None:
            progress["BackupSizeInBytes"] = course.size
        if course.transferred is not None:
            progress["BytesTransferred"] = int(course.transferred * done)
        return progress


@dataclass(frozen=True)
class Composite:
    """A parent job. Its progress and completion are derived from its child jobs."""

    job_id: str
    created: float
    ends: float
    fields: Mapping[str, Any]
    account_fields: Mapping[str, Any] = field(default_factory=dict)
    made: Mapping[str, Any] = field(default_factory=dict)
    parent_id: str | None = None

    def answer(self, now: float, children: Sequence[Answer]) -> Answer:
        """Return the describe response, with the number of child jobs by state."""
        answer = dict(self.fields) | {
            "BackupJobId": self.job_id,
            "CreationDate": round(self.created, 3),
            "IsParent": True,
            "PercentDone": "0.0",
            "State": "CREATED",
        }
        if not children:
            return answer
        states = Counter(child["State"] for child in children)
        answer |= {"NumberOfChildJobs": len(children), "ChildJobsInState": dict(states)}
        if set(states) <= {"CREATED", "PENDING"}:
            return answer
        percents = [float(child.get("PercentDone") or 0) for child in children]
        answer |= {
            **self.account_fields,
            **self.made,
            "State": together(states),
            "PercentDone": str(round(sum(percents) / len(percents), 2)),
            "BackupSizeInBytes": sum(child.get("BackupSizeInBytes", 0) for child in children),
            "BytesTransferred": sum(child.get("BytesTransferred", 0) for child in children),
        }
        if answer["State"] == "COMPLETED":
            answer["PercentDone"] = "100.0"
        return answer | ending(answer["State"], children)


_UNFINISHED = ("CREATED", "PENDING", "RUNNING", "ABORTING")


def together(states: Mapping[str, int]) -> str:
    """Return the state of a parent job, given the states of its child jobs."""
    if any(state in states for state in _UNFINISHED):
        return "RUNNING"
    if set(states) == {"COMPLETED"}:
        return "COMPLETED"
    return "PARTIAL" if "COMPLETED" in states or "PARTIAL" in states else "FAILED"


def ending(state: str, children: Sequence[Answer]) -> dict[str, Any]:
    """Return the fields of a parent job that has ended in this state."""
    if state == "RUNNING":
        return {}
    dates = [child["CompletionDate"] for child in children if "CompletionDate" in child]
    end: dict[str, Any] = {"CompletionDate": max(dates)} if dates else {}
    if state == "COMPLETED":
        return end | {"MessageCategory": "SUCCESS"}
    failed = sum(child["State"] != "COMPLETED" for child in children)
    return end | {"StatusMessage": f"{failed} of {len(children)} child jobs did not complete"}


@dataclass(frozen=True)
class Stopped:
    """A job stopped by a user: ABORTING immediately, ABORTED at `ends`, without further progress."""

    job_id: str
    created: float
    parent_id: str | None
    ends: float
    fields: Answer

    def answer(self, now: float, children: Sequence[Answer]) -> Answer:
        """Return the describe response at `now`."""
        if now < self.ends:
            return dict(self.fields) | {"State": "ABORTING"}
        return dict(self.fields) | {
            "State": "ABORTED",
            "CompletionDate": round(self.ends, 3),
            "StatusMessage": "Backup job was stopped by the user",
        }

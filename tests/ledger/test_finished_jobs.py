"""Which finished jobs have series is a choice; what is counted, and known of resources, is not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.exposition.exposition import Exposition, Form
from exporter.exposition.scope_series import ScopeSeries
from exporter.ledger.job_changes import Changes
from exporter.ledger.job_store import JobStore
from exporter.ledger.ledger import Ledger
from exporter.ledger.resources import Resources
from exporter.model import Job
from exporter.model.job_kinds import BACKUP, RESTORE, SCAN
from tests.ledger.lives import Told, lives
from tests.support.harness import Clock
from tests.support.makers import (
    HOUR,
    KEEPS_SERIES,
    NOW,
    SCOPE,
    WINDOW,
    FixedTelemetry,
    counts,
    final_ids,
    finished,
    job,
    store,
)

PINNED = ["j1"]


@dataclass
class Scope:
    """A scope with one of the settings, from the ledger to the exposition."""

    finished_jobs: str
    since: float
    clock: Clock
    store: JobStore = field(init=False)
    ledger: Ledger = field(init=False)
    exposition: Exposition = field(init=False)

    def __post_init__(self) -> None:
        self.store = store(since=self.since, pinned=PINNED, finished_jobs=self.finished_jobs)
        resources = Resources({}, lambda _: None)
        self.ledger = Ledger(SCOPE, [self.store], max_jobs=100, resources=resources)
        series = [ScopeSeries(self.ledger, self.clock)]
        self.exposition = Exposition(lambda: series, FixedTelemetry())

    def tell(self, version: Job, *, described: bool) -> None:
        """Take up what a refresh learns: a row of a list or a description."""
        with self.ledger.open(BACKUP) as made:
            made.expire(self.clock())
        self.ledger.update_jobs(BACKUP, [version], self.clock(), described=described)

    def counts(self) -> object:
        """Count the jobs by state, the ends since the start, and the jobs that are known."""
        made = self.store
        return made.tallies(self.clock()), made.active_count, made.finished_count, made.dropped_count

    def lines(self) -> list[str]:
        """Write all series, in alphabetical order."""
        return sorted(self.exposition.write(Form(), scope=SCOPE).decode().splitlines())

    def others(self) -> list[str]:
        """Write the series that are not of one job: counts, resources, the exporter's own."""
        return [line for line in self.lines() if not line.startswith("aws_backup_job_") and line[0] != "#"]

    def jobs(self) -> dict[str, list[str]]:
        """Write the series of each job that has any."""
        found: dict[str, list[str]] = {}
        for line in self.lines():
            if line.startswith("aws_backup_job_"):
                found.setdefault(line.partition('job_id="')[2].partition('"')[0], []).append(line)
        return found


@given(st.data())
@settings(deadline=None)
def test_only_series_of_jobs_differ(data: st.DataObject) -> None:
    """In any order of lists and descriptions, counts and resources are the same under every setting.

    Each job has the series that it has if all are kept, or none: it is active or configured, or the setting
    keeps it.
    """
    told: list[Told] = [
        version for number in range(data.draw(st.integers(1, 4))) for version in data.draw(lives(number))
    ]
    clock, since = Clock(NOW), data.draw(st.sampled_from([NOW - 30, NOW]))
    pace = data.draw(st.sampled_from([0, 5, 61]))
    scopes = {name: Scope(name, since, clock) for name in KEEPS_SERIES}
    ends: dict[str, Job] = {}
    for version, described in data.draw(st.permutations(told)):
        clock.advance(pace)
        if version.finished:
            ends[version.id] = version
        for scope in scopes.values():
            scope.tell(version, described=described)
        [known, *others] = [scope.counts() for scope in scopes.values()]
        assert others == [known, known]
    every = scopes["all"]
    for name, scope in scopes.items():
        kept = {
            job_id: lines
            for job_id, lines in every.jobs().items()
            if job_id in PINNED or job_id not in ends or KEEPS_SERIES[name](ends[job_id])
        }
        assert scope.jobs() == kept
        assert scope.others() == every.others()
        assert {entry.job.id for entry in scope.store.undescribed_jobs()} <= kept.keys()


PARENT: dict[str, Any] = {"is_parent": True}


def test_an_end_that_is_listed_is_the_last_word() -> None:
    """A job that is not to have series is final as soon as a list shows its end, with or without children."""
    made = store(finished_jobs="none")
    made.update(job("a"), NOW, described=True)
    made.update(job("b", **PARENT), NOW, described=True)
    made.drain()
    for told in (job("a", "FAILED"), job("b", "PARTIAL", **PARENT), job("c", "COMPLETED", **PARENT)):
        made.update(told, NOW + 60, described=False)
        assert made.is_final(told.id)
    assert made.undescribed_jobs() == []
    assert made.drain() == Changes(tracked={"a": None, "b": None}, running={"a": None, "b": None})
    assert counts(made) == finished(made) == {"FAILED": 1, "PARTIAL": 1, "COMPLETED": 1}
    assert (made.finished_count, made.dropped_count) == (3, 0)


@pytest.mark.parametrize(
    ("state", "category", "kept"),
    [
        ("COMPLETED", "", False),
        ("COMPLETED", "Success", False),
        ("COMPLETED", "SUCCESS", False),
        ("COMPLETED", "AGGREGATED_FAILURE", True),
        ("FAILED", "", True),
        ("PARTIAL", "SUCCESS", True),
        ("ABORTED", "", True),
        ("EXPIRED", "", True),
    ],
)
def test_unsuccessful_jobs(state: str, category: str, kept: bool) -> None:
    """A job has series if it did not succeed, or if its category is none of success."""
    made = store(finished_jobs="unsuccessful")
    made.update(job("a", state, category=category), NOW, described=False)
    assert final_ids(made.drain()) == ({"a"} if kept else set())
    assert BACKUP.succeeded_without_issues(job("a", state, category=category)) is not kept


@pytest.mark.parametrize(
    ("result", "kept"), [("NO_THREATS_FOUND", False), ("THREATS_FOUND", True), ("", False)]
)
def test_a_scan_that_found_threats_keeps_its_series(result: str, kept: bool) -> None:
    """A scan that completed and found threats is not without issues."""
    row = {"ScanJobId": "a", "State": "COMPLETED", "ScanResult": {"ScanResultStatus": result}}
    assert SCAN.succeeded_without_issues(SCAN.read(row)) is not kept


@pytest.mark.parametrize("name", KEEPS_SERIES)
def test_configured_jobs_have_series_under_every_setting(name: str) -> None:
    """A configured job keeps its series after its end, and a parent is described once for its children."""
    made = store(pinned=["a"], finished_jobs=name)
    made.update(job("a", "COMPLETED", **PARENT), NOW, described=False)
    assert [entry.job.id for entry in made.undescribed_jobs()] == ["a"]
    told = job("a", "COMPLETED", child_states=[("COMPLETED", 2)], **PARENT)
    made.update(told, NOW + 1, described=True)
    assert made.is_final("a")
    assert made.drain() == Changes(tracked={"a": told})


@pytest.mark.parametrize("name", KEEPS_SERIES)
def test_a_validation_that_begins_after_the_end(name: str) -> None:
    """A restore that is validated after its end has series meanwhile, and then as the outcome has it."""
    made = JobStore(RESTORE, window=WINDOW, since=lambda: NOW, keeps_series=_KEEPS_RESTORE[name])

    def tell(validation: str) -> Changes:
        row = {"RestoreJobId": "a", "Status": "COMPLETED", "ValidationStatus": validation}
        made.update(RESTORE.read({**row, "CreationDate": NOW}), NOW, described=True)
        return made.drain()

    assert bool(tell("").final) is (name == "all")
    during = tell("VALIDATING")
    assert during.tracked["a"] is not None
    assert (made.active_count, made.finished_count) == (1, 0)
    assert bool(tell("FAILED").final) is (name != "none")
    assert (made.active_count, made.finished_count) == (0, 1)
    assert finished(made) == counts(made) == {"COMPLETED": 1}


_KEEPS_RESTORE: Mapping[str, Callable[[Job], bool]] = {
    "all": lambda _: True,
    "unsuccessful": lambda told: not RESTORE.succeeded_without_issues(told),
    "none": lambda _: False,
}


def test_jobs_without_series_leave_the_limit_to_others() -> None:
    """Finished jobs that are not to have series take no room of those that have, and are not dropped."""
    made = store(finished_jobs="unsuccessful")
    of = Ledger(SCOPE, [made], max_jobs=2)
    jobs = [job(f"{number}", "COMPLETED") for number in range(100)]
    of.update_jobs(BACKUP, [job("old", "FAILED", created=NOW - HOUR), *jobs, job("new")], NOW, described=True)
    assert (made.active_count, made.finished_count, made.dropped_count) == (1, 101, 0)
    assert final_ids(made.drain()) == {"old"}


def test_a_store_of_jobs_without_series_is_not_empty() -> None:
    """A store knows of a job without series until the job has left the window."""
    made = store(finished_jobs="none")
    assert made.is_empty
    made.update(job("a", "COMPLETED"), NOW, described=False)
    assert not made.is_empty
    made.expire(NOW + WINDOW + 2 * HOUR)
    assert made.is_empty


@pytest.mark.parametrize("described", [True, False])
def test_a_parent_that_ends_beyond_the_window_is_counted_once(described: bool) -> None:
    """A parent that ran for longer than the window, and is listed until after its end, ended once."""
    made = store()
    told = {"created": NOW - 2 * WINDOW, "completed": NOW, **PARENT}
    made.update(job("a", **told), NOW, described=described)
    for seconds in (0, 60, 120):
        made.expire(NOW + seconds)
        made.update(job("a", "COMPLETED", **told), NOW + seconds, described=False)
    assert finished(made) == {"COMPLETED": 1}

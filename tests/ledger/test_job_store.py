"""What a store keeps of its jobs: the window, the last word, what is handed over."""

from typing import Any

import pytest

from exporter.ledger.job_store import Changes
from exporter.model.job_kinds import BACKUP
from exporter.model.records import Job
from tests.support.makers import HOUR, NOW, WINDOW, job, sealed_ids, store

EDGE = NOW - WINDOW
PARENT: dict[str, Any] = {"is_parent": True}


def value(of: Job, suffix: str) -> object:
    """Give one number of a job, by the suffix of its metric."""
    return dict(zip((gauge.suffix for gauge in BACKUP.gauges), of.values, strict=True))[suffix]


def test_a_new_job_is_live() -> None:
    """A job that can still change is handed over as live, and waits to be described."""
    made = store()
    made.enter(job(), NOW, described=False)
    assert made.drain().live == {"a": job()}
    assert [(followed.job.id, followed.described_at) for followed in made.active()] == [("a", 0)]
    assert not made.is_settled("a")


def test_what_did_not_change_is_not_handed_over() -> None:
    """A job is handed over again only when something of it changed."""
    made = store()
    made.enter(job(), NOW, described=True)
    made.drain()
    made.enter(job(), NOW + 15, described=True)
    assert made.drain() == Changes()
    further = job(numbers={"progress_ratio": 0.5})
    made.enter(further, NOW + 30, described=True)
    assert made.drain() == Changes(progressed={"a": further})


def test_the_stalest_comes_first() -> None:
    """Active jobs are given the stalest first, those that were never described before all others."""
    made = store()
    made.enter(job("late"), NOW + 2, described=True)
    made.enter(job("early"), NOW + 1, described=True)
    made.enter(job("never"), NOW + 3, described=False)
    assert [followed.job.id for followed in made.active()] == ["never", "early", "late"]


def test_a_list_row_does_not_make_a_description_younger() -> None:
    """A list row leaves a job as stale as it was."""
    made = store()
    made.enter(job(), NOW, described=True)
    made.enter(job(numbers={"progress_ratio": 0.5}), NOW + 60, described=False)
    assert [followed.described_at for followed in made.active()] == [NOW]


def test_a_described_end_settles() -> None:
    """The description that shows the end of a job settles it: it is sealed and no longer live."""
    made = store()
    made.enter(job(), NOW, described=True)
    made.drain()
    made.enter(job(state="COMPLETED"), NOW + 60, described=True)
    changes = made.drain()
    assert changes.live == {"a": None}
    assert [sealed for _, sealed in changes.sealed.values()] == [job(state="COMPLETED")]
    assert made.is_settled("a")
    assert made.active() == made.unsettled() == []


def test_a_job_settles_once() -> None:
    """Nothing that AWS tells of a settled job afterwards changes it or counts."""
    made = store()
    made.enter(job(state="COMPLETED"), NOW, described=True)
    before = made.tallies(NOW)
    made.drain()
    for told in (job(state="FAILED"), job(state="RUNNING"), job(state="COMPLETED", message="late")):
        for described in (True, False):
            made.enter(told, NOW + 60, described=described)
    assert made.drain() == Changes()
    assert made.tallies(NOW) == before


def test_a_listed_end_of_a_followed_job_waits_for_its_last_word() -> None:
    """A job that was followed and is listed as finished is described once more before it settles."""
    made = store()
    made.enter(job(), NOW, described=True)
    made.enter(job(state="COMPLETED"), NOW + 60, described=False)
    assert [followed.job.state for followed in made.unsettled()] == ["COMPLETED"]
    assert not made.is_settled("a")
    made.enter(job(state="COMPLETED", numbers={"size_bytes": 7}), NOW + 61, described=True)
    [(_, told)] = made.drain().sealed.values()
    assert value(told, "size_bytes") == 7
    assert made.unsettled() == []


def test_a_list_row_is_enough_for_an_end_nobody_watched() -> None:
    """A job that began and ended between two looks settles from its list row."""
    made = store()
    made.enter(job(state="COMPLETED"), NOW, described=False)
    assert made.is_settled("a")


def test_a_finished_parent_waits_to_be_described() -> None:
    """Only a description tells a parent's children: one that is listed as finished is not settled."""
    made = store()
    made.enter(job("old", "COMPLETED", created=NOW - 60, **PARENT), NOW, described=False)
    made.enter(job("new", "COMPLETED", created=NOW, **PARENT), NOW, described=False)
    assert [followed.job.id for followed in made.unsettled()] == ["new", "old"]
    made.enter(job("new", "COMPLETED", child_states=[("COMPLETED", 2)], **PARENT), NOW, described=True)
    assert [followed.job.id for followed in made.unsettled()] == ["old"]


def test_later_rows_do_not_undo_an_end() -> None:
    """A list row that comes late does not make a finished job run again."""
    made = store()
    made.enter(job(state="COMPLETED", **PARENT), NOW, described=False)
    made.enter(job(state="RUNNING", **PARENT), NOW + 1, described=False)
    assert [followed.job.state for followed in made.unsettled()] == ["COMPLETED"]


def test_child_counts_outlast_a_list_row() -> None:
    """A list row, which lacks child counts, leaves those that the last description told."""
    made = store()
    told = job(numbers={"child_jobs": 3, "transferred_bytes": 5}, child_states=[("RUNNING", 3)], **PARENT)
    made.enter(told, NOW, described=True)
    made.enter(job(numbers={"progress_ratio": 0.5}, **PARENT), NOW + 1, described=False)
    [followed] = made.active()
    assert value(followed.job, "child_jobs") == 3
    assert followed.job.child_states == (("RUNNING", 3),)


def test_what_a_list_row_could_tell_and_does_not_is_gone() -> None:
    """A value that AWS gave and gives no longer is absent, also of a parent."""
    made = store()
    told = {"start_by_timestamp_seconds": 5.0, "progress_ratio": 0.0}
    made.enter(job(numbers=told, **PARENT), NOW, described=True)
    made.enter(job(numbers={"progress_ratio": 0.1}, **PARENT), NOW + 1, described=False)
    [followed] = made.active()
    assert value(followed.job, "start_by_timestamp_seconds") is None


def test_a_description_replaces_child_counts() -> None:
    """What a description no longer tells of children is gone."""
    made = store()
    made.enter(job(numbers={"child_jobs": 3}, child_states=[("RUNNING", 3)], **PARENT), NOW, described=True)
    made.enter(job(**PARENT), NOW + 1, described=True)
    assert made.active()[0].job == job(**PARENT)


def test_a_finished_job_that_cannot_be_described_is_sealed_as_it_is() -> None:
    """A finished job that AWS no longer describes settles with what is known."""
    made = store()
    made.enter(job(state="COMPLETED", **PARENT), NOW, described=False)
    made.close("a", NOW)
    assert made.is_settled("a")
    assert sealed_ids(made.drain()) == {"a"}


def test_a_refused_job_that_can_still_change_stays_live() -> None:
    """Being asked about in vain does not end a job, but it is asked about after the others."""
    made = store()
    made.enter(job("a"), NOW, described=False)
    made.enter(job("b"), NOW, described=True)
    made.close("a", NOW + 1)
    made.close("unknown", NOW + 1)
    assert [followed.job.id for followed in made.active()] == ["b", "a"]


def test_a_forgotten_job_is_gone() -> None:
    """A job that AWS no longer knows loses its series; a settled one cannot be forgotten."""
    made = store()
    made.enter(job("a"), NOW, described=True)
    made.enter(job("b", "COMPLETED"), NOW, described=True)
    made.drain()
    for job_id in ("a", "b", "unknown"):
        made.forget(job_id)
    assert made.drain() == Changes(live={"a": None})
    assert made.is_settled("b")


@pytest.mark.parametrize(("age", "known"), [(WINDOW - 1, True), (WINDOW, True), (WINDOW + 1, False)])
def test_finished_jobs_beyond_the_window_are_passed_over(age: float, known: bool) -> None:
    """A finished job has series when it was created within the window."""
    made = store()
    made.enter(job(state="COMPLETED", created=NOW - age), NOW, described=True)
    assert made.is_settled("a") is known
    assert bool(made.drain().sealed) is known


def test_active_jobs_beyond_the_window_are_kept() -> None:
    """A job that is still active has series however old it is."""
    made = store()
    made.enter(job(created=EDGE - 9 * WINDOW), NOW, described=True)
    made.roll(NOW)
    assert made.drain().live == {"a": job(created=EDGE - 9 * WINDOW)}


def test_a_job_without_a_creation_date_is_taken_for_new() -> None:
    """A finished job whose age AWS does not tell stays for a window from when it was first seen."""
    made = store()
    made.enter(job(state="FAILED", created=None), NOW, described=True)
    made.drain()
    made.roll(NOW + WINDOW)
    assert made.drain().left == []
    made.roll(NOW + WINDOW + HOUR)
    assert len(made.drain().left) == 1


def test_jobs_leave_an_hour_at_a_time() -> None:
    """Sealed jobs leave with the bucket of their hour, not before all of it left the window."""
    made = store()
    hour = NOW // HOUR * HOUR
    made.enter(job("first", "COMPLETED", created=hour), NOW, described=True)
    made.enter(job("last", "COMPLETED", created=hour + HOUR - 1), NOW, described=True)
    made.enter(job("next", "COMPLETED", created=hour + HOUR), NOW, described=True)
    made.drain()
    made.roll(hour + HOUR + WINDOW - 1)
    assert made.drain().left == []
    made.roll(hour + HOUR + WINDOW)
    assert made.drain().left == [int(hour // HOUR)]
    assert not made.is_settled("first")
    assert not made.is_settled("last")
    assert made.is_settled("next")
    assert made.finished_count == 1


def test_a_short_window_has_short_buckets() -> None:
    """A window has at least 24 buckets, so that a short one is not overstepped by an hour."""
    made = store(window=240)
    made.enter(job(state="COMPLETED", created=NOW), NOW, described=True)
    made.roll(NOW + 240)
    assert made.is_settled("a")
    made.roll(NOW + 251)
    assert not made.is_settled("a")


def test_what_leaves_before_it_was_handed_over_never_is() -> None:
    """A job that settles and leaves the window between two drains is not handed over as sealed."""
    made = store()
    made.enter(job(state="COMPLETED", created=EDGE), NOW, described=True)
    made.roll(NOW + 2 * HOUR)
    assert made.drain().sealed == {}


def test_an_end_beyond_the_window_is_shown_a_little_longer() -> None:
    """A job that was followed to its end beyond the window does not vanish in the scrape that ends it."""
    made = store()
    made.enter(job(created=EDGE - WINDOW), NOW, described=True)
    made.enter(job(state="COMPLETED", created=EDGE - WINDOW), NOW, described=True)
    made.roll(NOW)
    assert sealed_ids(made.drain()) == {"a"}
    made.roll(NOW + HOUR)
    assert made.is_settled("a")
    made.roll(NOW + 2 * HOUR)
    assert not made.is_settled("a")


def test_a_parent_without_its_last_word_leaves_the_window() -> None:
    """A finished parent that was never described leaves the window like any other."""
    made = store()
    made.enter(job(state="COMPLETED", created=EDGE, **PARENT), NOW, described=False)
    made.roll(NOW + 2 * HOUR)
    assert made.unsettled() == []
    assert made.drain().live == {"a": None}


def test_configured_jobs_stay() -> None:
    """A configured job keeps its series however old it is, and is asked about once."""
    made = store(pinned=["a"])
    told = job(state="COMPLETED", created=EDGE - 9 * WINDOW)
    made.enter(told, NOW, described=True)
    made.roll(NOW + WINDOW)
    assert made.drain() == Changes(live={"a": told})
    assert made.is_settled("a")
    assert made.finished_count == 1


def test_a_configured_job_that_is_listed_as_finished_is_settled_like_others() -> None:
    """A configured job settles from a list row when it was not followed, from a description when it was."""
    made = store(pinned=["a", "b"])
    made.enter(job("a", "COMPLETED"), NOW, described=False)
    made.enter(job("b"), NOW, described=True)
    made.enter(job("b", "COMPLETED"), NOW, described=False)
    assert (made.is_settled("a"), made.is_settled("b")) == (True, False)
    made.close("b", NOW)
    assert made.is_settled("b")

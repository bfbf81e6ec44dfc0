"""What a store keeps of its jobs: the window, the last word, what is reported."""

from dataclasses import replace
from typing import Any

import pytest

from exporter.ledger.job_changes import Changes
from exporter.model.job_kinds import BACKUP
from exporter.model.records import Job
from tests.support.makers import HOUR, NOW, WINDOW, final_ids, job, store

EDGE = NOW - WINDOW
PARENT: dict[str, Any] = {"is_parent": True}


def value(of: Job, suffix: str) -> object:
    """Give one number of a job, by the suffix of its metric."""
    return dict(zip((gauge.suffix for gauge in BACKUP.gauges), of.values, strict=True))[suffix]


def test_a_new_job_is_tracked() -> None:
    """A job that can still change is reported as tracked, and waits to be described."""
    made = store()
    made.update(job(), NOW, described=False)
    assert made.drain().tracked == {"a": job()}
    assert [(followed.job.id, followed.described_at) for followed in made.active_jobs()] == [("a", 0)]
    assert not made.is_final("a")


def test_what_did_not_change_is_not_handed_over() -> None:
    """A job is reported again only when something of it changed."""
    made = store()
    known = job(numbers={"progress_ratio": 0.4})
    made.update(known, NOW, described=True)
    made.drain()
    made.update(known, NOW + 15, described=True)
    assert made.drain() == Changes()
    further = job(numbers={"progress_ratio": 0.5})
    made.update(further, NOW + 30, described=True)
    assert made.drain() == Changes(progressed={"a": further})


def test_the_stalest_comes_first() -> None:
    """Active jobs are given the stalest first, those that were never described before all others."""
    made = store()
    made.update(job("late"), NOW + 2, described=True)
    made.update(job("early"), NOW + 1, described=True)
    made.update(job("never"), NOW + 3, described=False)
    assert [followed.job.id for followed in made.active_jobs()] == ["never", "early", "late"]


def test_a_list_row_does_not_make_a_description_younger() -> None:
    """A list row leaves a job as stale as it was."""
    made = store()
    made.update(job(), NOW, described=True)
    made.update(job(numbers={"progress_ratio": 0.5}), NOW + 60, described=False)
    assert [followed.described_at for followed in made.active_jobs()] == [NOW]


def test_a_described_end_settles() -> None:
    """The description that shows the end of a job is its last one: it is final and no longer tracked."""
    made = store()
    made.update(job(), NOW, described=True)
    made.drain()
    made.update(job(state="COMPLETED"), NOW + 60, described=True)
    changes = made.drain()
    assert changes.tracked == {"a": None}
    assert [final for _, final in changes.final.values()] == [job(state="COMPLETED")]
    assert made.is_final("a")
    assert made.active_jobs() == made.undescribed_jobs() == []


def test_a_job_settles_once() -> None:
    """Nothing that AWS tells of a settled job afterwards changes it or counts."""
    made = store()
    made.update(job(state="COMPLETED"), NOW, described=True)
    before = made.tallies(NOW)
    made.drain()
    for told in (job(state="FAILED"), job(state="RUNNING"), job(state="COMPLETED", message="late")):
        for described in (True, False):
            made.update(told, NOW + 60, described=described)
    assert made.drain() == Changes()
    assert made.tallies(NOW) == before


def test_a_listed_end_of_a_followed_job_waits_for_its_last_word() -> None:
    """A job that was followed and is listed as finished is described once more before it settles."""
    made = store()
    made.update(job(), NOW, described=True)
    made.update(job(state="COMPLETED"), NOW + 60, described=False)
    assert [followed.job.state for followed in made.undescribed_jobs()] == ["COMPLETED"]
    assert not made.is_final("a")
    made.update(job(state="COMPLETED", numbers={"size_bytes": 7}), NOW + 61, described=True)
    [(_, told)] = made.drain().final.values()
    assert value(told, "size_bytes") == 7
    assert made.undescribed_jobs() == []


def test_a_list_row_is_enough_for_an_end_nobody_watched() -> None:
    """A job that began and ended between two looks settles from its list row."""
    made = store()
    made.update(job(state="COMPLETED"), NOW, described=False)
    assert made.is_final("a")


def test_a_finished_parent_waits_to_be_described() -> None:
    """Only a description tells a parent's children: one that is listed as finished is not settled."""
    made = store()
    made.update(job("old", "COMPLETED", created=NOW - 60, **PARENT), NOW, described=False)
    made.update(job("new", "COMPLETED", created=NOW, **PARENT), NOW, described=False)
    assert [followed.job.id for followed in made.undescribed_jobs()] == ["new", "old"]
    made.update(job("new", "COMPLETED", child_states=[("COMPLETED", 2)], **PARENT), NOW, described=True)
    assert [followed.job.id for followed in made.undescribed_jobs()] == ["old"]


def test_later_rows_do_not_undo_an_end() -> None:
    """A list row that comes late does not make a finished job run again."""
    made = store()
    made.update(job(state="COMPLETED", **PARENT), NOW, described=False)
    made.update(job(state="RUNNING", **PARENT), NOW + 1, described=False)
    assert [followed.job.state for followed in made.undescribed_jobs()] == ["COMPLETED"]


def test_child_counts_outlast_a_list_row() -> None:
    """A list row, which lacks child counts, leaves those that the last description told."""
    made = store()
    told = job(numbers={"child_jobs": 3, "transferred_bytes": 5}, child_states=[("RUNNING", 3)], **PARENT)
    made.update(told, NOW, described=True)
    made.update(job(numbers={"progress_ratio": 0.5}, **PARENT), NOW + 1, described=False)
    [followed] = made.active_jobs()
    assert value(followed.job, "child_jobs") == 3
    assert followed.job.child_states == (("RUNNING", 3),)


def test_what_a_list_row_could_tell_and_does_not_is_gone() -> None:
    """A value that AWS gave and gives no longer is absent, also of a parent."""
    made = store()
    told = {"start_by_timestamp_seconds": 5.0, "progress_ratio": 0.0}
    made.update(job(numbers=told, **PARENT), NOW, described=True)
    made.update(job(numbers={"progress_ratio": 0.1}, **PARENT), NOW + 1, described=False)
    [followed] = made.active_jobs()
    assert value(followed.job, "start_by_timestamp_seconds") is None


def test_a_description_replaces_child_counts() -> None:
    """What a description no longer tells of children is gone."""
    made = store()
    made.update(job(numbers={"child_jobs": 3}, child_states=[("RUNNING", 3)], **PARENT), NOW, described=True)
    made.update(job(**PARENT), NOW + 1, described=True)
    assert made.active_jobs()[0].job == job(**PARENT)


def test_a_finished_job_that_cannot_be_described_is_sealed_as_it_is() -> None:
    """A finished job that AWS no longer describes settles with what is known."""
    made = store()
    made.update(job(state="COMPLETED", **PARENT), NOW, described=False)
    made.skip_description("a", NOW)
    assert made.is_final("a")
    assert final_ids(made.drain()) == {"a"}


def test_a_refused_job_that_can_still_change_stays_tracked() -> None:
    """Being asked about in vain does not end a job, but it is asked about after the others."""
    made = store()
    made.update(job("a"), NOW, described=False)
    made.update(job("b"), NOW, described=True)
    made.skip_description("a", NOW + 1)
    made.skip_description("unknown", NOW + 1)
    assert [followed.job.id for followed in made.active_jobs()] == ["b", "a"]


def test_a_forgotten_job_is_gone() -> None:
    """A job that AWS no longer knows loses its series; a settled one cannot be forgotten."""
    made = store()
    made.update(job("a"), NOW, described=True)
    made.update(job("b", "COMPLETED"), NOW, described=True)
    made.drain()
    for job_id in ("a", "b", "unknown"):
        made.remove(job_id)
    assert made.drain() == Changes(tracked={"a": None}, running={"a": None})
    assert made.is_final("b")


@pytest.mark.parametrize(("age", "known"), [(WINDOW - 1, True), (WINDOW, True), (WINDOW + 1, False)])
def test_finished_jobs_beyond_the_window_are_passed_over(age: float, known: bool) -> None:
    """A finished job has series when it was created within the window."""
    made = store()
    made.update(job(state="COMPLETED", created=NOW - age), NOW, described=True)
    assert made.is_final("a") is known
    assert bool(made.drain().final) is known


def test_active_jobs_beyond_the_window_are_kept() -> None:
    """A job that is still active has series however old it is."""
    made = store()
    made.update(job(created=EDGE - 9 * WINDOW), NOW, described=True)
    made.expire(NOW)
    assert made.drain().tracked == {"a": job(created=EDGE - 9 * WINDOW)}


def test_a_job_without_a_creation_date_is_taken_for_new() -> None:
    """A finished job whose age AWS does not tell stays for a window from when it was first seen."""
    made = store()
    made.update(job(state="FAILED", created=None), NOW, described=True)
    made.drain()
    made.expire(NOW + WINDOW)
    assert made.drain().expired == []
    made.expire(NOW + WINDOW + HOUR)
    assert len(made.drain().expired) == 1


def test_jobs_leave_an_hour_at_a_time() -> None:
    """Sealed jobs leave with the bucket of their hour, not before all of it left the window."""
    made = store()
    hour = NOW // HOUR * HOUR
    made.update(job("first", "COMPLETED", created=hour), NOW, described=True)
    made.update(job("last", "COMPLETED", created=hour + HOUR - 1), NOW, described=True)
    made.update(job("next", "COMPLETED", created=hour + HOUR), NOW, described=True)
    made.drain()
    made.expire(hour + HOUR + WINDOW - 1)
    assert made.drain().expired == []
    made.expire(hour + HOUR + WINDOW)
    assert made.drain().expired == [int(hour // HOUR)]
    assert not made.is_final("first")
    assert not made.is_final("last")
    assert made.is_final("next")
    assert made.finished_count == 1


def test_a_short_window_has_short_buckets() -> None:
    """A window has at least 24 buckets, so that a short one is not overstepped by an hour."""
    made = store(window=240)
    made.update(job(state="COMPLETED", created=NOW), NOW, described=True)
    made.expire(NOW + 240)
    assert made.is_final("a")
    made.expire(NOW + 251)
    assert not made.is_final("a")


def test_what_leaves_before_it_was_handed_over_never_is() -> None:
    """A job that becomes final and leaves the window between two drains is not reported as final."""
    made = store()
    made.update(job(state="COMPLETED", created=EDGE), NOW, described=True)
    made.expire(NOW + 2 * HOUR)
    assert made.drain().final == {}


def test_an_end_beyond_the_window_is_shown_a_little_longer() -> None:
    """A job that was followed to its end beyond the window does not vanish in the scrape that ends it."""
    made = store()
    made.update(job(created=EDGE - WINDOW), NOW, described=True)
    made.update(job(state="COMPLETED", created=EDGE - WINDOW), NOW, described=True)
    made.expire(NOW)
    assert final_ids(made.drain()) == {"a"}
    made.expire(NOW + HOUR)
    assert made.is_final("a")
    made.expire(NOW + 2 * HOUR)
    assert not made.is_final("a")


def test_a_parent_without_its_last_word_leaves_the_window() -> None:
    """A finished parent that was never described leaves the window like any other."""
    made = store()
    made.update(job(state="COMPLETED", created=EDGE, **PARENT), NOW, described=False)
    made.expire(NOW + 2 * HOUR)
    assert made.undescribed_jobs() == []
    assert made.drain().tracked == {"a": None}


def test_configured_jobs_stay() -> None:
    """A configured job keeps its series however old it is, and is asked about once."""
    made = store(pinned=["a"])
    told = job(state="COMPLETED", created=EDGE - 9 * WINDOW)
    made.update(told, NOW, described=True)
    made.expire(NOW + WINDOW)
    assert made.drain() == Changes(tracked={"a": told})
    assert made.is_final("a")
    assert made.finished_count == 1


def test_a_configured_job_that_is_listed_as_finished_is_settled_like_others() -> None:
    """A configured job settles from a list row when it was not followed, from a description when it was."""
    made = store(pinned=["a", "b"])
    made.update(job("a", "COMPLETED"), NOW, described=False)
    made.update(job("b"), NOW, described=True)
    made.update(job("b", "COMPLETED"), NOW, described=False)
    assert (made.is_final("a"), made.is_final("b")) == (True, False)
    made.skip_description("b", NOW)
    assert made.is_final("b")


def test_the_size_of_a_finished_job_is_news() -> None:
    """A description that adds only the size to what a list says of a finished parent job is returned."""
    made = store()
    listed = job("a", "COMPLETED", is_parent=True)
    assert made.update(listed, NOW, described=False) == listed
    described = replace(listed, size=1024)
    assert made.update(described, NOW + 1, described=True) == described

"""What a ledger holds together: the limit on series, health, calls."""

from dataclasses import replace

from exporter.ledger.job_changes import Changes
from exporter.ledger.job_store import JobStore
from exporter.ledger.ledger import Ledger
from exporter.model.job_kinds import BACKUP
from exporter.model.records import Health
from tests.support.makers import HOUR, NOW, SCOPE, WINDOW, counts, final_ids, finished, job, ledger, store


def enter(of: Ledger, *job_ids: str, state: str = "COMPLETED", age: float = 0) -> None:
    """Enter described jobs of one state and age, each a second older than the one before."""
    with of.open(BACKUP) as made:
        for place, job_id in enumerate(job_ids):
            made.update(job(job_id, state, created=NOW - age - place), NOW, described=True)


def test_the_oldest_lose_their_series() -> None:
    """Beyond the limit the jobs that were created first lose their series, whenever they were entered."""
    made = store()
    of = ledger(made, max_jobs=2)
    enter(of, "new", "older", "oldest")
    enter(of, "ancient", age=2 * HOUR)
    assert (made.finished_count, made.dropped_count) == (2, 2)
    assert final_ids(made.drain()) == {"new", "older"}


def test_a_reported_job_loses_its_series() -> None:
    """A job that loses its series after it was reported is named with its bucket."""
    made = store()
    of = ledger(made, max_jobs=1)
    enter(of, "old", age=HOUR)
    [(bucket, _)] = made.drain().final.values()
    enter(of, "new")
    changes = made.drain()
    assert changes.dropped == {bucket: {"old"}}
    assert final_ids(changes) == {"new"}


def test_jobs_without_series_are_still_counted() -> None:
    """A job that lost its series is still one of the window's jobs, and is not entered again."""
    made = store()
    of = ledger(made, max_jobs=1)
    enter(of, "a", "b", "c")
    enter(of, "b", "c", state="FAILED")
    assert counts(made) == {"COMPLETED": 3}
    assert made.is_final("c")
    assert (made.finished_count, made.dropped_count) == (1, 2)


def test_jobs_without_series_leave_with_their_hour() -> None:
    """Those that lost their series are no longer told of once their hour left the window."""
    made = store()
    of = ledger(made, max_jobs=1)
    enter(of, "a", "b", "c")
    with of.open(BACKUP):
        made.expire(NOW + WINDOW + 2 * HOUR)
    assert (made.finished_count, made.dropped_count) == (0, 0)
    assert not made.is_final("c")


def shown(of: Changes) -> set[str]:
    """Name the jobs that can still change and have series."""
    return {job_id for job_id, told in of.tracked.items() if told}


def test_active_jobs_have_series_before_finished_ones() -> None:
    """While there is room for the active jobs alone, no finished one has series."""
    made = store()
    of = ledger(made, max_jobs=2)
    enter(of, "a", "b", state="RUNNING")
    enter(of, "c")
    with of.open(BACKUP):
        made.update(job("d", "COMPLETED", is_parent=True), NOW, described=False)
    assert (made.active_count, made.finished_count, made.dropped_count) == (2, 0, 2)
    assert shown(made.drain()) == {"a", "b"}


def test_the_newest_active_jobs_wait_for_room() -> None:
    """Beyond the limit the active jobs that were created last have no series, until others have ended."""
    made = store()
    of = ledger(made, max_jobs=2)
    enter(of, "new", "older", "oldest", state="RUNNING")
    assert (made.active_count, made.dropped_count) == (2, 1)
    assert shown(made.drain()) == {"older", "oldest"}
    with of.open(BACKUP):
        made.update(job("oldest", "COMPLETED", created=NOW - 2), NOW, described=True)
    changes = made.drain()
    assert (changes.tracked, final_ids(changes)) == ({"oldest": None, "new": job("new")}, set())
    assert (made.active_count, made.finished_count, made.dropped_count) == (2, 0, 1)


def test_an_active_job_without_series_is_followed() -> None:
    """A job without series is asked about, counted in its state, and counted when it ends."""
    made = store()
    of = ledger(made, max_jobs=1)
    enter(of, "new", "old", state="RUNNING")
    assert {followed.job.id for followed in made.active_jobs()} == {"new", "old"}
    with of.open(BACKUP):
        made.update(job("new", "FAILED"), NOW, described=True)
    assert (counts(made), finished(made)) == ({"RUNNING": 1, "FAILED": 1}, {"FAILED": 1})


def test_what_moves_on_without_series_is_not_written() -> None:
    """What becomes of a job without series is not reported."""
    made = store()
    of = ledger(made, max_jobs=1)
    enter(of, "new", "old", state="RUNNING")
    made.drain()
    for further in (job("new", numbers={"progress_ratio": 0.5}), job("new", "ABORTING")):
        with of.open(BACKUP):
            made.update(further, NOW, described=True)
    assert made.drain() == Changes()


def test_jobs_that_wait_for_their_last_word_yield() -> None:
    """Finished parents that are still to be described take what room is left, the newest first."""
    made = store(pinned=["pinned"])
    of = ledger(made, max_jobs=6)
    with of.open(BACKUP):
        for number in range(300):
            parent = job(f"p{number}", "COMPLETED", created=NOW - number, is_parent=True)
            made.update(parent, NOW, described=False)
        made.update(job("final", "COMPLETED"), NOW, described=True)
        made.update(job("pinned", "COMPLETED", created=NOW - 900), NOW, described=True)
    assert (made.finished_count, made.dropped_count) == (6, 296)
    assert shown(made.drain()) == {"pinned", "p0", "p1", "p2", "p3", "p4"}
    assert len(made.undescribed_jobs()) == 300
    with of.open(BACKUP):
        made.skip_description("p0", NOW)
    assert shown(made.drain()) == {"p5"}


def test_the_limit_is_for_all_kinds_together() -> None:
    """The oldest jobs lose their series, of whatever kind they are."""
    copies = replace(BACKUP, name="copy")
    stores = [store(), JobStore(copies, window=WINDOW, since=lambda: NOW)]
    of = Ledger(SCOPE, stores, max_jobs=2)
    with of.open(copies) as made:
        made.update(job("copy", "COMPLETED", created=NOW - 2 * HOUR), NOW, described=True)
    enter(of, "a", "b")
    assert [(each.finished_count, each.dropped_count) for each in stores] == [(2, 0), (0, 1)]
    assert of.kinds == (BACKUP, copies)


def test_calls_are_counted_by_how_they_ended() -> None:
    """Each attempt to call AWS counts under its operation and its end."""
    of = ledger()
    for code in ("ok", "ok", "timeout"):
        of.count_call("ListBackupJobs", code)
    of.count_call("DescribeBackupJob", "ok")
    expected = {
        ("ListBackupJobs", "ok"): 2,
        ("ListBackupJobs", "timeout"): 1,
        ("DescribeBackupJob", "ok"): 1,
    }
    assert of.calls() == expected


def test_a_collector_is_down_until_it_got_through() -> None:
    """A collector that never ended a refresh is not up."""
    of = ledger(collectors=["backup_jobs"])
    assert of.health() == {"backup_jobs": Health(up=False)}
    of.set_health("backup_jobs", Health(up=True, last_success=NOW))
    assert of.health() == {"backup_jobs": Health(up=True, last_success=NOW)}


def test_what_is_given_out_does_not_change() -> None:
    """What a ledger gives out is a copy: it stays as it was."""
    of = ledger(collectors=["backup_jobs"])
    calls, health = of.calls(), of.health()
    of.count_call("ListBackupJobs", "ok")
    of.set_health("backup_jobs", Health(up=True))
    assert calls == {}
    assert health == {"backup_jobs": Health(up=False)}


def test_each_change_of_a_job_is_a_new_version() -> None:
    """A job that comes, changes its state, ends, leaves the window or is forgotten is new data."""
    of = ledger()
    seen = [of.versions()]
    for told in (
        job("a", state=""),
        job("a", "RUNNING"),
        job("a", "COMPLETED"),
        job("b", state=""),
    ):
        of.update_jobs(BACKUP, [told], NOW, described=True)
        seen.append(of.versions())
    with of.open(BACKUP) as made:
        made.remove("b")
    seen.append(of.versions())
    of.expire(BACKUP, NOW + WINDOW + 2 * HOUR)
    seen.append(of.versions())
    assert [version.data for version in seen] == sorted({version.data for version in seen})
    assert len({version.status for version in seen}) == 1


def test_progress_of_a_job_has_a_version_of_its_own() -> None:
    """New numbers of a job that is not finished are progress, not new data."""
    of = ledger()
    seen = []
    for ratio in (0.25, 0.5, 0.75, 0.75):
        running = job("a", "RUNNING", numbers={"progress_ratio": ratio})
        of.update_jobs(BACKUP, [running], NOW, described=True)
        seen.append(of.versions())
    first = seen[0]
    assert [sum(version.progress) - sum(first.progress) for version in seen] == [0, 1, 2, 2]
    assert {(version.data, version.status) for version in seen} == {(first.data, first.status)}


def test_what_changes_nothing_is_no_new_version() -> None:
    """Reading, draining, expiring nothing and the same inventory once more leave the versions as they are."""
    of = ledger(collectors=["backup_jobs"])
    of.update_jobs(BACKUP, [job("a"), job("b", "COMPLETED")], NOW, described=True)
    before = of.versions()
    with of.read(BACKUP) as made:
        made.drain()
        made.active_jobs()
    of.expire(BACKUP, NOW)
    with of.open_resources() as resources:
        resources.drain()
    of.update_jobs(BACKUP, [job("a"), job("b", "COMPLETED")], NOW, described=False)
    of.update_inventory(lambda known: known.with_opt_in({}))
    assert of.versions() == before


def test_expiring_is_a_write_only_if_a_bucket_has_left_the_window() -> None:
    """Series are rendered again only after a write; within an hour, nothing more can leave the window."""
    of = ledger()
    enter(of, "a")
    of.expire(BACKUP, NOW)
    before = of.writes
    of.expire(BACKUP, NOW + 1)
    assert of.writes == before
    of.expire(BACKUP, NOW + WINDOW + 2 * HOUR)
    assert of.writes > before
    with of.read(BACKUP) as made:
        assert made.finished_count == 0

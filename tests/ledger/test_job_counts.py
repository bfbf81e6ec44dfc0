"""What a store counts: jobs of the window by state, and how many finished since the start."""

from exporter.model.job_kinds import BACKUP
from exporter.model.records import Job
from tests.support.makers import ACCOUNT, HOUR, NOW, WINDOW, counts, finished, job, ledger, store


def test_every_state_is_always_present() -> None:
    """A vault and resource type that was seen has a count for each of the nine states."""
    made = store()
    made.update(job(), NOW, described=False)
    [tally] = made.tallies(NOW)
    assert (tally.account_id, tally.vault_name, tally.resource_type) == (ACCOUNT, "prod", "EBS")
    assert tally.in_window == {state: int(state == "RUNNING") for state in BACKUP.states}
    assert tally.finished_total == dict.fromkeys(BACKUP.terminal, 0)


def test_counts_stay_when_no_job_does() -> None:
    """A vault and resource type that was seen once keeps its zeros."""
    made = store()
    made.update(job(state="COMPLETED"), NOW, described=True)
    later = NOW + WINDOW + 2 * HOUR
    made.expire(later)
    [tally] = made.tallies(later)
    assert set(tally.in_window.values()) == {0}
    assert len(tally.in_window) == 9
    assert finished(made, later) == {"COMPLETED": 1}


def test_places_are_counted_apart() -> None:
    """Accounts, vaults and resource types are counted apart."""
    made = store()
    made.update(job("a"), NOW, described=False)
    made.update(job("b", vault="other"), NOW, described=False)
    made.update(job("c", resource_type="RDS"), NOW, described=False)
    made.update(job("d", account_id="210987654321"), NOW, described=False)
    assert len(made.tallies(NOW)) == 4
    assert all(tally.in_window["RUNNING"] == 1 for tally in made.tallies(NOW))


def test_an_unknown_state_is_counted_as_it_came() -> None:
    """A state that nobody knows has a count of its own while a job is in it."""
    made = store()
    made.update(job(state="NOVEL"), NOW, described=True)
    assert counts(made) == {"NOVEL": 1}
    made.update(job(state="RUNNING"), NOW, described=True)
    assert counts(made) == {"RUNNING": 1}
    assert "NOVEL" not in made.tallies(NOW)[0].in_window


def test_a_job_without_a_state_is_not_counted() -> None:
    """A job whose state AWS did not give is not counted until it does."""
    made = store()
    made.update(job(state=""), NOW, described=True)
    assert made.tallies(NOW) == []
    made.update(job(state="RUNNING"), NOW, described=True)
    assert counts(made) == {"RUNNING": 1}


def test_a_job_moves_from_state_to_state() -> None:
    """A job is counted once, in the state it is in."""
    made = store()
    for state in ("CREATED", "PENDING", "RUNNING", "RUNNING", "COMPLETED"):
        made.update(job(state=state), NOW, described=True)
        assert counts(made) == {state: 1}


def test_a_job_moves_when_its_account_is_told() -> None:
    """A job that told no account is counted in its account alone once it tells it."""
    made = store()
    made.update(job(account_id=""), NOW, described=True)
    made.update(job(), NOW, described=True)
    assert {tally.account_id: tally.in_window["RUNNING"] for tally in made.tallies(NOW)} == {
        "": 0,
        ACCOUNT: 1,
    }


def test_an_assumed_account_is_one_account() -> None:
    """Where no job tells its account, the target's is assumed, and counted together with it."""
    made = store()
    ledger(made, account_id=ACCOUNT)
    made.update(job("a", account_id=""), NOW, described=True)
    made.update(job("b"), NOW, described=True)
    assert [(tally.account_id, tally.in_window["RUNNING"]) for tally in made.tallies(NOW)] == [(ACCOUNT, 2)]


def test_children_are_not_counted() -> None:
    """Child jobs are counted neither as present nor as finished: their parent is."""
    made = store()
    made.update(job("parent", is_parent=True), NOW, described=True)
    made.update(job("child", parent="parent"), NOW, described=True)
    made.update(job("child", "COMPLETED", parent="parent"), NOW, described=True)
    assert counts(made) == {"RUNNING": 1}
    assert finished(made) == {}
    assert made.active_count == made.finished_count == 1


def test_a_job_that_turns_out_to_be_a_child_is_no_longer_counted() -> None:
    """A job that tells its parent only later is counted until then."""
    made = store()
    made.update(job("child", "CREATED"), NOW, described=True)
    made.update(job("child", "CREATED", parent="parent"), NOW, described=True)
    assert counts(made) == {}


def test_a_followed_job_counts_when_it_ends() -> None:
    """A job that was followed counts as finished once, in the state that it ended in."""
    made = store()
    made.update(job(), NOW, described=True)
    assert finished(made) == {}
    made.update(job(state="FAILED"), NOW + 60, described=False)
    made.update(job(state="FAILED"), NOW + 61, described=True)
    made.update(job(state="FAILED"), NOW + 62, described=True)
    assert finished(made) == {"FAILED": 1}


def test_a_job_that_came_and_went_between_two_looks_counts() -> None:
    """A job that is first seen finished counts when it ended since the start."""
    made = store(since=NOW)
    made.update(job("a", "COMPLETED", created=NOW - HOUR, completed=NOW), NOW + 60, described=False)
    made.update(job("b", "EXPIRED", created=NOW + 1), NOW + 60, described=False)
    assert finished(made) == {"COMPLETED": 1, "EXPIRED": 1}


def test_what_ended_before_the_start_does_not_count() -> None:
    """A job that is first seen finished does not count when it ended before the start, or may have."""
    made = store(since=NOW)
    made.update(job("a", "COMPLETED", created=NOW - HOUR, completed=NOW - 1), NOW, described=True)
    made.update(job("b", "FAILED", created=NOW - 1), NOW, described=True)
    made.update(job("c", "FAILED", created=None), NOW, described=True)
    assert finished(made) == {}
    assert counts(made) == {"COMPLETED": 1, "FAILED": 2}


def test_a_followed_job_counts_although_aws_tells_no_time() -> None:
    """A job that was followed to its end counts, whatever dates AWS gives."""
    made = store(since=NOW)
    made.update(job(created=None), NOW, described=True)
    made.update(job(state="ABORTED", created=None), NOW, described=True)
    assert finished(made) == {"ABORTED": 1}


def test_jobs_leave_the_counts_with_their_hour() -> None:
    """A job is counted until its hour left the window, whether or not anything was let go since."""
    made = store()
    hour = NOW // HOUR * HOUR
    made.update(job(state="COMPLETED", created=hour), NOW, described=True)
    assert counts(made, hour + HOUR + WINDOW - 1) == {"COMPLETED": 1}
    assert counts(made, hour + HOUR + WINDOW) == {}


def test_an_active_job_beyond_the_window_is_not_counted() -> None:
    """A job created before the window has series while it is active, and is not counted."""
    made = store()
    made.update(job(created=NOW - 2 * WINDOW), NOW, described=True)
    assert counts(made) == {}
    made.update(job(state="COMPLETED", created=NOW - 2 * WINDOW), NOW, described=True)
    assert counts(made) == {}
    assert finished(made) == {"COMPLETED": 1}


def test_a_forgotten_job_is_not_counted() -> None:
    """A job that AWS no longer knows is not counted."""
    made = store()
    made.update(job(), NOW, described=True)
    made.remove("a")
    assert counts(made) == {}


def test_a_mark_tells_when_counts_may_differ() -> None:
    """The mark of the counts stays while they do, and changes with them."""
    made = store()
    marks = []

    def tell(told: Job, now: float = NOW) -> None:
        made.update(told, now, described=True)
        marks.append((made.counts_version(now), [dict(tally.in_window) for tally in made.tallies(now)]))

    tell(job())
    tell(job(numbers={"progress_ratio": 0.5}))
    assert marks[0] == marks[1]
    tell(job("b"))
    tell(job("b", "FAILED"))
    assert len({mark for mark, _ in marks}) == 3
    made.remove("a")
    assert made.counts_version(NOW) not in {mark for mark, _ in marks}
    assert made.counts_version(NOW) != made.counts_version(NOW + HOUR)

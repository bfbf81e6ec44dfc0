"""Of what AWS tells of a job the newest counts, in whatever order it arrives."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.exposition.exposition import Exposition, Form
from exporter.exposition.scope_series import ScopeSeries
from exporter.ledger.job_store import JobStore
from exporter.ledger.job_versions import MAX_DELAY, Version, Versions
from exporter.ledger.ledger import Ledger
from exporter.ledger.resources import Resources
from exporter.model import Job, Resource
from exporter.model.job_kinds import BACKUP, COPY, RESTORE
from exporter.model.kind import Kind
from tests.ledger.lives import ARN, Told, at, lives
from tests.support.harness import Clock
from tests.support.makers import (
    HOUR,
    NOW,
    SCOPE,
    WINDOW,
    FixedTelemetry,
    counts,
    finished,
    job,
    ledger,
    store,
)


def row(state: str = "RUNNING", **fields: Any) -> Told:
    """A row of a list."""
    return job(state=state, **fields), False


def described(state: str = "RUNNING", **fields: Any) -> Told:
    """A description."""
    return job(state=state, **fields), True


PAIRS: dict[str, tuple[Told, Told]] = {
    "a state and the next": (row("PENDING"), row("RUNNING")),
    "a state and one later": (described("CREATED"), row("ABORTING")),
    "active and ended": (described("RUNNING", **at(99)), row("FAILED")),
    "a state that nobody knows, and the end": (described("RESTING"), row("COMPLETED")),
    "no state": (described(""), row("CREATED")),
    "less progress": (described(**at(30)), row(**at(50))),
    "less transferred": (described(**at(50, transferred_bytes=1)), row(**at(50, transferred_bytes=2))),
    "a row and a description": (row(**at(50), message="row"), described(**at(50), message="told")),
    "a row and a description of the end": (row("COMPLETED"), described("COMPLETED", message="told")),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_the_newer_of_two(pair: str) -> None:
    """Of two versions that arrive together the same one is the newer, whichever comes first."""
    (older, of_older), (newer, of_newer) = PAIRS[pair]
    versions = Versions(BACKUP)
    first, second = Version(older, of_older, NOW), Version(newer, of_newer, NOW)
    assert versions.newest(first, second) == versions.newest(second, first) == second


def test_what_cannot_be_told_apart_counts_as_it_arrives() -> None:
    """Of two rows of the same state and progress the later arrival counts: the next refresh puts it right."""
    versions = Versions(BACKUP)
    one, other = Version(*row(message="one"), NOW), Version(*row(message="other"), NOW)
    assert versions.newest(one, other) == one
    assert versions.newest(other, one) == other


def test_progress_that_is_told_no_longer_is_absent() -> None:
    """A description that tells no progress is not taken for an older one: AWS may stop telling it."""
    versions = Versions(BACKUP)
    known, told = Version(*described(**at(5)), NOW), Version(*described(), NOW + 15)
    assert versions.newest(told, known) == told


@pytest.mark.parametrize("state", ["RUNNING", "RESTING"])
def test_a_state_that_nobody_knows_may_come_and_go(state: str) -> None:
    """A state that AWS does not document is published as it comes, before and after the others."""
    versions = Versions(BACKUP)
    [known] = {"RUNNING", "RESTING"} - {state}
    told = Version(*described(state), NOW)
    assert versions.newest(told, Version(*described(known), NOW)) == told


def test_within_a_stage_what_comes_much_later_is_newer() -> None:
    """A row that comes more than a minute after a description replaces it: no page takes so long."""
    versions = Versions(BACKUP)
    known = Version(*described(message="before"), NOW)
    in_time, later = (Version(*row(message="after"), NOW + MAX_DELAY + extra) for extra in (0, 1))
    assert versions.newest(in_time, known) == known
    assert versions.newest(later, known) == later


def test_progress_does_not_go_back_however_late() -> None:
    """A description that tells of less progress an hour later is taken up with the progress reached."""
    versions = Versions(BACKUP)
    known = Version(*described(**at(80, transferred_bytes=5)), NOW)
    told = Version(*described(**at(70, transferred_bytes=6), message="after"), NOW + HOUR)
    newest = versions.newest(told, known).job
    assert newest == job(**at(80, transferred_bytes=6), message="after")


def restore(validation: str, state: str = "COMPLETED") -> Job:
    """A restore test as AWS tells it."""
    return RESTORE.read(
        {"RestoreJobId": "a", "Status": state, "CreationDate": NOW, "ValidationStatus": validation}
    )


COURSE = [restore("", "RUNNING"), restore(""), restore("VALIDATING"), restore("SUCCESSFUL")]


@pytest.mark.parametrize("later", range(1, len(COURSE)))
def test_a_validation_follows_the_end(later: int) -> None:
    """The validation of a restore test goes on after COMPLETED, and never back."""
    versions = Versions(RESTORE)
    for earlier in COURSE[:later]:
        newer, older = Version(COURSE[later], False, NOW), Version(earlier, True, NOW)
        assert versions.newest(newer, older) == versions.newest(older, newer) == newer


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (1, 2, 3), (1, 0, 2, 3), (3, 2, 1, 0), (2, 1, 3), (1, 3, 2)])
def test_a_restore_test_ends_with_its_validation(order: Sequence[int]) -> None:
    """A restore test that was taken for ended is tracked again while it is validated, and counts once."""
    made = JobStore(RESTORE, window=WINDOW, since=lambda: NOW)
    of = Ledger(SCOPE, [made], max_jobs=10)
    for place in order:
        of.update_jobs(RESTORE, [COURSE[place]], NOW, described=False)
    of.update_jobs(RESTORE, [COURSE[-1]], NOW, described=True)
    text = (
        Exposition(lambda: [ScopeSeries(of, Clock(NOW))], FixedTelemetry())
        .write(Form(), scope=SCOPE)
        .decode()
    )
    assert text.count('validation_status="SUCCESSFUL"') == text.count("aws_backup_restore_job_info{") == 1
    assert counts(made) == finished(made) == {"COMPLETED": 1}


def tell(of: Ledger, *versions: Told, now: float = NOW) -> None:
    """Tell of a job, version by version."""
    for told, by_description in versions:
        of.update_jobs(BACKUP, [told], now, described=by_description)


def resource_of(of: Ledger) -> Resource:
    """Give what is known of the one resource."""
    with of.open_resources() as resources:
        [found] = resources.drain().values()
    assert found
    return found


def with_resources() -> Ledger:
    """A ledger that follows resources."""
    return ledger(resources=Resources({}, lambda _: None))


def test_a_late_row_leaves_the_resource_as_it_is() -> None:
    """A row that was written before a job ended does not set its resource back, nor the job or its counts."""
    of = with_resources()
    ended = replace(job(state="COMPLETED"), resource_arn=ARN)
    tell(of, (ended, True), (replace(job(state="RUNNING"), resource_arn=ARN), False))
    assert resource_of(of).last_state == "COMPLETED"
    with of.open(BACKUP) as made:
        assert counts(made) == finished(made) == {"COMPLETED": 1}


def test_a_job_beyond_the_window_tells_of_its_resource() -> None:
    """A job that is too old for the store makes facts of its resource, which a late row does not undo."""
    of = with_resources()
    old = replace(job(state="FAILED", created=NOW - 2 * WINDOW), resource_arn=ARN)
    tell(of, (old, False), (replace(old, state="RUNNING", finished=False), False))
    assert resource_of(of).last_state == "FAILED"


def test_an_end_that_is_told_before_a_late_row_counts() -> None:
    """A job that ended without a date counts as finished when AWS ever told that it was active."""
    for order in ((0, 1), (1, 0)):
        made = store()
        of = ledger(made)
        versions = (row("RUNNING", created=NOW - HOUR), row("FAILED", created=NOW - HOUR))
        tell(of, *(versions[place] for place in order))
        assert finished(made) == {"FAILED": 1}


def test_a_description_that_is_late_tells_of_children() -> None:
    """A description that is older than the newest row still tells the child counts, which rows lack."""
    of_children: dict[str, Any] = {"child_states": [("RUNNING", 2)], "is_parent": True}
    late = job(**at(30, child_jobs=2), **of_children), True
    newest = job(**at(50), is_parent=True), False
    for order in ((late, newest), (newest, late)):
        made = store()
        tell(ledger(made), *order)
        [followed] = made.active_jobs()
        assert followed.job == job(**at(50, child_jobs=2), **of_children)


# Any order gives the same.


@pytest.mark.slow
@given(st.data())
@settings(deadline=None)
def test_any_order_of_arrival_gives_the_same(data: st.DataObject) -> None:
    """Whatever the order in which versions of jobs arrive, store, resources and exposition are the same."""
    jobs = [data.draw(lives(number)) for number in range(data.draw(st.integers(1, 4)))]
    told = [version for life in jobs for version in life]
    assert _outcome(data.draw(st.permutations(told))) == _outcome(told)


def _outcome(told: Sequence[Told]) -> Mapping[str, Any]:
    made = store(since=NOW - 30)
    of = Ledger(SCOPE, [made], max_jobs=100, resources=Resources({}, lambda _: None))
    page = ScopeSeries(of, Clock(NOW))
    for version, by_description in told:
        of.update_jobs(BACKUP, [version], NOW, described=by_description)
        page.update()
    exposition = Exposition(lambda: [page], FixedTelemetry()).write(Form(), scope=SCOPE).decode()
    have_ended = {version.id for version, by_description in told if by_description and version.finished}
    return {
        "settled": {job_id for job_id in have_ended if made.is_final(job_id)},
        "finished": finished(made),
        "exposition": sorted(exposition.splitlines()),
    }


@pytest.mark.parametrize("kind", [BACKUP, COPY, RESTORE], ids=lambda kind: kind.name)
def test_states_have_the_order_of_the_table(kind: Kind) -> None:
    """For every kind of job, each active state is older than the next, and each end newer than all."""
    versions = Versions(kind)
    rows = {
        state: kind.read({kind.id_member: "a", kind.state_member: state})
        for state in (*kind.states, *kind.terminal)
    }
    for state, later in pairwise(kind.active_states):
        assert versions.is_behind(rows[state], rows[later])
    for end in kind.terminal:
        assert versions.is_behind(rows[kind.active_states[-1]], rows[end])
        assert not versions.is_behind(rows[end], rows[kind.active_states[-1]])

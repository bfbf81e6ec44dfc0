"""Of many scopes only what has changed is written anew, and nothing is missed."""

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from exporter.exposition.exposition import Exposition, Form
from exporter.exposition.scope_series import ScopeSeries
from exporter.ledger.configured_job_ids import ConfiguredIds
from exporter.ledger.job_store import JobStore
from exporter.ledger.ledger import Ledger, Versions
from exporter.ledger.resources import Resources
from exporter.model import Health, Kind
from exporter.model.job_kinds import BACKUP
from exporter.model.records import Scope
from tests.exposition import many_scopes as some
from tests.exposition.many_scopes import ORGANIZATION, SCOPES, Event, Scopes
from tests.support.harness import Clock
from tests.support.makers import NOW, FixedTelemetry, job, ledger
from tests.support.reference import differences, taken_apart

PLAIN = Form()


def events_of(numbers: st.SearchStrategy[int]) -> st.SearchStrategy[Event]:
    """Draw what happens to one of these scopes."""
    told = st.builds(
        some.tell,
        numbers,
        st.sampled_from(["a", "b", "c", "d", "e", "f", "g"]),
        st.sampled_from(["CREATED", "RUNNING", "COMPLETED", "FAILED", "NOVEL", ""]),
        st.sampled_from([0, 35, 170, 239, 290]),
        st.sampled_from([0.1, 0.2]),
        described=st.booleans(),
    )
    return st.one_of(
        told,
        told,
        st.builds(some.forgotten, numbers, st.sampled_from(["a", "b", "c"])),
        st.builds(some.expire, numbers),
        st.builds(some.called, numbers, st.sampled_from(["ok", "timeout"])),
        st.builds(some.refreshed, numbers, is_up=st.booleans()),
        st.builds(some.malformed, numbers),
        st.builds(some.vault, numbers, st.integers(0, 1)),
        st.builds(some.plans, numbers, st.integers(0, 2)),
        st.builds(some.protected, numbers, st.integers(0, 2)),
        st.builds(some.history_read, numbers, readable=st.booleans()),
        st.builds(some.asked_about, numbers, known=st.booleans()),
        st.builds(some.looked_at, numbers),
        st.builds(some.appears_or_goes, numbers),
    )


EVENTS = events_of(st.integers(0, SCOPES - 1))
SELECTED = st.sampled_from([None, None, ORGANIZATION, Scope("t0", "us-east-1")])


def assert_same(found: bytes, anew: bytes) -> None:
    """The series are the same, each once, and the metrics have the same order."""
    ours, theirs = taken_apart(found), taken_apart(anew)
    assert differences(ours, theirs) == ([], [])
    assert [heads for *heads, _ in ours] == [heads for *heads, _ in theirs]
    assert all(set(lines.values()) == {1} for _, _, lines in ours), "a series comes twice"


class Sequences(RuleBasedStateMachine):
    """Scopes that are written again and again, and the events that happened to them."""

    def __init__(self) -> None:
        """Start with scopes that know nothing."""
        super().__init__()
        self.scopes = Scopes()
        self.events: list[tuple[float, Event]] = []

    @rule(events=st.lists(EVENTS, min_size=1, max_size=8))
    def happens(self, events: list[Event]) -> None:
        """Something changes, or is only looked at."""
        for event in events:
            event(self.scopes)
            self.events.append((self.scopes.clock(), event))

    @rule(seconds=st.sampled_from([-20, 0.5, 9, 40, 100, 150]))
    def time_passes(self, seconds: float) -> None:
        """The window moves on and rules run; now and then the time is corrected."""
        self.scopes.clock.advance(seconds)

    @rule(number=st.integers(0, SCOPES - 1))
    def update(self, number: int) -> None:
        """What changed is rendered between two scrapes."""
        self.scopes.series[number].update()

    @rule(selected=SELECTED)
    def scrape(self, selected: Scope | None) -> None:
        """What is written is what would be written if all had been told to new scopes."""
        anew = Scopes()
        for at, event in self.events:
            anew.clock.now = at
            event(anew)
        anew.clock.now = self.scopes.clock()
        plain = self.scopes.exposition.write(PLAIN, scope=selected)
        assert_same(plain, anew.exposition.write(PLAIN, scope=selected))
        assert gzip.decompress(self.scopes.exposition.write(Form(gzip=True), scope=selected)) == plain

    def teardown(self) -> None:
        """Scrape once more, however the sequence ended."""
        self.scrape(None)


def test_what_is_cached_is_what_would_be_written_anew() -> None:
    """After any sequence of changes to many scopes, writing with the cache gives the same as without."""
    run_state_machine_as_test(
        Sequences,
        settings=settings(
            max_examples=30,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        ),
    )


class Interrupted(Ledger):
    """A ledger in which something happens between two steps of its reader, once."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        """Take the arguments of Ledger."""
        super().__init__(*args, **settings)
        self.steps = -1
        self.event: Callable[[], object] = dict

    def _step(self) -> None:
        self.steps -= 1
        if self.steps == 0:
            self.event()

    def versions(self) -> Versions:
        """Give the versions, then a step passes."""
        found = super().versions()
        self._step()
        return found

    @contextmanager
    def read(self, kind: Kind) -> Iterator[JobStore]:
        """Give a store; a step passes before and after."""
        self._step()
        with super().read(kind) as store:
            yield store
        self._step()

    @contextmanager
    def open_resources(self) -> Iterator[Resources]:
        """Give the resources, then a step passes."""
        with super().open_resources() as resources:
            yield resources
        self._step()

    def rule_runs(self, now: float) -> Any:
        """Give the runs, then a step passes."""
        found = super().rule_runs(now)
        self._step()
        return found

    def health(self) -> dict[str, Health]:
        """Give the health, then a step passes."""
        found = super().health()
        self._step()
        return found

    def left_out(self) -> dict[str, int]:
        """Give what was left out, then a step passes."""
        found = super().left_out()
        self._step()
        return found

    def calls(self) -> dict[tuple[str, str], int]:
        """Give the calls, then a step passes."""
        found = super().calls()
        self._step()
        return found

    def steady_until(self, now: float) -> float:
        """Give the time, then a step passes."""
        found = super().steady_until(now)
        self._step()
        return found


@settings(deadline=None, max_examples=400)
@given(
    before=st.lists(events_of(st.just(1)), max_size=4),
    changed=st.lists(events_of(st.just(1)), max_size=4),
    step=st.integers(1, 16),
    meanwhile=events_of(st.just(1)),
)
def test_no_change_is_lost_between_two_steps(
    before: list[Event], changed: list[Event], step: int, meanwhile: Event
) -> None:
    """What changes while a scope is being written is in the next exposition, if not in this one."""
    scopes, anew = Scopes(2, Interrupted), Scopes(2)
    for event in before:
        event(scopes)
    scopes.exposition.write(PLAIN)
    for event in changed:
        event(scopes)
    ledger = scopes.ledgers[1]
    assert isinstance(ledger, Interrupted)
    ledger.steps, ledger.event = step, partial(meanwhile, scopes)
    scopes.exposition.write(PLAIN)
    if ledger.steps > 0:
        ledger.steps = -1
        meanwhile(scopes)
    for event in (*before, *changed, meanwhile):
        event(anew)
    assert_same(scopes.exposition.write(PLAIN), anew.exposition.write(PLAIN))


def test_a_scope_without_changes_gives_the_same_object() -> None:
    """Neither reading nor a refresh that finds nothing new makes a scope be written anew."""
    made = ledger(collectors=["backup_jobs"])
    series = ScopeSeries(made, Clock(NOW))
    made.update_jobs(BACKUP, [job("a"), job("b", "COMPLETED")], NOW, described=True)
    before = series.pieces()
    with made.open(BACKUP) as store:
        store.expire(NOW)
        store.active_jobs()
    with made.open_resources() as resources:
        resources.published()
    made.update_jobs(BACKUP, [job("a"), job("b", "COMPLETED")], NOW, described=False)
    made.update_inventory(lambda known: known)
    assert series.pieces() is before


def test_a_refresh_that_finds_nothing_leaves_the_data() -> None:
    """When only the health and the calls of a scope changed, the lines of its data are the same object."""
    made = ledger(collectors=["backup_jobs"])
    series = ScopeSeries(made, Clock(NOW))
    made.update_jobs(BACKUP, [job("a")], NOW, described=True)
    before = series.pieces()
    made.count_call("ListBackupJobs", "ok")
    made.set_health("backup_jobs", Health(up=True, last_success=NOW))
    after = series.pieces()
    assert after.data is before.data
    assert {name for name in after.text if after.text[name] is not before.text.get(name)} == {
        "aws_backup_up",
        "aws_backup_last_refresh_timestamp_seconds",
        "aws_backup_exporter_api_requests_total",
    }


def test_a_scope_without_collectors_has_no_zeros() -> None:
    """Of an account of an organization only numbers of jobs and items are written that are not zero."""
    made = ledger()
    exposition = Exposition(partial(list, [ScopeSeries(made, Clock(NOW))]), FixedTelemetry())
    names = {
        "aws_backup_exporter_jobs",
        "aws_backup_exporter_jobs_dropped",
        "aws_backup_exporter_items_dropped",
    }
    assert exposition.write(PLAIN, names=names) == b""
    made.update_jobs(BACKUP, [job("a")], NOW, described=True)
    [line] = [line for line in exposition.write(PLAIN, names=names).splitlines() if not line.startswith(b"#")]
    assert line.endswith(b'kind="backup",phase="active"} 1')


def test_scopes_come_and_go() -> None:
    """A scope that is added is in the next exposition, and one that is removed is not."""
    scopes = Scopes()
    up = "aws_backup_up"

    def targets(selected: Scope | None = None) -> set[str]:
        found = scopes.exposition.write(PLAIN, scope=selected, names={up}).decode().splitlines()
        return {line.split('"')[1] for line in found if line.startswith(up)}

    everything = targets()
    some.appears_or_goes(1)(scopes)
    assert everything - targets() == {"t0"}
    some.appears_or_goes(1)(scopes)
    assert targets() == everything


def test_a_scope_is_published_with_others() -> None:
    """The exposition of one scope has the series of all scopes that are published with it, and no others."""
    made = [some.new_ledger(Ledger, number, ConfiguredIds()) for number in (1, 2, 3, 5)]
    together = [ScopeSeries(of, Clock(NOW), published_with=ORGANIZATION) for of in made[:3]]
    alone = ScopeSeries(made[3], Clock(NOW))
    exposition = Exposition(lambda: [*together, alone], FixedTelemetry())
    text = exposition.write(PLAIN, scope=ORGANIZATION)
    assert {line.split(b'"')[1] for line in text.splitlines() if b'{target="' in line} == {b"t0", b"t1"}
    assert b'target="t2"' in exposition.write(PLAIN, scope=alone.scope)
    assert b'target="t0"' not in exposition.write(PLAIN, scope=alone.scope)

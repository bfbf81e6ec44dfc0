"""Whatever happened before, the bytes are those that rendering everything anew would give."""

import gzip
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from exporter.exposition.exposition import Exposition, Form
from exporter.exposition.metrics import families
from exporter.exposition.scope_series import ScopeSeries
from exporter.ledger.configured_job_ids import ConfiguredIds
from exporter.ledger.job_store import JobStore
from exporter.ledger.ledger import Ledger
from exporter.model.job_kinds import BACKUP
from exporter.model.records import Fault, Health, Job, Scope
from tests.support.harness import Clock
from tests.support.makers import KEEPS_SERIES, NOW, TOLD_BY_OTHERS, FixedTelemetry, job
from tests.support.reference import Reference, differences, expected, taken_apart

WINDOW = 240.0  # buckets of ten seconds
PINNED = frozenset({"a", 'quo"te'})
SCOPES = (Scope("one", "eu-west-1"), Scope("two", ""))
JOB_IDS = [
    "a",
    "b",
    "c",
    'quo"te',
    'brace{job_id="a"}',
    "back\\slash",
    "new\nline",
    "car\rriage",
    "nul\0",
    "sur\udc00rogate",
    "é漢😀\u2028",
]
TEXTS = st.text(st.one_of(st.sampled_from('"\\\n\r\0\ud800\udfff {}=,#'), st.characters()), max_size=8)
NUMBERS = st.fixed_dictionaries(
    {},
    optional={
        "progress_ratio": st.integers(0, 100).map(lambda percent: percent / 100),
        "transferred_bytes": st.integers(0, 2**63),
        "child_jobs": st.integers(0, 3),
        "start_by_timestamp_seconds": st.floats(0, 4e9),
        "expected_completion_timestamp_seconds": st.floats(0, 4e9),
    },
)
AGES = st.one_of(st.none(), st.floats(-20, 300))
STATES = st.sampled_from([*BACKUP.states, *BACKUP.states, "NOVEL", ""])
NAMES = st.lists(st.sampled_from([*(family.name for family in families()), TOLD_BY_OTHERS.name, "other"]))
FORMS = st.builds(Form, st.booleans(), st.booleans())
MANY_IDS = st.lists(
    st.sampled_from([*JOB_IDS, *(f"j{number}" for number in range(12))]), min_size=1, unique=True
)
AT = st.sampled_from([0, 1, 1, 1])


@st.composite
def fields(draw: st.DrawFn) -> dict[str, Any]:
    """Draw what AWS may tell of a job, beside its id and when it was created."""
    return {
        "state": draw(STATES),
        "account_id": draw(st.sampled_from(["", "111111111111", "222222222222"])),
        "vault": draw(st.sampled_from(["prod", 'we"ird\\', "\ud800"])),
        "parent": draw(st.sampled_from(["", "", "", "a"])),
        "is_parent": draw(st.booleans()),
        "numbers": draw(NUMBERS),
        "child_states": draw(st.lists(st.tuples(TEXTS, st.integers(0, 3)), max_size=2, unique_by=_first)),
        "message": draw(st.one_of(st.just(""), TEXTS)),
        "category": draw(st.sampled_from(["", "SUCCESS", "Success", "AGGREGATED_FAILURE", 'x"\n'])),
        "resource_name": draw(TEXTS),
    }


@st.composite
def told_otherwise(draw: st.DrawFn) -> dict[str, Any]:
    """Draw one field of a job's record."""
    anew = job("any", **draw(fields()))
    name = draw(st.sampled_from(["info", "values", "child_states", "message", "category", "account_id"]))
    return {name: getattr(anew, name)}


def _first(pair: tuple[str, int]) -> str:
    return pair[0]


class Sequences(RuleBasedStateMachine):
    """Two scopes that are told things, and the plain records of what they were told."""

    @initialize(
        limits=st.tuples(*[st.sampled_from([0, 3, 6, 12, 10_000, 10_000, 10_000])] * 2),
        account_id=st.sampled_from(["", "222222222222"]),
        kept=st.tuples(st.sampled_from(sorted(KEEPS_SERIES)), st.sampled_from(sorted(KEEPS_SERIES))),
    )
    def start(self, limits: tuple[int, int], account_id: str, kept: tuple[str, str]) -> None:
        """Make two scopes, the second with labels of its own and an account that is assumed."""
        self.clock = Clock(NOW)
        labels: tuple[dict[str, str], ...] = ({}, {"team": 'a\\b"c\nd', "env": "\ud800"})
        accounts = ("", account_id)
        self.ledgers: list[Ledger] = []
        self.references: list[Reference] = []
        keeps_series = [KEEPS_SERIES[name] for name in kept]
        for scope, most, own, account, keeps in zip(
            SCOPES, limits, labels, accounts, keeps_series, strict=True
        ):
            made = JobStore(BACKUP, window=WINDOW, since=lambda: NOW, pinned=PINNED, keeps_series=keeps)
            ids = ConfiguredIds(PINNED)
            self.ledgers.append(
                Ledger(
                    scope,
                    [made],
                    max_jobs=most,
                    collectors=["backup_jobs"],
                    labels=own,
                    account_id=account,
                    configured=ids,
                )
            )
            in_order = dict(sorted(own.items()))
            self.references.append(Reference(scope, WINDOW, NOW, most, PINNED, in_order, account, keeps))
            self.references[-1].up["backup_jobs"] = False
        self.pages = [ScopeSeries(ledger, self.clock) for ledger in self.ledgers]
        self.exposition = Exposition(lambda: self.pages, FixedTelemetry())

    @rule(at=AT, job_id=st.sampled_from(JOB_IDS), age=AGES, took=AGES, told=fields(), described=st.booleans())
    def tell(
        self,
        at: int,
        job_id: str,
        age: float | None,
        took: float | None,
        told: dict[str, Any],
        described: bool,
    ) -> None:
        """AWS tells of a job: it arrives, changes or ends."""
        created = None if age is None else self.clock() - age
        completed = None if took is None else self.clock() - took
        self._enter(at, [job(job_id, created=created, completed=completed, **told)], described)

    @rule(at=AT, job_id=st.sampled_from(JOB_IDS), other=told_otherwise(), described=st.booleans())
    def moves_on(self, at: int, job_id: str, other: dict[str, Any], described: bool) -> None:
        """One thing of a job that is followed changes, and the rest stays."""
        known = self.references[at].known.get(job_id)
        if known and not known.is_settled:
            self._enter(at, [replace(known.job, **other)], described)

    @rule(at=AT, named=MANY_IDS, age=st.floats(0, 239), described=st.booleans())
    def tell_many(self, at: int, named: list[str], age: float, described: bool) -> None:
        """A page of a list tells of many finished jobs."""
        created = self.clock() - age
        self._enter(at, [job(job_id, "COMPLETED", created=created) for job_id in named], described)

    def _enter(self, at: int, jobs: list[Job], described: bool) -> None:
        with self.ledgers[at].open(BACKUP) as store:
            for told in jobs:
                store.update(told, self.clock(), described=described)
        self.references[at].enter(jobs, self.clock(), described=described)

    @rule(at=AT, job_id=st.sampled_from(JOB_IDS))
    def cannot_be_described(self, at: int, job_id: str) -> None:
        """A finished job is closed with what is known."""
        with self.ledgers[at].open(BACKUP) as store:
            store.skip_description(job_id, self.clock())
        self.references[at].close(job_id)

    @rule(at=AT, job_id=st.sampled_from(JOB_IDS))
    def is_forgotten(self, at: int, job_id: str) -> None:
        """AWS no longer knows a job that could still change."""
        with self.ledgers[at].open(BACKUP) as store:
            store.remove(job_id)
        self.references[at].forget(job_id)

    @rule(seconds=st.sampled_from([0.5, 9, 40, 100]))
    def time_passes(self, seconds: float) -> None:
        """The window moves on."""
        self.clock.advance(seconds)

    @rule(at=AT, seconds=st.sampled_from([0, 30, 100, 230]))
    def roll(self, at: int, seconds: float) -> None:
        """After a while, a refresh lets go of what left the window."""
        self.clock.advance(seconds)
        with self.ledgers[at].open(BACKUP) as store:
            store.expire(self.clock())
        self.references[at].roll(self.clock())

    @rule(at=AT)
    def update(self, at: int) -> None:
        """What changed is rendered between two scrapes."""
        self.pages[at].update()

    @rule(at=AT, code=st.sampled_from(["ok", "timeout", 'odd"\\']), up=st.booleans())
    def call(self, at: int, code: str, up: bool) -> None:
        """A call to AWS ends somehow, and a refresh with it."""
        reference, ledger, now = self.references[at], self.ledgers[at], self.clock()
        ledger.count_call("ListBackupJobs", code)
        ledger.set_health("backup_jobs", Health(up=up, last_success=now if up else None))
        reference.calls["ListBackupJobs", code] += 1
        reference.up["backup_jobs"] = up
        reference.last_success = {"backup_jobs": now} if up else {}

    @rule(at=AT, job_id=st.sampled_from(sorted(PINNED)), known=st.booleans())
    def configured_id_is_asked_about(self, at: int, job_id: str, known: bool) -> None:
        """AWS knows a configured id, or it does not."""
        ids, region = self.ledgers[at].configured, SCOPES[at].region
        if known:
            ids.found(job_id, region, self.clock())
            self.references[at].refused.pop(job_id, None)
        else:
            ids.refused(job_id, region, self.clock(), Fault("ResourceNotFoundException", "no", ""))
            self.references[at].refused[job_id] = "ResourceNotFoundException"

    @rule(form=FORMS, at=st.sampled_from([None, 0, 1]), names=st.one_of(st.just([]), NAMES))
    def scrape(self, form: Form, at: int | None, names: list[str]) -> None:
        """The bytes are those that rendering everything anew would give."""
        scope = None if at is None else SCOPES[at]
        body = self.exposition.write(form, scope=scope, names=frozenset(names))
        plain = self.exposition.write(form._replace(gzip=False), scope=scope, names=frozenset(names))
        assert (gzip.decompress(body) if form.gzip else body) == plain
        if form.openmetrics:
            assert plain.endswith(b"# EOF\n")
            plain = plain.removesuffix(b"# EOF\n")
        references = self.references if at is None else [self.references[at]]
        anew = expected(references, self.clock(), openmetrics=form.openmetrics, names=names)
        found = taken_apart(plain)
        if at is None and (not names or TOLD_BY_OTHERS.name in names):
            assert list(found.pop()[2]) == ["of_the_process 1"]
        assert differences(found, anew) == ([], [])
        assert [heads for *heads, _ in found] == [heads for *heads, _ in anew]
        assert all(set(lines.values()) == {1} for _, _, lines in found), "a series comes twice"

    def teardown(self) -> None:
        """Scrape once more, plain and whole, however the sequence ended."""
        if hasattr(self, "exposition"):
            self.scrape(Form(gzip=True), None, [])


def test_the_bytes_are_those_of_rendering_everything_anew() -> None:
    """After any sequence of events each format and encoding holds exactly the series that should be there."""
    run_state_machine_as_test(
        Sequences,
        settings=settings(
            max_examples=400,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        ),
    )

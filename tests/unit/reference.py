"""What one scope should publish, kept in the plainest way and rendered anew each time.

This is what the ledger, the page and the exposition are held against: no increments, no cached bytes.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from exporter.kinds import BACKUP
from exporter.metrics import families
from exporter.model import Job, Number, Scope

CHILD_JOBS = [gauge.suffix for gauge in BACKUP.gauges].index("child_jobs")
Place = tuple[str, str, str]


@dataclass
class Known:
    """A job, and what became of it."""

    job: Job
    seen_in: int  # the bucket that counts it
    kept_in: int  # the bucket whose leaving takes its series
    born: float
    settled: int = 0  # how many were settled before it, from 1; 0 while it can change
    has_series: bool = True


@dataclass
class Reference:
    """All that AWS told of one scope."""

    scope: Scope
    window: float
    since: float
    max_jobs: int
    pinned: frozenset[str]
    labels: Mapping[str, str]
    account_id: str
    known: dict[str, Known] = field(default_factory=dict)
    places: set[Place] = field(default_factory=set)
    ended: Counter[tuple[Place, str]] = field(default_factory=Counter)
    settled: int = 0
    up: dict[str, bool] = field(default_factory=dict)
    last_success: dict[str, float] = field(default_factory=dict)
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: dict[str, str] = field(default_factory=dict)

    def enter(self, jobs: Iterable[Job], now: float, *, described: bool) -> None:
        """Take up the rows of a list, or descriptions; the limit holds again after all of them."""
        for job in jobs:
            self._enter(job, now, described)
        self.keep_to_the_limit()

    def _enter(self, job: Job, now: float, described: bool) -> None:
        before = self.known.get(job.id)
        if before and before.job.finished and not described:
            return
        if before and before.settled and job.id not in self.pinned:
            return
        born = now if job.created is None else job.created
        if not before and job.finished and born < now - self.window and job.id not in self.pinned:
            return
        if before and not described:
            job = keeping_child_counts(job, before.job)
        bucket = before.seen_in if before else self.bucket(born)
        is_new_end = job.finished and not (before and before.job.finished)
        if self.is_counted(job):
            self.places.add(self.place(job))
            if is_new_end and (before or (job.completed or job.created or 0.0) >= self.since):
                self.ended[self.place(job), job.state] += 1
        self.known[job.id] = Known(job, bucket, bucket, born)
        if job.finished and (described or not (before or job.is_parent)):
            self.settle(job.id, now, followed=before is not None)

    def close(self, job_id: str, now: float) -> None:
        """Settle a finished job with what is known."""
        known = self.known.get(job_id)
        if known and known.job.finished and not known.settled:
            self.settle(job_id, now, followed=True)
        self.keep_to_the_limit()

    def settle(self, job_id: str, now: float, *, followed: bool) -> None:
        """Nothing more is asked of a job; one that was followed stays a little beyond the window."""
        self.settled += 1
        known = self.known[job_id]
        known.settled = self.settled
        known.born = now if known.job.created is None else known.job.created
        if followed:
            known.kept_in = max(known.seen_in, self.oldest_bucket(now) + 1)

    def forget(self, job_id: str) -> None:
        """AWS does not know a job any longer that can still change, or is configured."""
        known = self.known.get(job_id)
        if known and (not known.settled or job_id in self.pinned):
            del self.known[job_id]

    def roll(self, now: float) -> None:
        """Let finished jobs go that left the window."""
        oldest = self.oldest_bucket(now)
        for job_id, known in list(self.known.items()):
            if known.job.finished and known.kept_in < oldest and job_id not in self.pinned:
                del self.known[job_id]

    def keep_to_the_limit(self) -> None:
        """Beyond the limit the oldest of those that nothing more is asked of lose their series."""
        with_series = [known for known in self.known.values() if known.has_series]
        may_lose = sorted(
            (known for known in with_series if known.settled and known.job.id not in self.pinned),
            key=lambda known: (known.kept_in, known.born, known.settled),
        )
        for known in may_lose[: max(0, len(with_series) - self.max_jobs)]:
            known.has_series = False

    def bucket(self, time: float) -> int:
        """Which bucket a time falls in."""
        return int(time // min(3600.0, self.window / 24))

    def oldest_bucket(self, now: float) -> int:
        """Which bucket is the oldest of the window."""
        return self.bucket(now - self.window)

    def is_counted(self, job: Job) -> bool:
        """Child jobs are not counted, nor those whose state AWS did not give."""
        return bool(job.state) and not job.parent_id

    def place(self, job: Job) -> Place:
        """Say where a job is counted."""
        return (job.account_id or self.account_id, job.vault_name, job.resource_type)

    def in_window(self, now: float) -> Counter[tuple[Place, str]]:
        """Count the jobs of the window."""
        return Counter(
            (self.place(known.job), known.job.state)
            for known in self.known.values()
            if self.is_counted(known.job) and known.seen_in >= self.oldest_bucket(now)
        )

    def numbers(self) -> tuple[int, int, int]:
        """Count the active jobs, the finished ones with series, and those without."""
        active = sum(not known.job.finished for known in self.known.values())
        lost = sum(not known.has_series for known in self.known.values())
        return active, len(self.known) - active - lost, lost

    def lines(self, now: float) -> Iterator[tuple[str, str]]:
        """Write every line, each with the name of its metric."""
        for known in self.known.values():
            if known.has_series:
                yield from self._lines_of_job(known.job)
        yield from self._lines_of_counts(now)
        yield from self._lines_of_exporter()

    def _lines_of_job(self, job: Job) -> Iterator[tuple[str, str]]:
        who = {"job_id": job.id, **self._where(job.account_id or self.account_id)}
        info = {label: value for (label, _), value in zip(BACKUP.info, job.info, strict=True)}
        yield sample("aws_backup_job_info", {**who, **info}, 1)
        if job.state:
            yield sample("aws_backup_job_state", {**who, "state": job.state}, 1)
        for gauge, value in zip(BACKUP.gauges, job.values, strict=True):
            if value is not None:
                yield sample(f"aws_backup_job_{gauge.suffix}", who, value)
        for state, count in job.child_states:
            yield sample("aws_backup_job_child_jobs_in_state", {**who, "state": state}, count)
        if job.message or job.category.lower() not in {"", "success"}:
            why = {"message_category": job.category, "status_message": job.message}
            yield sample("aws_backup_job_status_info", {**who, **why}, 1)

    def _lines_of_counts(self, now: float) -> Iterator[tuple[str, str]]:
        in_window = self.in_window(now)
        for place in self.places:
            account_id, vault, resource_type = place
            where = {**self._where(account_id), "vault_name": vault, "resource_type": resource_type}
            unknown = {state for at, state in in_window if at == place} - set(BACKUP.states)
            for state in (*BACKUP.states, *unknown):
                yield sample("aws_backup_jobs", {**where, "state": state}, in_window[place, state])
            for state in BACKUP.terminal:
                labels = {**where, "state": state}
                yield sample("aws_backup_jobs_finished_total", labels, self.ended[place, state])

    def _lines_of_exporter(self) -> Iterator[tuple[str, str]]:
        who = {"target": self.scope.target, "aws_region": self.scope.region, **self.labels}
        for collector, up in self.up.items():
            yield sample("aws_backup_up", {**who, "collector": collector}, int(up))
        for collector, at in self.last_success.items():
            yield sample("aws_backup_last_refresh_timestamp_seconds", {**who, "collector": collector}, at)
        for (operation, code), count in self.calls.items():
            labels = {**who, "operation": operation, "code": code}
            yield sample("aws_backup_exporter_api_requests_total", labels, count)
        active, finished, dropped = self.numbers()
        of_kind = {**who, "kind": "backup"}
        yield sample("aws_backup_exporter_jobs", {**of_kind, "phase": "active"}, active)
        yield sample("aws_backup_exporter_jobs", {**of_kind, "phase": "finished"}, finished)
        yield sample("aws_backup_exporter_jobs_dropped", of_kind, dropped)
        for job_id, code in self.refused.items():
            yield sample("aws_backup_exporter_job_errors", {**who, "job_id": job_id, "code": code}, 1)

    def _where(self, account_id: str) -> dict[str, str]:
        return {"aws_account_id": account_id, "aws_region": self.scope.region, **self.labels}


def keeping_child_counts(job: Job, known: Job) -> Job:
    """A row of a list lacks child counts: those of the last description stay."""
    values = list(job.values)
    if values[CHILD_JOBS] is None:
        values[CHILD_JOBS] = known.values[CHILD_JOBS]
    return replace(job, values=tuple(values), child_states=job.child_states or known.child_states)


def sample(name: str, labels: Mapping[str, str], value: Number) -> tuple[str, str]:
    """Write one line, the plain way."""
    escapes = {"\\": "\\\\", "\n": "\\n", '"': '\\"'}
    parts = []
    for label, text in labels.items():
        written = "".join(
            "\ufffd" if "\ud800" <= letter <= "\udfff" else escapes.get(letter, letter) for letter in text
        )
        parts.append(f'{label}="{written}"')
    return name, f"{name}{{{','.join(parts)}}} {value!r}"


Family = tuple[str, str, Counter[str]]  # HELP, TYPE and the lines, whose order means nothing


def expected(
    references: Iterable[Reference], now: float, *, openmetrics: bool, names: Collection[str]
) -> list[Family]:
    """Give all metrics that some scopes publish, in order."""
    lines: dict[str, list[str]] = {}
    for reference in references:
        for name, text in reference.lines(now):
            lines.setdefault(name, []).append(text)
    found: list[Family] = []
    for family in families():
        if family.name in lines and (not names or family.name in names):
            name = family.name.removesuffix("_total") if openmetrics else family.name
            heads = f"# HELP {name} {family.help}", f"# TYPE {name} {family.type}"
            found.append((*heads, Counter(lines[family.name])))
    return found


def taken_apart(text: bytes) -> list[Family]:
    """Take an exposition apart into its metrics."""
    found: list[Family] = []
    *lines, rest = text.decode().split("\n")
    assert rest == "", "the last line does not end"
    for line in lines:
        if line.startswith("# HELP "):
            found.append((line, "", Counter()))
        elif line.startswith("# TYPE "):
            assert found[-1][1] == "", "a metric has two types"
            found[-1] = (found[-1][0], line, Counter())
        else:
            found[-1][2][line] += 1
    return found


def differences(found: Iterable[Family], anew: Iterable[Family]) -> tuple[list[str], list[str]]:
    """Give the lines that are there and should not be, and those that are missing."""
    there = Counter((head, line) for head, _, lines in found for line in lines.elements())
    due = Counter((head, line) for head, _, lines in anew for line in lines.elements())
    return [line for _, line in (there - due).elements()], [line for _, line in (due - there).elements()]

"""What one scope should publish, kept in the plainest way and rendered anew each time.

This is what the ledger, the page and the exposition are held against: no increments, no cached bytes.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from exporter.exposition.metrics import families
from exporter.model.job_kinds import BACKUP
from exporter.model.records import Job, Number, Scope

CHILD_JOBS = [gauge.suffix for gauge in BACKUP.gauges].index("child_jobs")
PROGRESS = [
    place
    for place, gauge in enumerate(BACKUP.gauges)
    if gauge.suffix in {"progress_ratio", "transferred_bytes"}
]
EXPECTED_END = [gauge.member for gauge in BACKUP.gauges].index("ExpectedCompletionDate")
RUNNING = {"RUNNING", "ABORTING"}
LIFE = {"": -1, "CREATED": 0, "PENDING": 1, "RUNNING": 2, "ABORTING": 3, **dict.fromkeys(BACKUP.terminal, 4)}
KINDS_OF_THINGS = ("job_groups", "error_codes", "resources", "resource_facts", "vaults", "plans", "rules")
Place = tuple[str, str, str]


@dataclass
class Told:
    """What AWS told of a job at some time."""

    job: Job
    described: bool
    at: float

    def is_older_than(self, known: "Told") -> bool:
        """Whether AWS told it before, whichever arrived first."""
        life, reached = LIFE.get(self.job.state), LIFE.get(known.job.state)
        if known.job.finished:
            return not self.job.finished or not self.described
        if self.job.finished or self.job.state != known.job.state:
            return life is not None and reached is not None and life < reached
        if self.at > known.at + 60:
            return False
        pairs = [(self.job.values[place], known.job.values[place]) for place in PROGRESS]
        told_by_both = [(new, old) for new, old in pairs if new is not None and old is not None]
        differing = [new < old for new, old in told_by_both if new != old]
        return differing[0] if differing else known.described and not self.described

    def or_newer(self, known: "Told | None") -> "Told":
        """Give the newer of two; in the same state progress does not go back."""
        if known is None or not self.is_older_than(known):
            if known and known.job.state == self.job.state and self.at > known.at + 60:
                return replace(self, job=further(self.job, known.job))
            return self
        return known


def further(job: Job, known: Job) -> Job:
    """Give a job the progress of another where that is further."""
    values = list(job.values)
    for place in PROGRESS:
        new, old = values[place], known.values[place]
        if new is not None and old is not None:
            values[place] = max(new, old)
    return replace(job, values=tuple(values))


@dataclass
class Known:
    """A job, and what became of it."""

    told: Told
    described: Told | None
    seen_in: int  # the bucket that counts it
    kept_in: int  # the bucket whose leaving takes its series
    born: float
    is_settled: bool = False
    was_active: bool = False
    end_was_counted: bool = False
    has_series: bool = True
    moved: float = 0.0  # when it was last seen to make progress
    is_unpublished: bool = False  # finished, and not to have series

    @property
    def job(self) -> Job:
        """The job as it should be published."""
        if self.told.described or not self.described:
            return self.told.job
        return keeping_child_counts(self.told.job, self.described.job)

    def take_up(self, told: Told, *, is_new: bool) -> None:
        """Take up what AWS told."""
        before = self.job
        self.told = told.or_newer(self.told)
        if told.described:
            self.described = told.or_newer(self.described)
        if is_new or has_moved(self.job, before):
            self.moved = told.at
        self.was_active |= not told.job.finished


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
    keeps_series: Callable[[Job], bool] = lambda _: True
    known: dict[str, Known] = field(default_factory=dict)
    places: set[Place] = field(default_factory=set)
    ended: Counter[tuple[Place, str]] = field(default_factory=Counter)
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
        told, known = Told(job, described, now), self.known.get(job.id)
        if known and known.is_settled and job.id not in self.pinned:
            if not job.finished and not known.end_was_counted:
                self._count_end(known)
            return
        followed = known is not None
        if not known:
            known = self._new(told)
            if job.finished and not self._belongs(job, known.born, now):
                return
            self.known[job.id] = known
        was_finished = known.job.finished
        known.take_up(told, is_new=not followed)
        if self.is_counted(known.job):
            self.places.add(self.place(known.job))
        since_start = (known.job.completed or known.job.created or 0.0) >= self.since
        if known.job.finished and not known.end_was_counted and (known.was_active or since_start):
            self._count_end(known)
        if known.job.finished and not was_finished:  # it stays a little beyond the window
            known.kept_in = max(known.seen_in, self.oldest_bucket(now) + 1)
        unwatched = not followed and not job.is_parent
        if known.job.finished and not known.is_settled and (unwatched or self._needs_no_word(known)):
            self.settle(job.id)

    def _needs_no_word(self, known: Known) -> bool:
        """Whether a finished job was described after its end, or needs no description."""
        last_word = known.described is not None and known.described.job.finished
        return last_word or (known.job.id not in self.pinned and not self.keeps_series(known.job))

    def _new(self, told: Told) -> Known:
        born = told.at if told.job.created is None else told.job.created
        bucket, oldest = self.bucket(born), self.oldest_bucket(told.at)
        return Known(told, None, bucket, bucket if bucket >= oldest else oldest + 1, born)

    def _belongs(self, job: Job, born: float, now: float) -> bool:
        """Whether a job that ended unseen is of the window, ended just now, or is configured."""
        width = min(3600.0, self.window / 24)
        just_now = job.completed is not None and now - width <= job.completed <= now
        return born >= now - self.window or just_now or job.id in self.pinned

    def _count_end(self, known: Known) -> None:
        known.end_was_counted = True
        if self.is_counted(known.job):
            self.ended[self.place(known.job), known.job.state] += 1

    def close(self, job_id: str) -> None:
        """Settle a finished job with what is known."""
        known = self.known.get(job_id)
        if known and known.job.finished and not known.is_settled:
            self.settle(job_id)
        self.keep_to_the_limit()

    def settle(self, job_id: str) -> None:
        """Nothing more is asked of a job."""
        known = self.known[job_id]
        known.is_settled = True
        known.is_unpublished = job_id not in self.pinned and not self.keeps_series(known.job)
        known.has_series = not known.is_unpublished

    def forget(self, job_id: str) -> None:
        """AWS does not know a job any longer that can still change, or is configured."""
        known = self.known.get(job_id)
        if known and (not known.is_settled or job_id in self.pinned):
            del self.known[job_id]
        self.keep_to_the_limit()

    def roll(self, now: float) -> None:
        """Let finished jobs go that left the window."""
        oldest = self.oldest_bucket(now)
        for job_id, known in list(self.known.items()):
            if known.job.finished and known.kept_in < oldest and job_id not in self.pinned:
                del self.known[job_id]
        self.keep_to_the_limit()

    def keep_to_the_limit(self) -> None:
        """Give series to configured jobs, then to active ones, then to those that wait, then to the others.

        Of what is settled, the oldest lose their series for good. Of the others, the newest active ones and
        the oldest that wait do without for the time being.
        """
        live = [known for known in self.known.values() if not known.is_settled]
        pinned = [known for known in self.known.values() if known.job.id in self.pinned]
        active = [known for known in live if not known.job.finished and known not in pinned]
        waiting = [known for known in live if known.job.finished and known not in pinned]
        active.sort(key=lambda known: (known.born, known.job.id))
        waiting.sort(key=lambda known: (-known.born, known.job.id))
        room = max(0, self.max_jobs - len(pinned))
        for place, known in enumerate((*active, *waiting)):
            known.has_series = place < room
        settled = [known for known in self.known.values() if known.is_settled and known not in pinned]
        with_series = [known for known in settled if known.has_series]
        with_series.sort(key=lambda known: (known.kept_in, known.born, known.job.id))
        for known in with_series[: max(0, len(with_series) - max(0, room - len(active) - len(waiting)))]:
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
        """Count the active jobs, the finished ones, and those without series because of the limit."""
        active = sum(known.has_series and not known.job.finished for known in self.known.values())
        lost = sum(not (known.has_series or known.is_unpublished) for known in self.known.values())
        return active, len(self.known) - active - lost, lost

    def lines(self, now: float) -> Iterator[tuple[str, str]]:
        """Write every line, each with the name of its metric."""
        for known in self.known.values():
            if known.has_series:
                yield from self._lines_of_job(known.job)
                yield from self._lines_of_running_job(known)
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

    def _lines_of_running_job(self, known: Known) -> Iterator[tuple[str, str]]:
        job = known.job
        if job.state not in RUNNING or job.completed is not None or job.parent_id:
            return
        names = {
            "resource_arn": job.resource_arn,
            "resource_name": job.resource_name or job.resource_arn.replace("/", ":").split(":")[-1],
            "resource_type": job.resource_type,
            "vault_name": job.vault_name,
        }
        labels = {"job_id": job.id, **self._where(job.account_id or self.account_id), **names}
        end = job.values[EXPECTED_END]
        if end is not None:
            late = end + 3600 + (end - known.born) / 2
            yield sample("aws_backup_running_job_overdue_timestamp_seconds", labels, late)
        if {job.values[place] for place in PROGRESS} != {None}:
            moved = known.moved - known.moved % 300
            yield sample("aws_backup_running_job_last_progress_timestamp_seconds", labels, moved)

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
        for kind in KINDS_OF_THINGS:
            yield sample("aws_backup_exporter_items_dropped", {**who, "kind": kind}, 0)
        for job_id, code in self.refused.items():
            yield sample("aws_backup_exporter_job_errors", {**who, "job_id": job_id, "code": code}, 1)

    def _where(self, account_id: str) -> dict[str, str]:
        return {"aws_account_id": account_id, "aws_region": self.scope.region, **self.labels}


def has_moved(job: Job, before: Job) -> bool:
    """Whether a job is in another state than before, or further in the same."""
    pairs = [(job.values[place] or 0, before.values[place] or 0) for place in PROGRESS]
    return job.state != before.state or any(new > old for new, old in pairs)


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

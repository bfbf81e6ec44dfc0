"""The rendered series of one scope: what changed in the ledger is rendered, the rest is kept."""

import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

from exporter.kinds import Kind
from exporter.ledger import Ledger
from exporter.lines import Lines, render
from exporter.live import LiveLines
from exporter.metrics import Group, exporter_group, job_families, job_group, tally_group
from exporter.sealed import Run, SealedLines


class Chunk(NamedTuple):
    """A metric's lines in one page: as text, and those that are kept deflated."""

    text: bytes = b""
    deflated: tuple[Run, ...] = ()


class Page:
    """The rendered series of one scope. May be used from several threads.

    Args:
        ledger: what is known of the scope.
        clock: seconds since 1970.
    """

    def __init__(self, ledger: Ledger, clock: Callable[[], float]) -> None:
        self.scope = ledger.scope
        self._ledger = ledger
        self._clock = clock
        self._kinds = [_KindOfJobs(kind, ledger) for kind in ledger.kinds]
        self._lock = threading.Lock()

    def update(self) -> None:
        """Render the jobs that changed in the ledger, so that it need not keep them."""
        with self._lock:
            for kind in self._kinds:
                kind.update(self._clock())

    def chunks(self) -> dict[str, Chunk]:
        """Give the lines of every metric that has any, as things are now."""
        with self._lock:
            chunks: dict[str, Chunk] = {}
            for kind in self._kinds:
                kind.update(self._clock())
                chunks |= kind.chunks()
            own = render(exporter_group(self._ledger))
            return chunks | {family: Chunk(lines) for family, lines in own.items()}


class _KindOfJobs:
    """The part of a page that one kind of job has."""

    def __init__(self, kind: Kind, ledger: Ledger) -> None:
        self._kind = kind
        self._ledger = ledger
        self._group_of = partial(job_group, kind, ledger=ledger)
        self._families = [family.name for family in job_families(kind)]
        self._live = LiveLines(kind, self._group_of)
        self._sealed = SealedLines(self._families)
        self._counts: Lines = {}
        self._counted_at: object = None

    def update(self, now: float) -> None:
        with self._ledger.open(self._kind) as book:
            changes = book.drain()
            counted_at = book.counts_mark(now)
            tallies = book.tallies(now) if counted_at != self._counted_at else []
        for bucket in changes.left:
            self._sealed.remove_bucket(bucket)
        for bucket, job_ids in changes.dropped.items():
            self._sealed.remove(bucket, job_ids)
        for job_id, job in changes.live.items():
            if job is None:
                self._live.remove(job_id)
            else:
                self._live.put(job)
        newly: dict[int, dict[str, Lines]] = {}
        for job_id, (bucket, job) in changes.sealed.items():
            newly.setdefault(bucket, {})[job_id] = render(self._group_of(job))
        for bucket, rows in newly.items():
            self._sealed.add(bucket, rows)
        if counted_at != self._counted_at:
            self._counts = _render_all(tally_group(self._kind, tally, self._ledger) for tally in tallies)
            self._counted_at = counted_at

    def chunks(self) -> dict[str, Chunk]:
        chunks = {family: Chunk(lines) for family, lines in self._counts.items()}
        for family in self._families:
            runs = tuple(run for run in (self._sealed.run(family), self._live.run(family)) if run.parts)
            if runs:
                chunks[family] = Chunk(deflated=runs)
        return chunks


def _render_all(groups: Iterable[Group]) -> Lines:
    lines: dict[str, list[bytes]] = {}
    for group in groups:
        for family, text in render(group).items():
            lines.setdefault(family, []).append(text)
    return {family: b"".join(texts) for family, texts in lines.items()}

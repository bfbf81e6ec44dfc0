"""One exposition from the pages of all scopes: what changed is rendered when it changes, a scrape joins.

Every gauge's line is the same bytes in each text format, so lines are rendered once and kept. The lines of
sealed jobs are kept deflated; a gzip answer copies them as they are and combines their checksums.
"""

import struct
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from zlib_ng import zlib_ng

from exporter.kinds import Kind
from exporter.ledger import Ledger
from exporter.lines import Lines, render
from exporter.metrics import (
    Family,
    Group,
    exporter_group,
    families,
    job_families,
    job_group,
    tally_group,
)
from exporter.model import Scope
from exporter.sealed import RAW_DEFLATE, Part, SealedLines, inflate
from exporter.telemetry import Telemetry

_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"
_FASTEST = 1


class Chunk(NamedTuple):
    """A family's lines in one page: those that may change, and those that are sealed."""

    fresh: Sequence[bytes]
    sealed: Sequence[Part] = ()


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
        self._live: dict[str, dict[str, Lines]] = {kind.name: {} for kind in ledger.kinds}
        self._sealed = {
            kind.name: SealedLines([family.name for family in job_families(kind)]) for kind in ledger.kinds
        }
        self._lock = threading.Lock()

    def update(self) -> None:
        """Render the jobs that changed in the ledger, so that it need not keep them."""
        with self._lock:
            for kind in self._ledger.kinds:
                self._update_jobs(kind)

    def chunks(self) -> dict[str, Chunk]:
        """Give the lines of every family that has any, as things are now."""
        with self._lock:
            chunks = {name: Chunk(lines) for name, lines in _render_all(self._counts()).items()}
            for kind in self._ledger.kinds:
                self._update_jobs(kind)
                live = self._live[kind.name].values()
                for family in job_families(kind):
                    fresh = [lines[family.name] for lines in live if family.name in lines]
                    chunks[family.name] = Chunk(fresh, self._sealed[kind.name].parts(family.name))
        return chunks

    def _update_jobs(self, kind: Kind) -> None:
        with self._ledger.open(kind) as book:
            changes = book.drain()
        live, sealed = self._live[kind.name], self._sealed[kind.name]
        for bucket in changes.left:
            sealed.remove_bucket(bucket)
        for bucket, job_ids in changes.dropped.items():
            sealed.remove(bucket, job_ids)
        for job_id, job in changes.live.items():
            if job is None:
                live.pop(job_id, None)
            else:
                live[job_id] = render(job_group(kind, job, self._ledger))
        newly: dict[int, dict[str, Lines]] = {}
        for job_id, (bucket, job) in changes.sealed.items():
            newly.setdefault(bucket, {})[job_id] = render(job_group(kind, job, self._ledger))
        for bucket, rows in newly.items():
            sealed.add(bucket, rows)

    def _counts(self) -> Iterable[Group]:
        for kind in self._ledger.kinds:
            with self._ledger.open(kind) as book:
                tallies = book.tallies(self._clock())
            yield from (tally_group(kind, tally, self._ledger) for tally in tallies)
        yield exporter_group(self._ledger)


class Form(NamedTuple):
    """How a client wants its answer."""

    openmetrics: bool = False
    gzip: bool = False


class Exposition:
    """Writes the series of all pages, or of one.

    Args:
        pages: one for each scope.
        telemetry: what the exporter tells of itself; on the exposition of everything only.
    """

    def __init__(self, pages: Iterable[Page], telemetry: Telemetry) -> None:
        self._pages: Mapping[Scope, Page] = {page.scope: page for page in pages}
        self._telemetry = telemetry

    def write(self, form: Form, *, scope: Scope | None = None, names: Collection[str] = ()) -> bytes:
        """Write one exposition.

        Args:
            form: which format and encoding.
            scope: only this scope's series; None for everything.
            names: only samples of these names; empty for all.
        """
        pages = self._pages.values() if scope is None else (self._pages[scope],)
        chunks = [page.chunks() for page in pages]
        writer: _Writer = _GzipWriter() if form.gzip else _PlainWriter()
        for family in families():
            if not names or family.name in names:
                present = [of_page[family.name] for of_page in chunks if family.name in of_page]
                _write_family(writer, family, present, form)
        if scope is None:
            writer.fresh([self._telemetry.write(openmetrics=form.openmetrics, names=names)])
        if form.openmetrics:
            writer.fresh([b"# EOF\n"])
        return writer.end()


class _Writer(Protocol):
    def fresh(self, lines: Sequence[bytes]) -> None: ...

    def sealed(self, parts: Sequence[Part]) -> None: ...

    def end(self) -> bytes: ...


class _PlainWriter:
    def __init__(self) -> None:
        self._out: list[bytes] = []

    def fresh(self, lines: Sequence[bytes]) -> None:
        self._out += lines

    def sealed(self, parts: Sequence[Part]) -> None:
        self._out += map(inflate, parts)

    def end(self) -> bytes:
        return b"".join(self._out)


class _GzipWriter:
    """Writes one gzip member: fresh lines are deflated now, sealed parts are copied."""

    def __init__(self) -> None:
        self._out = [_GZIP_HEADER]
        self._deflate = zlib_ng.compressobj(_FASTEST, zlib_ng.DEFLATED, RAW_DEFLATE)
        self._waiting: list[bytes] = []
        self._crc = 0
        self._length = 0

    def fresh(self, lines: Sequence[bytes]) -> None:
        self._waiting += lines

    def sealed(self, parts: Sequence[Part]) -> None:
        if not parts:
            return
        self._deflate_waiting()
        self._out.append(self._deflate.flush(zlib_ng.Z_FULL_FLUSH))
        for part in parts:
            self._out.append(part.deflated)
            self._crc = zlib_ng.crc32_combine(self._crc, part.crc, part.length)
            self._length += part.length

    def end(self) -> bytes:
        self._deflate_waiting()
        self._out.append(self._deflate.flush(zlib_ng.Z_FINISH))
        self._out.append(struct.pack("<II", self._crc, self._length & 0xFFFFFFFF))
        return b"".join(self._out)

    def _deflate_waiting(self) -> None:
        lines = b"".join(self._waiting)
        self._waiting.clear()
        self._out.append(self._deflate.compress(lines))
        self._crc = zlib_ng.crc32(lines, self._crc)
        self._length += len(lines)


def _write_family(writer: _Writer, family: Family, present: Sequence[Chunk], form: Form) -> None:
    if not any(chunk.fresh or chunk.sealed for chunk in present):
        return
    writer.fresh([_header(family, form)])
    for chunk in present:
        writer.fresh(chunk.fresh)
        writer.sealed(chunk.sealed)


def _header(family: Family, form: Form) -> bytes:
    name = family.name.removesuffix("_total") if form.openmetrics else family.name
    return f"# HELP {name} {family.help}\n# TYPE {name} {family.type}\n".encode()


def _render_all(groups: Iterable[Group]) -> dict[str, list[bytes]]:
    lines: dict[str, list[bytes]] = {}
    for group in groups:
        for family, text in render(group).items():
            lines.setdefault(family, []).append(text)
    return lines

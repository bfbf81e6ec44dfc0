"""Writes one exposition from the cached series of all scopes.

The line of a gauge is the same in each text format, so lines are rendered once and cached. The lines of final
jobs are cached in deflated form; a gzip response copies them and combines their checksums.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from itertools import chain
from typing import NamedTuple

from exporter.exposition.compression import GzipWriter, Piece, PlainWriter, Run, Writer, deflate
from exporter.exposition.merged_pieces import SCOPES_IN_A_CHUNK, MergedScopes
from exporter.exposition.metric_types import Family
from exporter.exposition.metrics import families
from exporter.exposition.scope_series import ScopeSeries
from exporter.exposition.self_metrics import Telemetry
from exporter.model import Scope


class Form(NamedTuple):
    """The text format and encoding that a client accepts."""

    openmetrics: bool = False
    gzip: bool = False


class Exposition:
    """Writes the series of all scopes, or of one.

    Args:
        series: returns the series of each scope. The list may change between two expositions; when the order
            stays, less has to be joined again.
        telemetry: the metrics about the exporter; only in the exposition of all scopes.
        pause_work: pauses other CPU-bound work while an exposition is written.
    """

    def __init__(
        self,
        series: Callable[[], Sequence[ScopeSeries]],
        telemetry: Telemetry,
        pause_work: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._series = series
        self._merged: dict[Scope | None, MergedScopes] = {}
        self._lock = threading.Lock()
        self._telemetry = telemetry
        self._pause_work = pause_work

    def shows_scopes(self, names: Collection[str]) -> bool:
        """Whether samples with these names (empty: all) are about scopes, not only about the exporter."""
        return not names or any(family.name in names for family in families())

    def write(self, form: Form, *, scope: Scope | None = None, names: Collection[str] = ()) -> bytes:
        """Write one exposition; the arguments are those of `parts`."""
        return b"".join(self.parts(form, scope=scope, names=names))

    def parts(
        self, form: Form, *, scope: Scope | None = None, names: Collection[str] = ()
    ) -> Sequence[bytes]:
        """Write one exposition, in parts: cached lines are passed on without a copy.

        Args:
            form: the format and encoding.
            scope: write only the series published with this scope; None for all.
            names: write only samples with these names; empty for all.
        """
        with self._pause_work():
            return self._parts(form, scope, names)

    def _parts(self, form: Form, scope: Scope | None, names: Collection[str]) -> Sequence[bytes]:
        pieces = self._pieces(scope)
        writer: Writer = GzipWriter() if form.gzip else PlainWriter()
        for family in families():
            if family.name in pieces and (not names or family.name in names):
                _write_family(writer, family, pieces[family.name], form)
        if scope is None:
            for family, lines in self._telemetry.lines(names):
                _write_family(writer, family, [lines], form)
        if form.openmetrics:
            writer.write(b"# EOF\n")
        return writer.end()

    def _pieces(self, scope: Scope | None) -> Mapping[str, Sequence[Piece]]:
        """Return the lines of the selected scopes by metric, in one or more pieces."""
        series = self._series()
        scopes = [one.pieces() for one in series if scope is None or one.published_with == scope]
        if len(scopes) > SCOPES_IN_A_CHUNK:
            with self._lock:
                merged = self._merged.setdefault(scope, MergedScopes()).of(scopes)
            return {name: (run,) for name, run in merged.items()}
        pieces: dict[str, list[Piece]] = {}
        lines: Iterable[Mapping[str, Piece]] = chain.from_iterable(scopes)
        for name, piece in chain.from_iterable(one.items() for one in lines):
            pieces.setdefault(name, []).append(piece)
        return pieces


def _write_family(writer: Writer, family: Family, pieces: Sequence[Piece], form: Form) -> None:
    text, deflated = _header(family.name, family.type, family.help, form.openmetrics)
    writer.write(deflated if isinstance(pieces[0], Run) else text)
    for piece in pieces:
        writer.write(piece)


@cache
def _header(name: str, type_: str, help_: str, openmetrics: bool) -> tuple[bytes, Run]:
    """Write HELP and TYPE, as text and as a run: text before a run would need a flush."""
    name = name.removesuffix("_total") if openmetrics else name
    text = f"# HELP {name} {help_}\n# TYPE {name} {type_}\n".encode()
    return text, deflate(text)

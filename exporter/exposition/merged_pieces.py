"""Joins the lines of several sources, metric by metric. What has not changed is not joined again."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import zip_longest
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeVar

from exporter.exposition.compression import FASTEST, Run, deflate, join

SCOPES_IN_A_CHUNK = 16

_Part = TypeVar("_Part")
_Whole = TypeVar("_Whole")
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Merged(Generic[_Part, _Whole]):
    """The lines of several sources together, by metric.

    Each source is a mapping that is never modified: a change is another mapping. Values that are the same
    object are unchanged.

    Args:
        merge: joins the lines of one metric.
    """

    def __init__(self, merge: Callable[[Sequence[_Part]], _Whole]) -> None:
        self._merge = merge
        self._sources: Sequence[Mapping[str, _Part]] = ()
        self._merged: Mapping[str, _Whole] = _NOTHING

    def of(self, sources: Sequence[Mapping[str, _Part]]) -> Mapping[str, _Whole]:
        """Return the lines of the sources, in their order; the same object if nothing has changed."""
        before, self._sources = self._sources, sources
        changed = _changed(before, sources)
        if changed:
            merged = dict(self._merged)
            for name in changed:
                if parts := [source[name] for source in sources if name in source]:
                    merged[name] = self._merge(parts)
                else:
                    del merged[name]
            self._merged = merged
        return self._merged


def _changed(before: Sequence[Mapping[str, _Part]], after: Sequence[Mapping[str, _Part]]) -> set[str]:
    """Return the metrics whose lines differ in any of the sources."""
    changed: set[str] = set()
    for old, new in zip_longest(before, after, fillvalue=_NOTHING):
        if old is not new:
            changed.update(_differing(old, new))
    return changed


def _differing(old: Mapping[str, _Part], new: Mapping[str, _Part]) -> Iterable[str]:
    """Return the metrics whose lines are other objects."""
    if [*old] == [*new]:  # mostly: the metrics are the same, in the same order
        return [name for name, lines in old.items() if lines is not new[name]]
    return [name for name in old.keys() | new.keys() if old.get(name) is not new.get(name)]


class Pieces(NamedTuple):
    """The lines of one scope, by metric: deflated lines of AWS data, and lines about the exporter itself."""

    data: Mapping[str, Run]
    text: Mapping[str, bytes]


class MergedScopes:
    """The lines of many scopes together.

    Scopes are joined in chunks, so that few lines are joined and deflated again when a scope changes.
    """

    def __init__(self) -> None:
        self._chunks: list[_Chunk] = []
        self._whole: Merged[Run, Run] = Merged(join)

    def of(self, scopes: Sequence[Pieces]) -> Mapping[str, Run]:
        """Return the lines of the scopes, in their order."""
        starts = range(0, len(scopes), SCOPES_IN_A_CHUNK)
        self._chunks += (_Chunk() for _ in starts[len(self._chunks) :])
        del self._chunks[len(starts) :]
        merged = [
            lines
            for chunk, start in zip(self._chunks, starts, strict=True)
            for lines in chunk.of(scopes[start : start + SCOPES_IN_A_CHUNK])
        ]
        return self._whole.of(merged)


class _Chunk:
    """The lines of some scopes that are next to each other."""

    def __init__(self) -> None:
        self._data: Merged[Run, Run] = Merged(_joined)
        self._text: Merged[bytes, Run] = Merged(_deflated)

    def of(self, scopes: Sequence[Pieces]) -> tuple[Mapping[str, Run], Mapping[str, Run]]:
        """Return the lines of AWS data, and those about the exporter."""
        data, text = zip(*scopes, strict=True)
        return self._data.of(data), self._text.of(text)


def _joined(runs: Sequence[Run]) -> Run:
    """Join runs into one part: a response of many scopes would have a hundred thousand parts."""
    whole = join(runs)
    return whole._replace(parts=(b"".join(whole.parts),))


def _deflated(texts: Sequence[bytes]) -> Run:
    return deflate(b"".join(texts), FASTEST)

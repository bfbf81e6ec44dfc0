"""Builds gzip responses from chunks that are already compressed with deflate."""

import struct
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple, Protocol

from zlib_ng import zlib_ng

RAW_DEFLATE = -15
FASTEST = 1
_LEVEL = 6
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"


class Run(NamedTuple):
    """Deflated lines: the parts to concatenate, and the checksum and length of the uncompressed lines."""

    parts: tuple[bytes, ...] = ()
    crc: int = 0
    length: int = 0


def deflate(lines: bytes, level: int = _LEVEL) -> Run:
    """Deflate lines into a run. Other runs can be appended to it."""
    compressor = zlib_ng.compressobj(level, zlib_ng.DEFLATED, RAW_DEFLATE)
    deflated = compressor.compress(lines) + compressor.flush(zlib_ng.Z_FULL_FLUSH)
    return Run((deflated,), zlib_ng.crc32(lines), len(lines))


def inflate(run: Run) -> Iterator[bytes]:
    """Yield the lines of a run, part by part."""
    return (zlib_ng.decompressobj(RAW_DEFLATE).decompress(part) for part in run.parts)


def join(runs: Sequence[Run]) -> Run:
    """Concatenate runs."""
    if len(runs) == 1:
        return runs[0]
    crc, length = 0, 0
    for run in runs:
        crc = zlib_ng.crc32_combine(crc, run.crc, run.length)
        length += run.length
    return Run(tuple(chain.from_iterable(run.parts for run in runs)), crc, length)


Piece = bytes | Run
"""Lines of the exposition, as text or deflated."""


class Writer(Protocol):
    """Joins pieces into a response."""

    def write(self, piece: Piece) -> None:
        """Append a piece."""

    def end(self) -> Sequence[bytes]:
        """Return the response, in parts."""


class PlainWriter:
    """Joins pieces into plain text."""

    def __init__(self) -> None:
        self._out: list[bytes] = []

    def write(self, piece: Piece) -> None:
        """Append a piece."""
        self._out += inflate(piece) if isinstance(piece, Run) else [piece]

    def end(self) -> Sequence[bytes]:
        """Return the text, in parts."""
        return self._out


class GzipWriter:
    """Joins pieces into a gzip member: text is deflated, deflated runs are copied."""

    def __init__(self) -> None:
        self._out = [_GZIP_HEADER]
        self._deflate = zlib_ng.compressobj(FASTEST, zlib_ng.DEFLATED, RAW_DEFLATE)
        self._waiting: list[bytes] = []
        self._crc = 0
        self._length = 0

    def write(self, piece: Piece) -> None:
        """Append a piece."""
        if not isinstance(piece, Run):
            self._waiting.append(piece)
            return
        if self._waiting:
            self._deflate_waiting()
            self._out.append(self._deflate.flush(zlib_ng.Z_FULL_FLUSH))
        self._out += piece.parts
        self._crc = zlib_ng.crc32_combine(self._crc, piece.crc, piece.length)
        self._length += piece.length

    def end(self) -> Sequence[bytes]:
        """Return the gzip member, in parts."""
        self._deflate_waiting()
        self._out.append(self._deflate.flush(zlib_ng.Z_FINISH))
        self._out.append(struct.pack("<II", self._crc, self._length & 0xFFFFFFFF))
        return self._out

    def _deflate_waiting(self) -> None:
        lines = b"".join(self._waiting)
        self._waiting.clear()
        self._out.append(self._deflate.compress(lines))
        self._crc = zlib_ng.crc32(lines, self._crc)
        self._length += len(lines)

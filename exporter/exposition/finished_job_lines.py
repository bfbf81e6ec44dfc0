"""Lines that never change again, cached in deflated form and copied into gzip responses.

The lines of one metric of several jobs form a run: a raw deflate stream that ends with a full flush, so that
runs can be concatenated, with its checksum and length. A block has the runs of up to a thousand jobs of one
bucket; small blocks are merged, so that there are few.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from exporter.exposition.compression import Run, deflate, inflate, join
from exporter.exposition.text_format import encode, escape, shortened

MOST_JOBS_IN_A_BLOCK = 1024
_JOB_ID = re.compile(rb'[^{]*\{job_id="((?:[^"\\]|\\.)*)"')

Lines = Mapping[str, bytes]  # by family


@dataclass(frozen=True, slots=True)
class _Block:
    job_ids: tuple[str, ...]
    lines: Mapping[str, Run]


class FinishedJobLines:
    """The lines of the final jobs of one kind in one scope.

    Args:
        families: the metrics; each line starts with the metric's name, and job_id is its first label.
    """

    def __init__(self, families: Sequence[str]) -> None:
        self._families = families
        self._buckets: dict[int, list[_Block]] = {}
        self._runs: dict[str, Run] | None = None

    def add(self, bucket: int, rows: Mapping[str, Lines]) -> None:
        """Add the lines of jobs, by id, to a bucket."""
        blocks = self._buckets.setdefault(bucket, [])
        job_ids = tuple(rows)
        for start in range(0, len(job_ids), MOST_JOBS_IN_A_BLOCK):
            some = job_ids[start : start + MOST_JOBS_IN_A_BLOCK]
            blocks.append(_Block(some, self._deflate(rows[job_id] for job_id in some)))
            while len(blocks) > 1 and _should_merge(blocks[-2], blocks[-1]):
                blocks[-2:] = [self._merge(blocks[-2], blocks[-1])]
        self._runs = None

    def remove(self, bucket: int, job_ids: Collection[str]) -> None:
        """Remove some jobs of a bucket."""
        kept = (self._without(block, job_ids) for block in self._buckets.pop(bucket, ()))
        if blocks := [block for block in kept if block.job_ids]:
            self._buckets[bucket] = blocks
        self._runs = None

    def remove_bucket(self, bucket: int) -> None:
        """Remove a bucket and all its jobs."""
        if self._buckets.pop(bucket, None):
            self._runs = None

    def runs(self) -> Mapping[str, Run]:
        """Return the lines of each metric that has any, oldest bucket first."""
        if self._runs is None:
            blocks = [block for bucket in sorted(self._buckets) for block in self._buckets[bucket]]
            of_families = {
                name: [block.lines[name] for block in blocks if name in block.lines]
                for name in self._families
            }
            self._runs = {name: join(runs) for name, runs in of_families.items() if runs}
        return self._runs

    def _deflate(self, rows: Iterable[Lines]) -> dict[str, Run]:
        lines: dict[str, list[bytes]] = {}
        for row in rows:
            for family, text in row.items():
                lines.setdefault(family, []).append(text)
        return {family: deflate(b"".join(texts)) for family, texts in lines.items()}

    def _merge(self, first: _Block, second: _Block) -> _Block:
        both = self._deflate(
            {family: b"".join(inflate(run)) for family, run in block.lines.items()}
            for block in (first, second)
        )
        return _Block(first.job_ids + second.job_ids, both)

    def _without(self, block: _Block, job_ids: Collection[str]) -> _Block:
        kept = tuple(job_id for job_id in block.job_ids if job_id not in job_ids)
        if len(kept) == len(block.job_ids):
            return block
        names = {_escaped(job_id) for job_id in kept}
        lines = {
            family: b"".join(line for text in inflate(run) for line in _split(text) if _job_of(line) in names)
            for family, run in block.lines.items()
        }
        return _Block(kept, {family: deflate(text) for family, text in lines.items() if text})


def _should_merge(first: _Block, second: _Block) -> bool:
    together = len(first.job_ids) + len(second.job_ids)
    return len(first.job_ids) <= 2 * len(second.job_ids) and together <= MOST_JOBS_IN_A_BLOCK


def _split(lines: bytes) -> list[bytes]:
    return [line + b"\n" for line in lines.split(b"\n")[:-1]]


def _job_of(line: bytes) -> bytes:
    found = _JOB_ID.match(line)
    return found[1] if found else b""


def _escaped(job_id: str) -> bytes:
    return encode(escape(shortened(job_id)))

"""Observes the exporter from outside: memory, threads, file descriptors and log."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

MIB = 2**20
TELLING = ("level", "msg", "target", "collector", "code")
_FIELD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)')


class Held(NamedTuple):
    """What a process holds: bytes of memory, threads, open descriptors."""

    memory: int
    threads: int
    descriptors: int


NOT_A_LEAK = Held(8 * MIB, 16, 32)
"""By how much each may grow and still be flat, beside a tenth of what it was."""


def held(pid: int) -> Held:
    """Look at a process."""
    status = Path(f"/proc/{pid}/status").read_text()

    def number(name: str) -> int:
        return int(re.findall(rf"^{name}:\s+(\d+)", status, re.MULTILINE)[0])

    descriptors = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return Held(1024 * number("VmRSS"), number("Threads"), descriptors)


def most(seen: Sequence[Held]) -> Held:
    """Return the most of each."""
    return Held(*map(max, zip(*seen, strict=True))) if seen else Held(0, 0, 0)


def grown(first: Held, last: Held) -> Iterator[str]:
    """Say what is not flat: `first` is the most of the first third, `last` of the last."""
    for name, before, after, allowed in zip(Held._fields, first, last, NOT_A_LEAK, strict=True):
        if after > before * 1.1 + allowed:
            yield f"{name} grew from {before:,} to {after:,}"


def log_lines(text: str) -> Counter[str]:
    """Count the lines of a log by what they say, without their times and reasons."""
    return Counter(_told(line) for line in text.splitlines() if line)


def _told(line: str) -> str:
    fields = dict(_FIELD.findall(line))
    if "msg" not in fields:
        return line
    return " ".join(f"{name}={fields[name]}" for name in TELLING if name in fields)

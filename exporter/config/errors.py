"""Errors in a configuration file and their locations."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

Path = tuple[str | int, ...]
"""The path to a value: `("targets", 0, "name")`."""

_PLAIN = re.compile(r"[\w-]+")
_MAX_QUOTED = 80


@dataclass(frozen=True, slots=True)
class Problem:
    """One error in a configuration file.

    `line` and `column` start at 1; 0 refers to the file as a whole. `key` is the path to the value, such as
    `targets[0].name`, or empty.
    """

    file: str
    line: int
    column: int
    key: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return ": ".join(part for part in (place, self.key, self.message) if part)


class ConfigError(Exception):
    """The configuration is invalid; `problems` holds all errors, in line order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line, problem.column)))
        super().__init__("\n".join(map(str, self.problems)))


def written(path: Path) -> str:
    """Format a path: `targets[0].name`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if _PLAIN.fullmatch(part) else quoted(part))
    return text


def quoted(text: str, most: int = _MAX_QUOTED) -> str:
    """Quote text for a message, on one line and truncated if it is long."""
    short = text if len(text) <= most else text[:most] + "..."
    return json.dumps(short, ensure_ascii=not short.isprintable())

"""What is wrong in a configuration file, and where."""

import difflib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

Path = tuple[str | int, ...]
"""The way to a value: `("targets", 0, "name")`."""

_PLAIN = re.compile(r"[\w-]+")
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to put right.

    `line` and `column` count from 1; 0 means the file as a whole. `key` is the way to the value, such as
    `targets[0].name`, and empty where there is none.
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
    """A configuration that cannot be used; `problems` says all that is wrong with it, in line order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line, problem.column)))
        super().__init__("\n".join(map(str, self.problems)))


def written(path: Path) -> str:
    """Write a path the way people do: `targets[0].name`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if _PLAIN.fullmatch(part) else quoted(part))
    return text


def quoted(text: str, most: int = _SHOWN) -> str:
    """Put text between quotes for a message: on one line, and cut where it is long."""
    short = text if len(text) <= most else text[:most] + "..."
    return json.dumps(short, ensure_ascii=not short.isprintable())


def nearest(word: str, right: Iterable[str], what: str) -> str:
    """Say which of the right words is meant, or which there are: `what` names them."""
    words = tuple(right)
    near = difflib.get_close_matches(word, words, n=1)
    return f"did you mean {quoted(near[0])}?" if near else f"{what} are {', '.join(words)}"

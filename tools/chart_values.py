"""Reads the values of a Helm chart with their defaults and the descriptions in its comments."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

_KEY = re.compile(r"( *)(\w+):")
_DESCRIPTION = re.compile(r" *# -- (.+)")
_CONTINUATION = re.compile(r" *# (.+)")


@dataclass(frozen=True, slots=True)
class ChartValue:
    """A value of a chart: its path, such as `image.tag`, its default and its description in Markdown."""

    path: str
    default: Any
    description: str


class UndescribedValueError(Exception):
    """A value has no description; the message names it."""


def read_values(text: str) -> list[ChartValue]:
    """Read a values.yaml in which, as in helm-docs, a comment `# -- …` describes the key below it.

    Raises:
        UndescribedValueError: neither a value nor all the values in it have a description.
    """
    descriptions = dict(_descriptions(text))
    return list(_values(yaml.safe_load(text), descriptions, ""))


def _descriptions(text: str) -> Iterator[tuple[str, str]]:
    """Yield the path and the description of each described key."""
    parents: list[tuple[int, str]] = []
    described: list[str] = []
    for line in text.splitlines():
        if found := _DESCRIPTION.fullmatch(line):
            described = [found[1]]
        elif described and (found := _CONTINUATION.fullmatch(line)):
            described.append(found[1])
        elif found := _KEY.match(line):
            parents = [(indent, name) for indent, name in parents if indent < len(found[1])]
            parents.append((len(found[1]), found[2]))
            if described:
                yield ".".join(name for _, name in parents), " ".join(described)
            described = []


def _values(values: dict[str, Any], descriptions: dict[str, str], path: str) -> Iterator[ChartValue]:
    for key, value in values.items():
        name = f"{path}{key}"
        if name in descriptions:
            yield ChartValue(name, value, descriptions[name])
        elif value and isinstance(value, dict):
            yield from _values(value, descriptions, f"{name}.")
        else:
            raise UndescribedValueError(f"{name} has no description; add a comment that begins with # --")

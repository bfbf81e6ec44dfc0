"""Parses YAML into values with their line and column.

PyYAML silently keeps the last of two equal keys; this module reports duplicate keys as errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from exporter.config.errors import ConfigError, Path, Problem, quoted, written

MAX_SIZE = 1 << 20
"""Maximum number of characters in a file; a configuration of a thousand targets has about a third."""

_MAX_DEPTH = 32
_MAX_VALUES = 100_000
_MAX_NUMBER_LENGTH = 40
_PLAIN_NUMBER = re.compile(r"[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+|\.(inf|nan))", re.IGNORECASE)
_TAG = "tag:yaml.org,2002:"
_NAMED = re.compile(r"(alias|anchor|tag handle) .*", re.DOTALL)
_HINTS = (
    ("'\\t'", "indent with spaces instead of tabs"),
    ("mapping values are not allowed", 'check the indentation, and quote a value that holds ": "'),
    ("undefined alias", "define it earlier with &, or quote the value"),
    ("cannot start any token", "quote the value"),
    ("escape", "use single quotes, or two backslashes"),
)


@dataclass(frozen=True, slots=True)
class Value:
    """A value as data and as source text, with the position (from 1) of its key or list item."""

    line: int
    column: int
    data: Mapping[str, Value] | tuple[Value, ...] | str | int | float | None
    raw: str = ""

    def plain(self) -> Any:
        """Return the data without positions: dicts, tuples and scalars."""
        if isinstance(self.data, Mapping):
            return {key: value.plain() for key, value in self.data.items()}
        if isinstance(self.data, tuple):
            return tuple(value.plain() for value in self.data)
        return self.data

    def at(self, path: Path) -> Value:
        """Return the value at the path, or its closest existing ancestor."""
        value = self
        for part in path:
            if isinstance(value.data, Mapping) and part in value.data:
                value = value.data[str(part)]
            elif isinstance(value.data, tuple) and isinstance(part, int) and part < len(value.data):
                value = value.data[part]
            else:
                break
        return value


def read(text: str, filename: str) -> tuple[Value, list[Problem]]:
    """Parse YAML into a value and a list of non-fatal problems.

    Raises:
        ConfigError: the text cannot be parsed: invalid syntax, several documents, or too many aliases.
    """
    if len(text) > MAX_SIZE:
        raise ConfigError([too_large(filename)])
    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:
        before = text[: error.position].split("\n")
        message = f"not valid YAML: the character U+{ord(text[error.position]):04X} is not allowed; remove it"
        raise ConfigError([Problem(filename, len(before), len(before[-1]) + 1, "", message)]) from None
    try:
        return _Reader(filename, loader).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark or loader.get_mark()
        problem = _place(filename, mark, (), _advice(error.problem or error.context or "broken"))
    except (ValueError, OverflowError):
        # PyYAML raises built-in exceptions for values such as "\U99999999".
        problem = _place(filename, loader.get_mark(), (), _advice("found a number or escape out of range"))
    raise ConfigError([problem])


def too_large(filename: str) -> Problem:
    """Return the problem for a file larger than `MAX_SIZE`."""
    return Problem(filename, 0, 0, "", f"larger than {MAX_SIZE:,} characters; check the file name")


def _advice(problem: str) -> str:
    problem = _NAMED.sub(r"\1", problem)  # the name may be a password that starts with * or !
    hint = next((hint for sign, hint in _HINTS if sign in problem), None)
    hint = hint or "check the indentation, brackets and quotes on this line and above"
    return f"not valid YAML: {problem}; {hint}"


def _place(filename: str, mark: yaml.Mark, path: Path, message: str) -> Problem:
    return Problem(filename, mark.line + 1, mark.column + 1, written(path), message)


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with a limit on the depth and without conversion of dates."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML has it so
        first: [(tag, pattern) for tag, pattern in resolvers if tag != f"{_TAG}timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.depth == _MAX_DEPTH:
            raise yaml.composer.ComposerError(None, None, "nested too deeply", self.next_mark())
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def next_mark(self) -> yaml.Mark:
        mark: yaml.Mark = self.peek_event().start_mark  # type: ignore[no-untyped-call] # PyYAML has no types
        return mark

    def scalar(self, node: yaml.ScalarNode) -> str | int | float | None:
        """Return the data of a node; raise KeyError for an unknown tag, ValueError for an invalid value."""
        node.value.encode()
        if node.tag in (f"{_TAG}str", f"{_TAG}value"):
            return str(node.value)
        construct = {
            f"{_TAG}null": self.construct_yaml_null,
            f"{_TAG}bool": self.construct_yaml_bool,
            f"{_TAG}int": self.construct_yaml_int,
            f"{_TAG}float": self.construct_yaml_float,
        }[node.tag]
        if len(node.value) > _MAX_NUMBER_LENGTH:
            raise ValueError("too long")
        try:
            data: int | float | None = construct(node)
        except (LookupError, OverflowError) as error:
            raise ValueError(str(error)) from None
        return data


class _Reader:
    """Converts the nodes of one file to values and collects problems."""

    def __init__(self, filename: str, loader: _Loader) -> None:
        self.filename = filename
        self.loader = loader
        self.problems: list[Problem] = []
        self.remaining = _MAX_VALUES

    def document(self) -> tuple[Value, list[Problem]]:
        """Read the only document; an empty file counts as an empty mapping."""
        node = self.loader.get_node() if self.loader.check_node() else None
        if node is not None and self.loader.check_node():
            mark = self.loader.next_mark()
            message = "a second document starts here; keep one and remove the others"
            raise ConfigError([_place(self.filename, mark, (), message)])
        if node is None or node.tag == f"{_TAG}null":
            return Value(1, 1, {}), []
        return self.value(node, node.start_mark, (), 0), self.problems

    def value(self, node: yaml.Node, mark: yaml.Mark, path: Path, depth: int) -> Value:
        """Convert a node and its children to a value at the position of `mark`."""
        self.count_values(mark, path, depth)
        line, column = mark.line + 1, mark.column + 1
        if isinstance(node, yaml.ScalarNode):
            return Value(line, column, self.scalar(node, mark, path), node.value)
        if isinstance(node, yaml.MappingNode):
            self.expect_tag(node, "map", mark, path)
            entries = self.entries(node, path, depth)
            below = {
                key: self.value(entry, at.start_mark, (*path, key), depth + 1)
                for key, (at, entry) in entries.items()
            }
            return Value(line, column, below)
        self.expect_tag(node, "seq", mark, path)
        items = enumerate(node.value)
        return Value(
            line, column, tuple(self.value(item, item.start_mark, (*path, i), depth + 1) for i, item in items)
        )

    def scalar(self, node: yaml.ScalarNode, mark: yaml.Mark, path: Path) -> str | int | float | None:
        try:
            data = self.loader.scalar(node)
            if isinstance(data, int | float) and not isinstance(data, bool):
                self.expect_plain(node, mark, path)
            return data
        except KeyError:
            self.expect_tag(node, "str", mark, path)
        except UnicodeEncodeError:
            self.report(
                mark, path, "contains a lone surrogate (\\ud800 to \\udfff); write the character itself"
            )
        except ValueError:
            kind = node.tag.removeprefix(_TAG)
            self.report(mark, path, f"not a valid {kind}; correct the value or quote it")
        return ""

    def entries(self, node: yaml.Node, path: Path, depth: int) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """Return the key node and value node of each entry by key, including entries merged with `<<`."""
        merged: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        own: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            name = self.key(key, path)
            if name is None:
                continue
            if name in own:
                first = own[name][0].start_mark.line + 1
                self.report(
                    key.start_mark,
                    (*path, name),
                    f"duplicate key, first used on line {first}; keep one of them",
                )
                continue
            own[name] = key, value
            if key.tag == f"{_TAG}merge":
                for source in self.merge_sources(value, key.start_mark, (*path, name), depth):
                    for inherited, pair in self.entries(source, path, depth + 1).items():
                        merged.setdefault(inherited, pair)
        if "<<" in own and own["<<"][0].tag == f"{_TAG}merge":
            del own["<<"]
        return {**merged, **own}

    def key(self, node: yaml.Node, path: Path) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            self.report(node.start_mark, path, "a key must be text, got a list or a mapping; replace it")
        elif node.tag not in (f"{_TAG}str", f"{_TAG}value", f"{_TAG}merge"):
            self.report(node.start_mark, path, f"a key must be text; quote it: {quoted(node.value)}")
        elif not node.value.isprintable():
            self.report(
                node.start_mark, path, f"a key must consist of printable characters, got {quoted(node.value)}"
            )
        else:
            return str(node.value)
        return None

    def merge_sources(self, node: yaml.Node, mark: yaml.Mark, path: Path, depth: int) -> Iterator[yaml.Node]:
        for source in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if isinstance(source, yaml.MappingNode):
                self.count_values(mark, path, depth, 1 + len(source.value))
                yield source
            else:
                self.report(mark, path, "expected an alias of a mapping such as *base, or a list of aliases")

    def expect_tag(self, node: yaml.Node, tag: str, mark: yaml.Mark, path: Path) -> None:
        if node.tag != f"{_TAG}{tag}":
            message = "tags (starting with !) are not supported; remove the tag or quote the text"
            self.report(mark, path, message)

    def expect_plain(self, node: yaml.ScalarNode, mark: yaml.Mark, path: Path) -> None:
        if not _PLAIN_NUMBER.fullmatch(node.value):
            message = "write the number in decimal digits, such as 10; YAML reads 010 as 8 and 1:30 as 90"
            self.report(mark, path, message)

    def report(self, mark: yaml.Mark, path: Path, message: str) -> None:
        self.problems.append(_place(self.filename, mark, path, message))

    def count_values(self, mark: yaml.Mark, path: Path, depth: int, values: int = 1) -> None:
        """Stop when aliases are recursive or expand to too many values."""
        self.remaining -= values
        if self.remaining < 0 or depth > _MAX_DEPTH:
            message = "aliases are recursive or expand to too many values; write out the values"
            raise ConfigError([_place(self.filename, mark, path[:1], message)])

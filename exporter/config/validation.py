"""From a YAML file to a frozen record, or to everything that is wrong with the file.

Whatever the record: this holds for every file that the exporter reads its settings from.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from exporter.config import yaml_source
from exporter.config.base import Record
from exporter.config.errors import ConfigError, Path, Problem, nearest, quoted, written
from exporter.config.fields import FromFile
from exporter.config.schema import example_at, field_at, names_at, record_at, secret_at
from exporter.config.yaml_source import Value

R = TypeVar("R", bound=Record)

_EXPECTED = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a number",
    "tuple_type": "a list",
    "model_type": "keys and values",
    "dict_type": "keys and values",
    "mapping_type": "keys and values",
}

_KINDS_OF_FILE = {
    stat.S_IFIFO: "FIFO",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}


class UnreadableError(Exception):
    """A file that cannot be read; says why and what to do."""


def read_bytes(path: str | os.PathLike[str], most: int) -> bytes:
    """Read at most so many bytes of a regular file; anything else could keep the reader waiting for ever.

    Raises:
        UnreadableError: it cannot be read.
    """
    try:
        _expect_regular(os.stat(path).st_mode)  # noqa: PTH116 - opening a device may do something
        # Not blocking: something else may have come in its place just now.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY), "rb") as file:
            _expect_regular(os.fstat(file.fileno()).st_mode)
            data: bytes | None = file.read(most)
    except FileNotFoundError:
        raise UnreadableError("no such file; check the path") from None
    except PermissionError:
        raise UnreadableError("no permission to read it; check its owner and mode") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UnreadableError(f"cannot be read: {reason}") from None
    if data is None:
        raise UnreadableError("has nothing to read yet; name a regular file")
    return data


def _expect_regular(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise UnreadableError("a directory; name the file in it")
    if not stat.S_ISREG(mode):
        kind = _KINDS_OF_FILE.get(stat.S_IFMT(mode), "special")
        raise UnreadableError(f"a {kind}, not a regular file; name a regular file")


def path_text(path: str | os.PathLike[str]) -> str:
    """Write a path for a message, in UTF-8 whatever the locale."""
    return os.fspath(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def read_file(root: type[R], path: str | os.PathLike[str]) -> R:
    """Read a file as a record; raises ConfigError with all that is wrong with it."""
    filename = path_text(path)
    try:
        data = read_bytes(path, yaml_source.LARGEST + 1)
    except UnreadableError as error:
        raise ConfigError([Problem(filename, 0, 0, "", str(error))]) from None
    if len(data) > yaml_source.LARGEST:
        raise ConfigError([yaml_source.too_large(filename)])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise ConfigError(
            [Problem(filename, line, column, "", "not UTF-8; save the file as UTF-8")]
        ) from None
    return read_text(root, text, filename, FilePath(path).parent)


def read_text(root: type[R], text: str, filename: str, directory: FilePath | None = None) -> R:
    """Read YAML as a record; `filename` is for the messages.

    Relative paths are relative to the directory: that of the file when not given.

    Raises ConfigError with all that is wrong, in line order.
    """
    return _Reading(root, FromFile(directory or FilePath(filename).parent)).read(text, filename)


@dataclass(frozen=True, slots=True)
class _Finding:
    """What pydantic found: where, the kind of error, and for a broken rule the value it clashes with."""

    path: Path
    kind: str
    message: str
    clash: Path | None = None


@dataclass(frozen=True, slots=True)
class _Reading(Generic[R]):
    """One reading of a file: for which record, and from where."""

    root: type[R]
    context: FromFile

    def read(self, text: str, filename: str) -> R:
        top, problems = yaml_source.read(text, filename)
        record, findings = self.validated(top.plain())
        explained = [(finding.kind, self.explained(finding, top, filename)) for finding in findings]
        # Of a number that is not plain there is more to say where something else than a number is expected.
        better = {_place(p) for kind, p in explained if kind in ("string_type", "duration_type")}
        problems = [p for p in problems if _place(p) not in better]
        known = set(map(_place, problems))
        problems += [p for _, p in explained if _place(p) not in known]
        if problems or record is None:
            # What is wrong below an anchor is wrong wherever it is used; once is enough.
            once = {(p.line, p.column, p.message): p for p in reversed(problems)}
            raise ConfigError(reversed(once.values()))
        return record

    def validated(self, data: Any) -> tuple[R | None, list[_Finding]]:
        """Validate, and where that fails look again at what is left without the broken parts.

        Rules between parts wait until the parts are sound; without the second look, putting one mistake right
        would only bring the next to light.
        """
        try:
            return self.root.model_validate(data, context=self.context), []
        except ValidationError as error:
            findings = list(_findings(error))
        if isinstance(data, dict):
            broken = {finding.path[:2] for finding in findings}
            sound, places = _sound_part(data, broken, self.root.decisive)
            try:
                self.root.model_validate(sound, context=self.context)
            except ValidationError as error:
                for more in _findings(error):
                    clash = more.clash and _moved(more.clash, places)
                    findings.append(replace(more, path=_moved(more.path, places), clash=clash))
        return None, findings

    def explained(self, finding: _Finding, top: Value, filename: str) -> Problem:
        """Put a finding in the operator's words, at its place in the file."""
        value = top.at(finding.path)
        message = self.message(finding, value)
        if finding.clash:
            message += f"; {written(finding.clash)} is on line {top.at(finding.clash).line}"
        return Problem(filename, value.line, value.column, written(self.shown(finding.path)), message)

    def shown(self, path: Path) -> Path:
        """Return the path without an entry that may be a secret itself: `name:secret` is no pair in YAML."""
        if path and field_at(self.root, path) is None and secret_at(self.root, path) and ":" in str(path[-1]):
            return path[:-1]
        return path

    def message(self, finding: _Finding, value: Value) -> str:
        match finding.kind:
            case "extra_forbidden":
                record = record_at(self.root, finding.path[:-1]) or self.root
                return f"unknown key; {nearest(str(finding.path[-1]), record.model_fields, 'the keys here')}"
            case "missing":
                return f"required; add {finding.path[-1]}: {example_at(self.root, finding.path)}"
            case "literal_error":
                names = names_at(self.root, finding.path)
                return f"unknown name {quoted(value.raw)}; {nearest(value.raw, names, 'the names')}"
            case "duration_type":
                return f"{finding.message}, {self.got(finding, value)}"
            case kind if kind in _EXPECTED:
                example = example_at(self.root, finding.path)
                such = example and f" such as {example}"
                return f"expected {_EXPECTED[kind]}{such}, {self.got(finding, value)}"
        return finding.message

    def got(self, finding: _Finding, value: Value) -> str:
        """Say what was found instead, and how to put that right; text where a secret may be is not shown."""
        field = field_at(self.root, finding.path)
        hidden = finding.kind == "model_type" or secret_at(self.root, finding.path)
        shown = "" if hidden else quoted(value.raw)
        remedy = f"; put it in quotes{shown and f': {shown}'}" if finding.kind == "string_type" else ""
        match value.data:
            case None:
                needed = field is not None and field.is_required()
                return f"got nothing; give it a value{'' if needed else ', or leave it out'}"
            case bool():
                return f"got {'a boolean' if hidden else f'the boolean {value.raw}'}{remedy}"
            case int() | float():
                return f"got {value.raw if shown else 'a number'}{remedy}"
            case str():
                return f"got {shown or 'text'}"
            case tuple():
                return "got a list"
        return "got keys and values"


def _place(problem: Problem) -> tuple[int, int, str]:
    return problem.line, problem.column, problem.key


def _findings(error: ValidationError) -> Iterator[_Finding]:
    for details in error.errors(include_url=False, include_input=False):
        path = details["loc"]
        if details["type"] == "value_error" and path[-1:] == ("[key]",):
            path = path[:-1]
        context = details.get("ctx", {})
        if details["type"] == "broken_rule":
            clash = context["clash"] and path[: len(path) - context["below"]] + context["clash"]
            yield _Finding(path, details["type"], context["message"], clash)
        else:
            yield _Finding(path, details["type"], str(context.get("error", details["msg"])))


def _sound_part(
    data: dict[str, Any], broken: set[Path], decisive: frozenset[str]
) -> tuple[dict[str, Any], dict[str, list[int]]]:
    """Return the data without its broken parts, and the places that the items of its lists had before.

    Of a list only the broken items go. With any part of what is decisive goes all that hangs on it.
    """
    gone = {str(path[0]) for path in broken if path}
    sound = {key: value for key, value in data.items() if key not in gone}
    places: dict[str, list[int]] = {}
    for key in gone:
        items = data.get(key)
        if isinstance(items, tuple) and (key,) not in broken:
            places[key] = [place for place in range(len(items)) if (key, place) not in broken]
            if places[key]:
                sound[key] = tuple(items[place] for place in places[key])
    if decisive & gone:
        sound = {key: value for key, value in sound.items() if key in decisive}
    return sound, places


def _moved(path: Path, places: dict[str, list[int]]) -> Path:
    match path:
        case (str(key), int(place), *rest) if key in places:
            return (key, places[key][place], *rest)
    return path

"""Reads a YAML file as a frozen record, or reports all problems of the file.

It is used for every configuration file of the exporter.
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
from exporter.config.errors import ConfigError, Path, Problem, quoted, written
from exporter.config.fields import FromFile
from exporter.config.schema import example_at, field_at, names_at, record_at, secret_at
from exporter.config.suggestions import nearest
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
    """A file cannot be read; the message gives the reason and the remedy."""


def read_bytes(path: str | os.PathLike[str], most: int) -> bytes:
    """Read at most this many bytes of a regular file; reading any other file could block forever.

    Raises:
        UnreadableError: the file cannot be read.
    """
    try:
        _expect_regular(os.stat(path).st_mode)  # noqa: PTH116 - opening a device may have side effects
        # Non-blocking, because the file may have been replaced since the check.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY), "rb") as file:
            _expect_regular(os.fstat(file.fileno()).st_mode)
            data: bytes | None = file.read(most)
    except FileNotFoundError:
        raise UnreadableError("the file does not exist; check the path") from None
    except PermissionError:
        raise UnreadableError("permission denied; check the owner and mode of the file") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UnreadableError(f"cannot be read: {reason}") from None
    if data is None:
        raise UnreadableError("the file is not ready for reading; specify a regular file")
    return data


def _expect_regular(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise UnreadableError("is a directory; specify a file")
    if not stat.S_ISREG(mode):
        kind = _KINDS_OF_FILE.get(stat.S_IFMT(mode), "special")
        raise UnreadableError(f"a {kind}, not a regular file; specify a regular file")


def path_text(path: str | os.PathLike[str]) -> str:
    """Format a path for a message, in UTF-8 whatever the locale is."""
    return os.fspath(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def read_file(root: type[R], path: str | os.PathLike[str]) -> R:
    """Read a file as a record; raise ConfigError with all problems."""
    filename = path_text(path)
    try:
        data = read_bytes(path, yaml_source.MAX_SIZE + 1)
    except UnreadableError as error:
        raise ConfigError([Problem(filename, 0, 0, "", str(error))]) from None
    if len(data) > yaml_source.MAX_SIZE:
        raise ConfigError([yaml_source.too_large(filename)])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise ConfigError(
            [Problem(filename, line, column, "", "the file is not valid UTF-8; save it as UTF-8")]
        ) from None
    return read_text(root, text, filename, FilePath(path).parent)


def read_text(root: type[R], text: str, filename: str, directory: FilePath | None = None) -> R:
    """Read YAML as a record; `filename` is used in messages.

    Relative paths refer to `directory`, by default that of the file.

    Raises:
        ConfigError: the text is invalid; holds all problems in line order.
    """
    return _Reading(root, FromFile(directory or FilePath(filename).parent)).read(text, filename)


@dataclass(frozen=True, slots=True)
class _Finding:
    """An error of pydantic: its path, kind and message, and the path of a conflicting value."""

    path: Path
    kind: str
    message: str
    clash: Path | None = None


@dataclass(frozen=True, slots=True)
class _Reading(Generic[R]):
    """Reads one file as a record of the given type."""

    root: type[R]
    context: FromFile

    def read(self, text: str, filename: str) -> R:
        top, problems = yaml_source.read(text, filename)
        record, findings = self.validated(top.plain())
        explained = [(finding.kind, self.explained(finding, top, filename)) for finding in findings]
        # If a field does not expect a number, that error replaces the one about the format of the number.
        better = {_place(p) for kind, p in explained if kind in ("string_type", "duration_type")}
        problems = [p for p in problems if _place(p) not in better]
        known = set(map(_place, problems))
        problems += [p for _, p in explained if _place(p) not in known]
        if problems or record is None:
            # Report a problem below an anchor only once, even if the anchor is used several times.
            once = {(p.line, p.column, p.message): p for p in reversed(problems)}
            raise ConfigError(reversed(once.values()))
        return record

    def validated(self, data: Any) -> tuple[R | None, list[_Finding]]:
        """Validate; on errors, validate again without the invalid parts.

        Rules between sections are checked only when the sections are valid. The second validation reports
        their violations too, so that the user sees all errors at once.
        """
        try:
            return self.root.model_validate(data, context=self.context), []
        except ValidationError as error:
            findings = list(_findings(error))
        if isinstance(data, dict):
            broken = {finding.path[:2] for finding in findings}
            valid, places = _valid_part(data, broken, self.root.decisive)
            try:
                self.root.model_validate(valid, context=self.context)
            except ValidationError as error:
                for more in _findings(error):
                    clash = more.clash and _original_path(more.clash, places)
                    findings.append(replace(more, path=_original_path(more.path, places), clash=clash))
        return None, findings

    def explained(self, finding: _Finding, top: Value, filename: str) -> Problem:
        """Convert a finding to a problem with a message for the operator and its location in the file."""
        value = top.at(finding.path)
        message = self.message(finding, value)
        if finding.clash:
            message += f"; {written(finding.clash)} is on line {top.at(finding.clash).line}"
        return Problem(filename, value.line, value.column, written(self.shown(finding.path)), message)

    def shown(self, path: Path) -> Path:
        """Return the path without a key that may contain a secret: `name:secret` is a single key in YAML."""
        if path and field_at(self.root, path) is None and secret_at(self.root, path) and ":" in str(path[-1]):
            return path[:-1]
        return path

    def message(self, finding: _Finding, value: Value) -> str:
        match finding.kind:
            case "extra_forbidden":
                record = record_at(self.root, finding.path[:-1]) or self.root
                return f"unknown key; {nearest(str(finding.path[-1]), record.model_fields, 'the valid keys')}"
            case "missing":
                return f"required; add {finding.path[-1]}: {example_at(self.root, finding.path)}"
            case "literal_error":
                names = names_at(self.root, finding.path)
                return f"unknown name {quoted(value.raw)}; {nearest(value.raw, names, 'the valid names')}"
            case "duration_type":
                return f"{finding.message}, {self.got(finding, value)}"
            case kind if kind in _EXPECTED:
                example = example_at(self.root, finding.path)
                such = example and f" such as {example}"
                return f"expected {_EXPECTED[kind]}{such}, {self.got(finding, value)}"
        return finding.message

    def got(self, finding: _Finding, value: Value) -> str:
        """Describe the invalid value and the remedy; never show a value that may be a secret."""
        field = field_at(self.root, finding.path)
        hidden = finding.kind == "model_type" or secret_at(self.root, finding.path)
        shown = "" if hidden else quoted(value.raw)
        remedy = f"; quote it{shown and f': {shown}'}" if finding.kind == "string_type" else ""
        match value.data:
            case None:
                required = field is not None and field.is_required()
                return f"got no value; set a value{'' if required else ' or remove the key'}"
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


def _valid_part(
    data: dict[str, Any], broken: set[Path], decisive: frozenset[str]
) -> tuple[dict[str, Any], dict[str, list[int]]]:
    """Return the data without its invalid parts, and the original indexes of the remaining list items.

    Only the invalid items of a list are removed. If a decisive field is invalid, only decisive fields remain.
    """
    invalid = {str(path[0]) for path in broken if path}
    valid = {key: value for key, value in data.items() if key not in invalid}
    places: dict[str, list[int]] = {}
    for key in invalid:
        items = data.get(key)
        if isinstance(items, tuple) and (key,) not in broken:
            places[key] = [place for place in range(len(items)) if (key, place) not in broken]
            if places[key]:
                valid[key] = tuple(items[place] for place in places[key])
    if decisive & invalid:
        valid = {key: value for key, value in valid.items() if key in decisive}
    return valid, places


def _original_path(path: Path, places: dict[str, list[int]]) -> Path:
    match path:
        case (str(key), int(place), *rest) if key in places:
            return (key, places[key][place], *rest)
    return path

"""From a file to a Config, or to everything that is wrong with the file."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Any, get_args

import yaml
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from exporter.config import source
from exporter.config.problems import ConfigError, Path, Problem, nearest, quoted, written
from exporter.config.records import Record
from exporter.config.source import Value
from exporter.config.values import COLLECTORS, FROM_YAML, Secret
from exporter.config.whole import Config

_EXPECTED = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a number",
    "tuple_type": "a list",
    "model_type": "keys and values",
    "dict_type": "keys and values",
}


def default() -> Config:
    """Return the configuration that holds without a file: one target, with AWS's default chain."""
    return Config()


def load_file(path: str | os.PathLike[str]) -> Config:
    """Read a configuration file; raises ConfigError with all that is wrong with it."""
    filename = os.fspath(path)
    try:
        with FilePath(path).open("rb") as file:
            data = file.read(source.LARGEST + 1)
    except (OSError, ValueError) as error:
        raise ConfigError([Problem(filename, 0, 0, "", _unreadable(error))]) from None
    if len(data) > source.LARGEST:
        raise ConfigError([source.too_large(filename)])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise ConfigError(
            [Problem(filename, line, column, "", "not UTF-8; save the file as UTF-8")]
        ) from None
    return load(text, filename)


def _unreadable(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file; check the path"
    if isinstance(error, IsADirectoryError):
        return "a directory; name the file in it"
    if isinstance(error, PermissionError):
        return "no permission to read it; check its owner and mode"
    return f"cannot be read: {error.strerror if isinstance(error, OSError) else error}"


def load(text: str, filename: str) -> Config:
    """Read a configuration; `filename` is for the messages.

    Raises ConfigError with all that is wrong, in line order.
    """
    root, problems = source.read(text, filename)
    config, findings = _validated(root.plain())
    known = {(p.line, p.column, p.key) for p in problems}
    explained = (_explained(finding, root, filename) for finding in findings)
    problems += [p for p in explained if (p.line, p.column, p.key) not in known]
    if problems or config is None:
        # What is wrong below an anchor is wrong wherever it is used; once is enough.
        once = {(p.line, p.column, p.message): p for p in reversed(problems)}
        raise ConfigError(reversed(once.values()))
    return config


@dataclass(frozen=True, slots=True)
class _Finding:
    """What pydantic found: where, the kind of error, and for a broken rule the value it clashes with."""

    path: Path
    kind: str
    message: str
    clash: Path | None = None


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


def _validated(data: Any) -> tuple[Config | None, list[_Finding]]:
    """Validate, and where that fails look again at what is left without the broken parts.

    Rules between parts wait until the parts are sound; without the second look, putting one mistake right
    would only bring the next to light.
    """
    try:
        return Config.model_validate(data, context=FROM_YAML), []
    except ValidationError as error:
        findings = list(_findings(error))
    if isinstance(data, dict):
        sound, places = _sound_part(data, {finding.path[:2] for finding in findings})
        try:
            Config.model_validate(sound, context=FROM_YAML)
        except ValidationError as error:
            for more in _findings(error):
                clash = more.clash and _moved(more.clash, places)
                findings.append(replace(more, path=_moved(more.path, places), clash=clash))
    return None, findings


def _sound_part(data: dict[str, Any], broken: set[Path]) -> tuple[dict[str, Any], dict[str, list[int]]]:
    """Return the data without its broken parts, and the places that the items of its lists had before.

    Of targets and expectations only the broken items go. What hangs on the targets goes with any of them.
    """
    gone = {str(path[0]) for path in broken}
    sound = {key: value for key, value in data.items() if key not in gone}
    places: dict[str, list[int]] = {}
    for key in gone & {"targets", "expectations"}:
        if (key,) not in broken:
            places[key] = [i for i in range(len(data[key])) if (key, i) not in broken]
            sound[key] = tuple(data[key][i] for i in places[key])
    if "targets" in gone:
        sound = {key: sound[key] for key in ("targets",) if sound.get(key)}
    return sound, places


def _moved(path: Path, places: dict[str, list[int]]) -> Path:
    match path:
        case (str(key), int(place), *rest) if key in places:
            return (key, places[key][place], *rest)
    return path


def _explained(finding: _Finding, root: Value, filename: str) -> Problem:
    """Put a finding in the operator's words, at its place in the file."""
    value = root.at(finding.path)
    message = _message(finding, value)
    if finding.clash:
        message += f"; {written(finding.clash)} is on line {root.at(finding.clash).line}"
    return Problem(filename, value.line, value.column, written(finding.path), message)


def _message(finding: _Finding, value: Value) -> str:
    match finding.kind:
        case "extra_forbidden":
            record = _record(finding.path[:-1]) or Config
            return f"unknown key; {nearest(str(finding.path[-1]), record.model_fields, 'the keys here')}"
        case "missing":
            return f"required; add {finding.path[-1]}: {_example(finding.path)}"
        case "literal_error":
            return f"unknown name {quoted(value.raw)}; {nearest(value.raw, COLLECTORS, 'the names')}"
        case "duration_type":
            return f"{finding.message}, {_got(finding, value)}"
        case kind if kind in _EXPECTED:
            example = _example(finding.path)
            return f"expected {_EXPECTED[kind]}{example and f' such as {example}'}, {_got(finding, value)}"
    return finding.message


def _got(finding: _Finding, value: Value) -> str:
    """Say what was found instead, and how to put that right; text where a secret may be is not shown."""
    field = _field(finding.path)
    secret = field is not None and Secret in get_args(field.annotation)
    shown = "" if secret or finding.kind == "model_type" else quoted(value.raw)
    remedy = f"; put it in quotes{shown and f': {shown}'}" if finding.kind == "string_type" else ""
    match value.data:
        case None:
            return (
                f"got nothing; give it a value{'' if field and field.is_required() else ', or leave it out'}"
            )
        case bool():
            return f"got the boolean {value.raw}{remedy}"
        case int() | float():
            return f"got {value.raw if shown else 'a number'}{remedy}"
        case str():
            return f"got {shown or 'text'}"
        case tuple():
            return "got a list"
    return "got keys and values"


def _record(path: Path) -> type[Record] | None:
    """Return the kind of record at the path, or in the list there."""
    record: type[Record] | None = Config
    for name in path:
        if isinstance(name, str):
            field = record.model_fields.get(name) if record else None
            kinds = (field.annotation, *get_args(field.annotation)) if field else ()
            record = next(
                (kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Record)), None
            )
    return record


def _field(path: Path) -> FieldInfo | None:
    record = _record(path[:-1])
    return record.model_fields.get(str(path[-1])) if record and path else None


def _example(path: Path) -> str:
    """Return what could stand at the path, as YAML; empty where nothing is known."""
    if field := _field(path):
        return str(field.examples[0]) if field.examples else ""
    if record := _record(path):
        name, first = next(iter(record.model_fields.items()))
        return f"{name}: {first.examples[0]}" if first.examples else ""
    return ""


def masked(config: Config) -> dict[str, Any]:
    """Return the configuration as plain data for people: durations like `24h`, secrets as `<secret>`."""
    return config.model_dump(mode="json")


def to_yaml(config: Config) -> str:
    """Write the configuration as YAML, as `masked` shows it."""
    return yaml.safe_dump(masked(config), sort_keys=False, allow_unicode=True)

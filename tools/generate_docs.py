"""Keeps the documents in step with the code: writes their marked parts, or tells which one is out of step.

`python -m tools.generate_docs` writes what stands between `<!-- begin generated: NAME -->` and
`<!-- end generated: NAME -->`; with `--check` it changes nothing, and fails where something would change.
"""

import argparse
import inspect
import re
import sys
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic.fields import FieldInfo

from exporter.config import Config
from exporter.config.fields import Duration, Secret
from exporter.config.sections import Record
from exporter.exposition import metrics, self_metrics
from exporter.exposition.families import Family
from exporter.model.job_kinds import KINDS, Kind

ROOT = Path(__file__).resolve().parent.parent

_PART = re.compile(r"(<!-- begin generated: (\w+) -->\n).*?(<!-- end generated: \2 -->)", re.DOTALL)
_SECTIONS = {
    "resources": ("aws_backup_resource_",),
    "fleet": tuple(kind.fleet_prefix for kind in KINDS),
    "inventory": ("aws_backup_vault_", "aws_backup_rule_", "aws_backup_plan_"),
}
_NAMES: dict[Any, str] = {bool: "true or false", int: "whole number", float: "number", str: "text"}


class OutOfStepError(Exception):
    """A document that does not say what the code says, and what to do about it."""


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Write or check the generated parts of the documents."""
    parser = argparse.ArgumentParser(prog="python -m tools.generate_docs", description=main.__doc__)
    parser.add_argument(
        "--check", action="store_true", help="change nothing, fail where something would change"
    )
    check = parser.parse_args(arguments).check
    failed = False
    for name, parts in documents().items():
        path = root / name
        try:
            before = path.read_text(encoding="utf-8")
            after = in_step(before, parts)
            if check and before != after:
                raise OutOfStepError("out of step with the code; run: python -m tools.generate_docs")
            path.write_text(after, encoding="utf-8")
        except (OSError, OutOfStepError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            failed = True
    return int(failed)


def documents() -> dict[str, dict[str, str]]:
    """Make every generated part, by document and name."""
    metric_parts = {name: _table_of_metrics(families) for name, families in _sections().items()}
    return {
        "docs/metrics.md": {"jobs": _jobs(), "unpublished": _unpublished(), **metric_parts},
        "docs/configuration.md": {"keys": "\n".join(_tables_of_keys(Config, ""))},
    }


def in_step(document: str, parts: Mapping[str, str]) -> str:
    """Put the parts between their markers.

    Raises:
        OutOfStepError: a part has no place in the document, or a place has no part.
    """
    places = [match[2] for match in _PART.finditer(document)]
    if missing := sorted(parts.keys() - set(places)):
        markers = f"<!-- begin generated: {missing[0]} --> and <!-- end generated: {missing[0]} -->"
        raise OutOfStepError(f"no place for {', '.join(missing)}; add {markers}")
    if unknown := sorted(set(places) - parts.keys()):
        raise OutOfStepError(f"nothing is generated for {', '.join(unknown)}; remove the markers")
    return _PART.sub(lambda match: f"{match[1]}\n{parts[match[2]]}\n{match[3]}", document)


def _sections() -> dict[str, list[Family]]:
    """Sort the metrics that are not of one job into sections, by the beginning of their names."""
    of_one_job = {family.name for kind in KINDS for family in metrics.job_families(kind)}
    sections: dict[str, list[Family]] = {}
    for family in (*metrics.families(), *self_metrics.families()):
        if family.name not in of_one_job:
            found = (name for name, beginnings in _SECTIONS.items() if family.name.startswith(beginnings))
            sections.setdefault(next(found, "exporter"), []).append(family)
    return sections


def _jobs() -> str:
    return "\n".join(
        f"### {_noun(kind)}\n\n{_table_of_metrics(metrics.job_families(kind))}" for kind in KINDS
    )


def _noun(kind: Kind) -> str:
    return f"A {kind.name} job"


def _table_of_metrics(families: Sequence[Family]) -> str:
    shared = [label for label in families[0].labels if all(label in family.labels for family in families)]
    rows = (
        (_code(family.name), family.type, _codes(set(shared), family.labels), family.help)
        for family in families
    )
    if not shared:
        return _table(("Metric", "Type", "Labels", "Meaning"), rows)
    intro = f"Each carries {', '.join(map(_code, shared))}.\n\n"
    return intro + _table(("Metric", "Type", "More labels", "Meaning"), rows)


def _codes(known: set[str], labels: Iterable[str]) -> str:
    return ", ".join(_code(label) for label in labels if label not in known)


def _unpublished() -> str:
    return "\n".join(
        f"`{kind.describe_operation}`:\n\n"
        + _table(("Field", "Why not"), ((_code(name), why) for name, why in kind.unpublished.items()))
        for kind in KINDS
        if kind.unpublished
    )


def _tables_of_keys(record: type[Record], path: str) -> Iterator[str]:
    """Make a table for the record and one for each record below it."""
    rows, below = [], []
    defaults = record.model_construct().model_dump(mode="json", warnings=False)
    annotations = inspect.get_annotations(record)
    for key, field in record.model_fields.items():
        inner = _record_in(annotations[key])
        if inner:
            below.append((inner, f"{path}{key}{'[]' if get_origin(field.annotation) is tuple else ''}"))
        default = _default(field, defaults.get(key), below=inner is not None)
        example = ", ".join(_code(str(example)) for example in field.examples or () if not inner)
        rows.append((_code(key), _kind_of_value(annotations[key]), default, field.description or "", example))
    title = f"### `{path}`" if path else "### The top level"
    yield f"{title}\n\n{_summary(record)}\n\n" + _table(
        ("Key", "Type", "Default", "Meaning", "Example"), rows
    )
    for inner, inner_path in below:
        yield from _tables_of_keys(inner, inner_path)


def _summary(record: type[Record]) -> str:
    return (inspect.getdoc(record) or "").partition("\n")[0]


def _default(field: FieldInfo, value: object, *, below: bool) -> str:
    if field.is_required():
        return "required"
    if below:
        return "see below"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return _code(yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix("...\n").strip())


def _record_in(annotation: Any) -> type[Record] | None:
    if isinstance(annotation, type) and issubclass(annotation, Record):
        return annotation
    return next(filter(None, map(_record_in, get_args(annotation))), None)


def _kind_of_value(annotation: Any) -> str:
    """Say in words what may stand there."""
    inner = get_args(annotation)
    match get_origin(annotation):
        case origin if origin is Annotated:
            return _kind_of_annotated(annotation)
        case origin if origin in (Union, types.UnionType):
            return " or ".join(map(_kind_of_value, inner))
        case origin if origin is tuple:
            return f"list of {_kind_of_value(inner[0])}"
        case origin if origin is Literal:
            return ", ".join(map(_code, inner))
        case origin if origin is Mapping:
            return "text by name"
    if annotation is type(None):
        return "null"
    return _NAMES.get(annotation, "keys below")


def _kind_of_annotated(annotation: Any) -> str:
    inner, *rules = get_args(annotation)
    for known, name in ((Duration, "duration"), (Secret, "secret text")):
        known_inner, *known_rules = get_args(known)
        if inner is known_inner and rules[: len(known_rules)] == known_rules:
            return name
    return _kind_of_value(inner)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = (head, ["---"] * len(head), *rows)
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def _code(text: str) -> str:
    return f"`{text}`"


if __name__ == "__main__":
    sys.exit(main())

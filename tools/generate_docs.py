"""Generates files, and marked sections of documents and templates, from the code, or checks them.

`python -m tools.generate_docs` replaces the text between `<!-- begin generated: NAME -->` and
`<!-- end generated: NAME -->`, in templates between `# begin generated: NAME` and `# end generated: NAME`. It
writes the files in `deploy/aws/policies/` and `deploy/data/`. With `--check` it changes nothing and fails if
something is out of date.
"""

import argparse
import inspect
import json
import re
import sys
import textwrap
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic.fields import FieldInfo

from exporter.config import Config, ResourceInventory
from exporter.config.fields import Duration, DurationOrZero, Secret
from exporter.config.sections import Record
from exporter.doctor import actions
from exporter.exposition import metrics, self_metrics
from exporter.exposition.job_metrics import job_families
from exporter.exposition.metric_types import Family
from exporter.model.job_kinds import KINDS
from exporter.model.kind import Kind
from tools import command_files, iam_policies
from tools.chart_values import read_values

ROOT = Path(__file__).resolve().parent.parent
CHART = "deploy/helm/aws-backup-exporter"

TEMPLATES = "deploy/aws/cloudformation"

_PART = re.compile(
    r"(?P<begin><!-- begin generated: (?P<name>\w+) -->\n).*?(?P<end><!-- end generated: (?P=name) -->)",
    re.DOTALL,
)
_BLOCK = re.compile(
    r"^(?P<begin>(?P<indent> *)# begin generated: (?P<name>\w+)\n)"
    r".*?"
    r"(?P<end>^ *# end generated: (?P=name)\n)",
    re.DOTALL | re.MULTILINE,
)
_SECTIONS = {
    "running": ("aws_backup_running_",),
    "resources": ("aws_backup_resource_",),
    "fleet": tuple(kind.fleet_prefix for kind in KINDS),
    "inventory": ("aws_backup_vault_", "aws_backup_rule_", "aws_backup_plan_"),
}
_NAMES: dict[Any, str] = {bool: "true or false", int: "whole number", float: "number", str: "text"}


_JSON_TYPES = {bool: "bool", int: "int", str: "string", list: "list", dict: "object"}


class OutOfDateError(Exception):
    """A document is out of date; the message gives the remedy."""


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Write or check the generated files and sections of the documentation."""
    parser = argparse.ArgumentParser(prog="python -m tools.generate_docs", description=main.__doc__)
    parser.add_argument(
        "--check", action="store_true", help="change nothing; fail if a document is out of date"
    )
    check = parser.parse_args(arguments).check
    failed = False
    for name, render in _renderers().items():
        try:
            _write(root / name, render, check=check)
        except (OSError, OutOfDateError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            failed = True
    return int(failed)


def _write(path: Path, change: Callable[[str], str], *, check: bool) -> None:
    before = path.read_text(encoding="utf-8")
    after = change(before)
    if check and before != after:
        raise OutOfDateError("out of date; run: python -m tools.generate_docs")
    path.write_text(after, encoding="utf-8")


def _renderers() -> dict[str, Callable[[str], str]]:
    """Return, by file, the function that brings its text up to date."""
    in_documents = {name: partial(update, parts=parts) for name, parts in documents().items()}
    in_templates = {name: partial(update, parts=parts, markers=_BLOCK) for name, parts in templates().items()}
    in_command = {name: partial(_replace, after=text) for name, text in command_files.files().items()}
    policies = {
        f"deploy/aws/policies/{name}": partial(_replace, after=text)
        for name, text in iam_policies.policy_files().items()
    }
    return {**in_documents, **in_templates, **in_command, **policies}


def documents() -> dict[str, dict[str, str]]:
    """Return the generated sections by document and name."""
    metric_parts = {name: _table_of_metrics(families) for name, families in _sections().items()}
    account = iam_policies.read_statement("ReadAwsBackup")
    return {
        "docs/metrics.md": {"jobs": _jobs(), "unpublished": _unpublished(), **metric_parts},
        "docs/configuration.md": {"keys": "\n".join(_tables_of_keys(Config, ""))},
        "docs/iam.md": {
            "policy": _policy(account),
            "actions": _table_of_actions(),
            "regions": _policy(
                iam_policies.read_statement(
                    "ReadAwsBackupInTwoRegions",
                    {"StringEquals": {"aws:RequestedRegion": ["eu-west-1", "us-east-1"]}},
                )
            ),
            "organization": _policy(*iam_policies.organization_statements()),
        },
        "README.md": {"policy": _policy(account)},
        f"{CHART}/README.md": {"values": _table_of_values()},
    }


def templates() -> dict[str, dict[str, str]]:
    """Return the generated blocks by template and name."""
    as_yaml = {name: _yaml_list(names) for name, names in _action_lists().items()}
    in_member = {name: as_yaml[name] for name in ("account_actions", "inventory_actions")}
    member_name = f"{TEMPLATES}/member-role.yaml"
    member = update((ROOT / member_name).read_text(encoding="utf-8"), in_member, _BLOCK)
    without_markers = re.sub(r"^ *# (begin|end) generated: .*\n", "", member, flags=re.MULTILINE)
    return {
        member_name: in_member,
        f"{TEMPLATES}/exporter-role.yaml": {**as_yaml, "member_template": without_markers},
        "deploy/aws/terraform/actions.tf": {
            name: f"{name} = {json.dumps(names, indent=2)}\n".replace('"\n]', '",\n]')
            for name, names in _action_lists().items()
        },
    }


def _action_lists() -> dict[str, list[str]]:
    return {
        "account_actions": iam_policies.account_actions(),
        "inventory_actions": iam_policies.inventory_actions(),
        "organization_actions": iam_policies.accounts_actions(),
    }


def _yaml_list(items: Iterable[str]) -> str:
    return "".join(f"- {item}\n" for item in items)


def _replace(_before: str, after: str) -> str:
    return after


def update(document: str, parts: Mapping[str, str], markers: re.Pattern[str] = _PART) -> str:
    """Insert the sections between their markers, in templates with the indentation of the markers.

    Raises:
        OutOfDateError: the document lacks the markers of a section, or has markers without a section.
    """
    places = [match["name"] for match in markers.finditer(document)]
    if missing := sorted(parts.keys() - set(places)):
        opening, closing = ("# ", "") if markers is _BLOCK else ("<!-- ", " -->")
        both = " and ".join(f"{opening}{end} generated: {missing[0]}{closing}" for end in ("begin", "end"))
        raise OutOfDateError(f"missing markers for {', '.join(missing)}; add {both}")
    if unknown := sorted(set(places) - parts.keys()):
        raise OutOfDateError(f"unknown sections {', '.join(unknown)}; remove their markers")
    return markers.sub(lambda match: f"{match['begin']}{_body(match, parts)}{match['end']}", document)


def _body(match: re.Match[str], parts: Mapping[str, str]) -> str:
    text = parts[match["name"]]
    indent = match.groupdict().get("indent")
    return f"\n{text}\n" if indent is None else textwrap.indent(text, indent)


def _sections() -> dict[str, list[Family]]:
    """Group the metrics that are not per job into sections by the prefix of their names."""
    of_one_job = {family.name for kind in KINDS for family in job_families(kind)}
    sections: dict[str, list[Family]] = {}
    for family in (*metrics.families(), *self_metrics.families()):
        if family.name not in of_one_job:
            found = (name for name, prefixes in _SECTIONS.items() if family.name.startswith(prefixes))
            sections.setdefault(next(found, "exporter"), []).append(family)
    return sections


def _jobs() -> str:
    return "\n".join(f"### {_noun(kind)}\n\n{_table_of_metrics(job_families(kind))}" for kind in KINDS)


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


def _policy(*statements: iam_policies.Statement) -> str:
    return f"```json\n{iam_policies.policy(*statements)}```\n"


def _table_of_actions() -> str:
    needed = actions(Config(inventory=ResourceInventory(enabled=True)))
    rows = ((_code(collector), _codes(set(), names)) for collector, names in needed.items())
    return _table(("Collector", "Actions"), rows)


def _tables_of_keys(record: type[Record], path: str) -> Iterator[str]:
    """Yield a table for the record and one for each nested record."""
    rows, below = [], []
    defaults = record.model_construct().model_dump(mode="json", warnings=False)
    annotations = inspect.get_annotations(record)
    for key, field in record.model_fields.items():
        inner = _record_in(annotations[key])
        if inner:
            items = "[]" if get_origin(field.annotation) is tuple else ""
            below.append((inner, f"{path}.{key}{items}".removeprefix(".")))
        default = _default(field, defaults.get(key), below=inner is not None)
        example = ", ".join(_code(str(example)) for example in field.examples or () if not inner)
        rows.append((_code(key), _kind_of_value(annotations[key]), default, field.description or "", example))
    title = f"### `{path}`" if path else "### The top level"
    yield f"{title}\n\n{_summary(record)}\n\n" + _table(
        ("Key", "Type", "Default", "Meaning", "Example"), rows
    )
    for inner, inner_path in below:
        yield from _tables_of_keys(inner, inner_path)


def _table_of_values() -> str:
    values = read_values((ROOT / CHART / "values.yaml").read_text(encoding="utf-8"))
    rows = (
        (value.path, _JSON_TYPES[type(value.default)], _code(json.dumps(value.default)), value.description)
        for value in values
    )
    return _table(("Key", "Type", "Default", "Description"), rows)


def _summary(record: type[Record]) -> str:
    return (inspect.getdoc(record) or "").partition("\n")[0]


def _default(field: FieldInfo, value: object, *, below: bool) -> str:
    if field.is_required():
        return "required"
    if below and value is not None:
        return "see below"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return _code(yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix("...\n").strip())


def _record_in(annotation: Any) -> type[Record] | None:
    if isinstance(annotation, type) and issubclass(annotation, Record):
        return annotation
    return next(filter(None, map(_record_in, get_args(annotation))), None)


def _kind_of_value(annotation: Any) -> str:
    """Describe the type of a value in words."""
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
    for known, name in (
        (Duration, "duration"),
        (DurationOrZero, "duration or `0s`"),
        (Secret, "secret text"),
    ):
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

"""The parts of the documents that are made from the code."""

import shutil
from pathlib import Path

import pytest

from exporter.exposition import metric_types, metrics, self_metrics
from tests.docs.markdown import ROOT, document
from tools import command_files, generate_docs

METRICS = "docs/metrics.md"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the documents that a test may spoil."""
    for folder in ("docs", "deploy/aws"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for name in ("README.md", f"{generate_docs.CHART}/README.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / command_files.DATA, tmp_path / command_files.DATA)
    return tmp_path


def test_documents_are_up_to_date() -> None:
    """What the documents say of metrics and settings is what the code says."""
    assert generate_docs.main(["--check"]) == 0


def test_check_names_file_and_remedy(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A document out of step fails the check, which names it and what to run."""
    path = copy / METRICS
    path.write_text(path.read_text().replace("aws_backup_up", "aws_backup_down"))

    assert generate_docs.main(["--check"], copy) == 1
    assert capsys.readouterr().err == ("docs/metrics.md: out of date; run: python -m tools.generate_docs\n")


def test_check_changes_nothing(copy: Path) -> None:
    """The check leaves a document as it is."""
    path = copy / METRICS
    spoiled = path.read_text().replace("aws_backup_up", "aws_backup_down")
    path.write_text(spoiled)

    generate_docs.main(["--check"], copy)

    assert path.read_text() == spoiled


def test_writing_updates_documents(copy: Path) -> None:
    """Without --check the generated parts are written anew, and the rest stays."""
    path = copy / METRICS
    sound = path.read_text()
    path.write_text(sound.replace("| `aws_backup_up`", "| `aws_backup_down`"))

    assert generate_docs.main([], copy) == 0
    assert path.read_text() == sound


def test_every_document_is_checked(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A document that is missing does not keep the others from being checked."""
    (copy / METRICS).unlink()
    path = copy / "docs/configuration.md"
    path.write_text(path.read_text().replace("`24h`", "`25h`"))

    assert generate_docs.main(["--check"], copy) == 1
    assert [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()] == [
        METRICS,
        "docs/configuration.md",
    ]


def test_a_policy_is_checked(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A policy that differs from what the exporter calls fails the check."""
    path = copy / "deploy/aws/policies/account.json"
    path.write_text(path.read_text().replace("backup:ListFrameworks", "backup:*"))

    assert generate_docs.main(["--check"], copy) == 1
    assert capsys.readouterr().err.startswith("deploy/aws/policies/account.json: out of date")


def test_a_template_is_checked(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A list of actions in a template that differs from what the exporter calls fails the check."""
    path = copy / "deploy/aws/cloudformation/member-role.yaml"
    path.write_text(path.read_text().replace("- backup:ListFrameworks\n", "- backup:*\n"))

    assert generate_docs.main(["--check"], copy) == 1
    assert capsys.readouterr().err.startswith("deploy/aws/cloudformation/member-role.yaml: out of date")


def test_part_without_place() -> None:
    """A part that a document has no place for is an error that says which markers to add."""
    with pytest.raises(generate_docs.OutOfDateError) as error:
        generate_docs.update("# Metrics\n", {"fleet": "a table"})

    assert str(error.value) == (
        "missing markers for fleet; add <!-- begin generated: fleet --> and <!-- end generated: fleet -->"
    )


def test_place_without_part() -> None:
    """A place for which nothing is generated is an error that names it."""
    with pytest.raises(generate_docs.OutOfDateError) as error:
        generate_docs.update("<!-- begin generated: moon -->\n<!-- end generated: moon -->\n", {})

    assert str(error.value) == "unknown sections moon; remove their markers"


@pytest.mark.parametrize(
    "family", [*metrics.families(), *self_metrics.families()], ids=lambda family: family.name
)
def test_every_metric_has_a_row(family: metric_types.Family) -> None:
    """A metric has exactly one row, with its type and what it means."""
    rows = [line for line in document(METRICS).splitlines() if line.startswith(f"| `{family.name}` |")]

    assert len(rows) == 1
    assert f"| {family.type} |" in rows[0]
    assert family.help.replace("|", r"\|") in rows[0]


@pytest.mark.parametrize(
    ("key", "cells"),
    [
        ("window", "duration | `24h`"),
        ("requests_per_second", "number | `10`"),
        ("enabled", "true or false | `true`"),
        ("max_jobs", "whole number | `20000`"),
        ("external_id", "secret text or null | `null`"),
        ("organization", "keys below or null | `null`"),
        ("idle_refresh", "duration or `0s` | `1m`"),
        ("regions", "list of text | `[]`"),
        ("labels", "text by name | `{}`"),
        ("resource_arn", "text | required"),
    ],
)
def test_settings_in_words(key: str, cells: str) -> None:
    """A setting's type and default are written the way people write them."""
    assert f"\n| `{key}` | {cells} |" in document("docs/configuration.md")

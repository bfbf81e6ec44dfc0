"""Prometheus' and Alertmanager's own programs accept the rules, their tests and the examples."""

import json
import re
import shutil
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.docs.markdown import ROOT, links
from tests.e2e.http import ask
from tests.e2e.process import until
from tests.e2e.prometheus import serving
from tests.rules.checks import RULES, read
from tests.support.programs import PROMETHEUS_VERSIONS, require, require_prometheus

PROMETHEUS, ALERTMANAGER = ROOT / "prometheus", ROOT / "alertmanager"
UNIT_TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))
CONFIGS = [PROMETHEUS / "prometheus.yml", *sorted((PROMETHEUS / "examples").glob("*.yml"))]


def run(*command: str | Path) -> str:
    """Run a program that must succeed; gives what it said."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


EACH_VERSION = pytest.mark.parametrize("version", PROMETHEUS_VERSIONS)


@EACH_VERSION
@pytest.mark.parametrize("path", UNIT_TESTS, ids=lambda path: path.stem)
def test_alerts_fire_and_resolve(path: Path, version: str) -> None:
    """The rules' unit tests pass."""
    assert "SUCCESS" in run(require_prometheus("promtool", version), "test", "rules", path)


@EACH_VERSION
def test_rules_are_sound(version: str) -> None:
    """Promtool finds nothing wrong with the rules."""
    run(require_prometheus("promtool", version), "check", "rules", "--lint-fatal", RULES)


@EACH_VERSION
def test_rules_are_loaded(version: str, tmp_path: Path) -> None:
    """A running Prometheus loads every rule, and evaluates each without an error.

    The groups do not wait for their own intervals here.
    """
    hurried = tmp_path / RULES.name
    hurried.write_text(re.sub(r"^    interval: .*\n", "", RULES.read_text(), flags=re.MULTILINE))
    config = {"global": {"evaluation_interval": "1s"}, "rule_files": [str(hurried)]}
    with serving(require_prometheus("prometheus", version), tmp_path, config) as address:
        rules = partial(_loaded, address)
        until(lambda: all(rule["lastEvaluation"] > "1" for rule in rules()), every=0.5)
        assert {rule["name"]: rule.get("lastError", "") for rule in rules() if rule["health"] != "ok"} == {}
        assert len(rules()) == len(read())


def _loaded(address: str) -> list[dict[str, Any]]:
    groups = ask(address, "/api/v1/rules").json["data"]["groups"]
    return [rule for group in groups for rule in group["rules"]]


@EACH_VERSION
@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_scrape_examples_are_sound(path: Path, version: str, tmp_path: Path) -> None:
    """Promtool finds nothing wrong with a configuration, once the files that it names are there."""
    copied = shutil.copytree(PROMETHEUS, tmp_path / "prometheus") / path.relative_to(PROMETHEUS)
    for name in ("ca.crt", "password"):
        (copied.parent / name).touch()
    run(require_prometheus("promtool", version), "check", "config", copied)


def test_alertmanager_example_is_sound() -> None:
    """Amtool finds nothing wrong with the configuration, and it finds the template."""
    said = run(require("amtool"), "check-config", ALERTMANAGER / "alertmanager.yml")
    assert "1 templates" in said


ROUTES = {
    "severity=critical": "pager",
    "severity=warning": "tickets",
    "severity=none": "nobody",
}


@pytest.mark.parametrize("labels", ROUTES)
def test_alerts_reach_whom_they_concern(labels: str) -> None:
    """Severity decides who hears of an alert."""
    routes = ("config", "routes", "test", f"--config.file={ALERTMANAGER / 'alertmanager.yml'}", labels)
    assert run(require("amtool"), *routes).strip() == ROUTES[labels]


LABELS = {"alertname": "AwsBackupMissed", "aws_region": "eu-west-1"}


def _alert(status: str, summary: str) -> dict[str, object]:
    texts = {
        "summary": summary,
        "description": "It ended as FAILED.",
        "runbook_url": "https://example.com/#x",
    }
    return {"status": status, "labels": LABELS, "annotations": texts, "startsAt": "2026-01-01T00:00:00Z"}


def test_the_template_says_all(tmp_path: Path) -> None:
    """A message has alert and Region in its title, and each alert's texts; one that ended is short."""
    data = tmp_path / "data.json"
    alerts = [_alert("firing", "orders missed its backup"), _alert("resolved", "ledger missed its backup")]
    shared = {"groupLabels": LABELS, "commonLabels": LABELS, "status": "firing"}
    data.write_text(json.dumps({**shared, "alerts": alerts}))

    said = run(
        require("amtool"),
        *("template", "render", f"--template.glob={ALERTMANAGER / '*.tmpl'}", f"--template.data={data}"),
        '--template.text={{ template "aws_backup.title" . }}|{{ template "aws_backup.text" . }}',
    )

    assert said.rstrip().split("|") == [
        "[FIRING: 1] AwsBackupMissed in eu-west-1",
        "orders missed its backup\nIt ended as FAILED.\nRunbook: https://example.com/#x\n\n"
        "Resolved: ledger missed its backup",
    ]


def test_links_of_the_readme_lead_somewhere() -> None:
    """Every file that the readme of the rules points to is there."""
    for link in links((PROMETHEUS / "README.md").read_text(encoding="utf-8")):
        assert (PROMETHEUS / link.partition("#")[0]).exists(), link

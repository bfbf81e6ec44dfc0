"""The alert rules speak of what the exporter has, and tell an operator what to do."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from exporter.aws.service_errors import THROTTLING
from exporter.exposition.plan_metrics import RAN_EMPTY
from exporter.model.job_kinds import BACKUP, COPY, RESTORE, SCAN
from tests.docs.markdown import document
from tests.rules.checks import RULES, Rule, faults, load, read, rules_of
from tests.support.promql import known_metrics, selectors

TESTS = RULES.parents[1] / "tests"

Change = Callable[[dict[str, Any]], object]


def runbook() -> str:
    """The document that the alerts lead to."""
    return document("docs/runbooks.md")


def test_rules_have_no_faults() -> None:
    """Every metric, label, state and annotation is there, and every runbook section."""
    assert faults(read(), known_metrics(), runbook()) == []


def test_a_metric_that_the_exporter_renames_is_a_fault() -> None:
    """Rules that speak of a metric by the name it had before are told, each by its name."""
    without = {name: labels for name, labels in known_metrics().items() if name != RAN_EMPTY.name}

    found = faults(read(), without, runbook())

    assert found == [f"AwsBackupRuleRanEmpty: no metric {RAN_EMPTY.name}"]


def test_a_label_that_the_exporter_renames_is_a_fault() -> None:
    """So it is with a label, in a query and in a text."""
    without = {name: labels - {"vault_name"} for name, labels in known_metrics().items()}

    found = faults(read(), without, runbook())

    assert "AwsBackupVaultUnlocked: no metric here has a label vault_name" in found
    assert "AwsBackupVaultUnlocked: its texts name a label that it does not have: vault_name" in found


def _replace(key: str, old: str, new: str) -> Change:
    def change(rule: dict[str, Any]) -> None:
        part = rule if key in rule else rule["annotations"]
        assert old in part[key]
        part[key] = part[key].replace(old, new)

    return change


MUTATIONS: dict[str, tuple[str, Change, list[str]]] = {
    "metric": (
        "AwsBackupVaultUnlocked",
        _replace("expr", "aws_backup_vault_locked", "aws_backup_vault_lock"),
        [
            *["no metric aws_backup_vault_lock"] * 2,
            "no metric here has a label aws_account_id",
            "no metric here has a label aws_region",
            "no metric here has a label vault_name",
            "its texts name a label that it does not have: aws_account_id",
            "its texts name a label that it does not have: aws_region",
            "its texts name a label that it does not have: vault_name",
        ],
    ),
    "label in a selector": (
        "AwsBackupThreatsFound",
        _replace("expr", "scan_result_status", "scan_status"),
        ["aws_backup_resource_scan_last_ended_job_info has no label scan_status"],
    ),
    "label in a join": (
        "AwsBackupNotRecent",
        _replace("expr", "resource_arn", "arn"),
        ["no metric here has a label arn"],
    ),
    "state": (
        "AwsBackupCopyFailed",
        _replace("expr", "FAILED|PARTIAL", "FAILED|PARTAL"),
        ["state is never PARTAL"],
    ),
    "record": (
        "AwsBackupJobFailed",
        _replace("expr", "unsuccessful_job", "failed_job"),
        [
            "no metric aws_backup:resource_failed_job:ended_timestamp_seconds",
            "its texts name a label that it does not have: aws_account_id",
            "its texts name a label that it does not have: aws_region",
            "its texts name a label that it does not have: resource_arn",
            "its texts name a label that it does not have: resource_name",
            "its texts name a label that it does not have: resource_type",
        ],
    ),
    "query in a text": (
        "AwsBackupTargetFailing",
        _replace("description", "requests_total", "request_total"),
        ["no metric aws_backup_exporter_api_request_total", "no metric here has a label code"],
    ),
    "label in a text": (
        "AwsBackupReloadFailed",
        _replace("summary", "$labels.instance", "$labels.host"),
        ["its texts name a label that it does not have: host"],
    ),
    "no for": (
        "AwsBackupExporterDown",
        lambda rule: rule.pop("for"),
        ["one missed scrape may fire it: needs a longer `for`"],
    ),
    "short for": (
        "AwsBackupExporterDown",
        lambda rule: rule.update({"for": "30s"}),
        ["one missed scrape may fire it: needs a longer `for`"],
    ),
    "no severity": (
        "AwsBackupExporterDown",
        lambda rule: rule.pop("labels"),
        ["severity is none of critical, none, warning"],
    ),
    "other severity": (
        "AwsBackupExporterDown",
        lambda rule: rule.update(labels={"severity": "page"}),
        ["severity is none of critical, none, warning"],
    ),
    "no description": (
        "AwsBackupExporterDown",
        lambda rule: rule["annotations"].pop("description"),
        ["has no description"],
    ),
    "no name": (
        "AwsBackupMissed",
        _replace("summary", "{{ $labels.resource_name }}", "A resource"),
        ["its summary does not name the resource"],
    ),
    "no runbook": (
        "AwsBackupExporterDown",
        lambda rule: rule["annotations"].pop("runbook_url"),
        ["has no runbook_url"],
    ),
    "another's runbook": (
        "AwsBackupExporterDown",
        _replace("runbook_url", "awsbackupexporterdown", "awsbackupmissed"),
        ["its runbook_url leads elsewhere"],
    ),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_spoiled_rule_is_told(mutation: str) -> None:
    """A rule with one thing wrong has just that fault, by the rule's name."""
    name, spoil, told = MUTATIONS[mutation]
    spoiled = load()
    [rule] = [rule for group in spoiled["groups"] for rule in group["rules"] if Rule(rule).name == name]
    spoil(rule)

    assert faults(rules_of(spoiled), known_metrics(), runbook()) == [f"{name}: {fault}" for fault in told]


def test_an_alert_without_a_section_is_told() -> None:
    """A section that leaves the runbook leaves a fault."""
    text = runbook().replace("## AwsBackupMissed\n", "## Missed\n")

    assert faults(read(), known_metrics(), text) == ["AwsBackupMissed: the runbook has no section for it"]


def test_every_alert_is_tested_with_its_texts() -> None:
    """A unit test expects each alert to fire, with its labels and texts."""
    tests = [test for path in TESTS.glob("*.yml") for test in load(path)["tests"]]
    fired = {
        case["alertname"]
        for test in tests
        for case in test.get("alert_rule_test", ())
        if case.get("exp_alerts")
    }

    assert fired == {rule.name for rule in read() if rule.is_alert}


def test_failures_are_all_states_but_success() -> None:
    """Rules take each state in which a job ends for a failure, unless it succeeded or somebody stopped it."""
    named: dict[str, set[str]] = {}
    for rule in read():
        for selector in selectors(rule.expression):
            for matcher in (matcher for matcher in selector.matchers if matcher.label == "state"):
                named.setdefault(selector.metric, set()).update(matcher.value.split("|"))

    assert named == {
        UNSUCCESSFUL: BACKUP.terminal - {"COMPLETED"},
        "aws_backup_resource_last_ended_job_info": BACKUP.terminal,
        "aws_backup_resource_copy_last_ended_job_info": COPY.terminal - {"COMPLETED"},
        "aws_backup_resource_restore_last_ended_job_info": RESTORE.terminal - {"COMPLETED", "ABORTED"},
        "aws_backup_resource_scan_last_ended_job_info": SCAN.terminal - {"COMPLETED", "CANCELED"},
    }


UNSUCCESSFUL = "aws_backup:resource_unsuccessful_job:ended_timestamp_seconds"


def test_throttling_is_what_the_exporter_takes_for_it() -> None:
    """The alert knows every code by which AWS says that too much is asked of it."""
    [rule] = [rule for rule in read() if rule.name == "AwsBackupThrottled"]
    [codes] = re.findall(r'code=~"([^"]+)"', rule.expression)

    assert set(codes.split("|")) == THROTTLING

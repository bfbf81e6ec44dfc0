"""The rules work at each evaluation interval, with labels of their own, and in each Prometheus."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.rules.checks import RULES
from tests.rules.test_programs import run
from tests.support.programs import PROMETHEUS_VERSIONS, require_prometheus

INTERVALS = ("15s", "1m", "5m")
RESOURCE = (
    'aws_account_id="1",aws_region="r",resource_arn="arn:orders",resource_name="orders",resource_type="RDS"'
)
RULE = f'{RESOURCE},plan_id="p",plan_name="plan",rule_id="monthly",rule_name="monthly",vault_name="prod"'
COPY = f'{RESOURCE},destination_vault_arn="arn:dr"'
RUNNING = f'{RESOURCE},job_id="j",vault_name="prod"'
OF_THE_SCRAPE = 'job="aws-backup",instance="a:1"'
TIMES = ("20m", "40m", "60m", "80m")
Test = dict[str, Any]


def series(name: str, labels: str, values: str) -> dict[str, str]:
    """Write one input series of a test."""
    return {"series": f"aws_backup_{name}{{{OF_THE_SCRAPE},{labels}}}", "values": values}


def ended(state: str, values: str) -> dict[str, str]:
    """Write the newest finished backup job of a resource."""
    return series("resource_last_ended_job_info", f'{RESOURCE},job_id="{state}",state="{state}"', values)


def firing(alert: str, times: Sequence[str], count: int = 1) -> list[dict[str, Any]]:
    """Expect so many alerts at each of some times."""
    samples = [{"labels": "{}", "value": count}] if count else []
    query = f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})'
    return [{"expr": query, "eval_time": minutes, "exp_samples": samples} for minutes in times]


RESTARTS: Test = {
    "name": "alerts stay while the exporter restarts, and resolve when the cause is gone",
    "interval": "1m",
    "input_series": [
        ended("FAILED", "1x29 stale _x3 1x60 stale"),
        ended("COMPLETED", "_x95 1x60"),
        series("resource_last_ended_timestamp_seconds", RESOURCE, "-60x29 stale _x3 -60x60 5700x60"),
        series(
            "resource_last_success_timestamp_seconds", RESOURCE, "-180000x29 stale _x3 -180000x60 5700x60"
        ),
        series("resource_due_timestamp_seconds", RESOURCE, "-7200x29 stale _x5 -7200x58 178500x60"),
        series("resource_rule_due_timestamp_seconds", RULE, "-7200x29 stale _x5 -7200x58 178500x60"),
        series("resource_copy_due_timestamp_seconds", COPY, "-7200x29 stale _x5 -7200x58 178500x60"),
        series("running_job_overdue_timestamp_seconds", RUNNING, "-7200x29 stale _x5 -7200x58 stale"),
        series("running_job_last_progress_timestamp_seconds", RUNNING, "-30000x29 stale _x5 -30000x58 stale"),
    ],
    "promql_expr_test": [
        *firing("AwsBackupJobFailed", TIMES),
        *firing("AwsBackupJobOverdue", TIMES),
        *firing("AwsBackupJobStalled", TIMES),
        *firing("AwsBackupMissed", ("75m", "90m")),
        *firing("AwsBackupRuleMissed", ("75m", "90m")),
        *firing("AwsBackupCopyMissing", ("75m", "90m")),
        *(
            test
            for alert in ("JobFailed", "JobOverdue", "JobStalled", "Missed", "RuleMissed", "CopyMissing")
            for test in firing(f"AwsBackup{alert}", ["125m"], 0)
        ),
    ],
}
NEXT_JOB_RUNS: Test = {
    "name": "a failure stays while the next job runs",
    "interval": "1m",
    "input_series": [
        ended("FAILED", "1x90"),
        series("resource_last_ended_timestamp_seconds", RESOURCE, "-60x90"),
        series("resource_last_job_state", f'{RESOURCE},state="FAILED"', "1x29 0x60"),
        series("resource_last_job_state", f'{RESOURCE},state="RUNNING"', "0x29 1x60"),
    ],
    "promql_expr_test": firing("AwsBackupJobFailed", TIMES),
}


class Case(NamedTuple):
    """Tests and the names of the groups with the rules that they need."""

    groups: Sequence[str]
    tests: Sequence[Test]


GROUPS = ("aws-backup-resources", "aws-backup-protection", "aws-backup-running-jobs")
CASES = (Case(GROUPS, (RESTARTS, NEXT_JOB_RUNS)),)


def labelled(document: Any) -> Any:
    """Give each rule a label, as vmalert's `-external.label` and the groups of Prometheus 3 can."""
    for group in document["groups"]:
        for rule in group["rules"]:
            rule["labels"] = {**rule.get("labels", {}), "team": "storage"}
    return document


@pytest.mark.parametrize("version", PROMETHEUS_VERSIONS)
@pytest.mark.parametrize("with_label", [False, True], ids=["plain", "labelled"])
@pytest.mark.parametrize("interval", INTERVALS)
def test_rules_remember(interval: str, with_label: bool, version: str, tmp_path: Path) -> None:
    """What rules keep of the past is kept at each evaluation interval, also where rules have labels."""
    document = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    if with_label:
        document = labelled(document)
    paths = [
        write_tests(tmp_path / f"case-{number}", document, case, interval)
        for number, case in enumerate(CASES)
    ]
    assert "SUCCESS" in run(require_prometheus("promtool", version), "test", "rules", *paths)


def write_tests(directory: Path, document: Any, case: Case, interval: str) -> Path:
    """Write the tests of a case, and the rules of its groups; promtool would evaluate all others too."""
    groups = [group for group in document["groups"] if group["name"] in case.groups]
    directory.mkdir()
    rules = write(directory / "rules.yml", {"groups": groups})
    return write(
        directory / "tests.yml",
        {
            "rule_files": [str(rules)],
            "evaluation_interval": interval,
            "group_eval_order": list(case.groups),
            "tests": list(case.tests),
        },
    )


def write(path: Path, document: Mapping[str, Any]) -> Path:
    """Write a document as YAML."""
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path

"""The rules work at each evaluation interval, with labels of their own, and in each Prometheus."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.rules.checks import RULES
from tests.rules.test_programs import run
from tests.support.programs import PROMETHEUS_VERSIONS, require_prometheus

INTERVALS = ("15s", "1m", "5m")
RESOURCE = (
    'aws_account_id="1",aws_region="r",resource_arn="arn:orders",resource_name="orders",resource_type="RDS"'
)
JOB = 'aws_account_id="1",aws_region="r",job_id="r1"'
PLAN = 'restore_testing_plan_arn="arn:plan"'
OF_THE_SCRAPE = 'job="aws-backup",instance="a:1"'
Test = dict[str, Any]


def series(name: str, labels: str, values: str) -> dict[str, str]:
    """Write one input series of a test."""
    return {"series": f"{name}{{{OF_THE_SCRAPE},{labels}}}", "values": values}


def last_state(state: str, values: str) -> dict[str, str]:
    """Write the state of the newest backup job of a resource."""
    return series("aws_backup_resource_last_job_state", f'{RESOURCE},state="{state}"', values)


NEXT_JOB_RUNS: Test = {
    "name": "a failure stays while the next job runs",
    "interval": "1m",
    "input_series": [
        last_state("FAILED", "1x29 0x60"),
        last_state("RUNNING", "0x29 1x60"),
        series("aws_backup_resource_last_attempt_timestamp_seconds", RESOURCE, "0x29 1800x60"),
    ],
    "promql_expr_test": [
        {
            "expr": 'count(ALERTS{alertname="AwsBackupJobFailed",alertstate="firing"})',
            "eval_time": minutes,
            "exp_samples": [{"labels": "{}", "value": 1}],
        }
        for minutes in ("20m", "40m", "60m", "80m")
    ],
}
PLAN_WITHOUT_TESTS: Test = {
    "name": "the last success of a restore testing plan stays when its test has left the window",
    "interval": "1m",
    "input_series": [
        series("aws_backup_restore_job_created_timestamp_seconds", JOB, "0x29 stale"),
        series("aws_backup_restore_job_completed_timestamp_seconds", JOB, "600x29 stale"),
        series("aws_backup_restore_job_state", f'{JOB},state="COMPLETED"', "1x29 stale"),
        series("aws_backup_restore_job_info", f'{JOB},{PLAN},validation_status="SUCCESSFUL"', "1x29 stale"),
    ],
    "promql_expr_test": [
        {
            "expr": "sum without (team) (aws_backup:restore_testing_plan_last_success_timestamp_seconds)",
            "eval_time": minutes,
            "exp_samples": [
                {
                    "labels": f'{{aws_account_id="1",aws_region="r",{PLAN}}}',
                    "value": 600,
                }
            ],
        }
        for minutes in ("20m", "40m", "80m")
    ],
}


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
    rules = write(tmp_path / "rules.yml", labelled(document) if with_label else document)
    tests: Sequence[Test] = (NEXT_JOB_RUNS, PLAN_WITHOUT_TESTS)
    path = write(
        tmp_path / "tests.yml",
        {
            "rule_files": [str(rules)],
            "evaluation_interval": interval,
            "group_eval_order": [group["name"] for group in document["groups"]],
            "tests": list(tests),
        },
    )
    assert "SUCCESS" in run(require_prometheus("promtool", version), "test", "rules", path)


def write(path: Path, document: Mapping[str, Any]) -> Path:
    """Write a document as YAML."""
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path

"""One target in one Region at a time: `/probe`, and `/targets` that leads Prometheus there."""

import json
from pathlib import Path

import pytest

from tests.e2e import sorts
from tests.e2e.aws import Aws
from tests.e2e.conftest import Run
from tests.e2e.http import ask
from tests.e2e.test_any_request import Asked, answer_to

CONFIG = """\
targets:
  - {name: production, regions: [eu-west-1, us-east-1], role_arn: null}
  - {name: staging, regions: [eu-central-1], profile: null, labels: {team: a"b}}
collectors: [backup_jobs]
api: {idle_refresh: 0s}
"""


@pytest.fixture
def address(aws: Aws, listen: Run, tmp_path: Path) -> str:
    """A running exporter with two targets in three Regions."""
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    aws.account.put(sorts.job("a"))
    return listen("--config.file", str(path)).address()


def test_a_probe_gives_one_scope_alone(address: str) -> None:
    """The series of the target and Region asked for, without the process's own."""
    answer = ask(address, "/probe?target=production&region=eu-west-1")
    assert answer.status == 200
    assert 'job_id="a"' in answer.text
    assert "us-east-1" not in answer.text
    assert "process_" not in answer.text
    assert "aws_backup_exporter_build_info" not in answer.text


def test_a_region_may_be_left_out_where_there_is_but_one(address: str) -> None:
    """A target with one Region needs no `region`."""
    answer = ask(address, "/probe?target=staging")
    assert answer.status == 200
    assert 'aws_region="eu-central-1"' in answer.text


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("", "production, staging"),
        ("target=nobody", "production, staging"),
        ("target=production", "eu-west-1, us-east-1"),
        ("target=production&region=eu-central-1", "eu-west-1, us-east-1"),
        ("target=http://127.0.0.1/&region=eu-west-1", "production, staging"),
    ],
)
def test_an_unknown_target_is_a_bad_request(address: str, query: str, told: str) -> None:
    """What is not configured is refused, with what there is: nothing of AWS is taken from the URL."""
    answer = ask(address, f"/probe?{query}")
    assert answer.status == 400
    assert told in answer.text
    assert "nobody" not in answer.text


def test_targets_lead_prometheus_to_each_probe(address: str) -> None:
    """Each entry, asked as Prometheus would, answers with that target's series."""
    answer = ask(address, "/targets")
    assert answer.headers["Content-Type"] == "application/json"
    groups = json.loads(answer.text)
    instances = [group["labels"]["instance"] for group in groups]
    assert instances == ["production/eu-west-1", "production/us-east-1", "staging/eu-central-1"]
    for group in groups:
        labels = group["labels"]
        query = f"target={labels['__param_target']}&region={labels['__param_region']}"
        [target] = group["targets"]
        assert ask(target, f"{labels['__metrics_path__']}?{query}").status == 200
        assert labels["__meta_aws_backup_target"] == labels["__param_target"]
        assert not {"target", "aws_region", "aws_account_id"} & labels.keys()


@pytest.mark.parametrize(
    ("target", "host", "expected"),
    [
        ("/targets", "a.example.com:1", "a.example.com:1"),
        ("http://b.example.com:2/targets", "a.example.com:1", "b.example.com:2"),
        ("/targets", "", None),
    ],
)
def test_targets_are_where_it_was_asked(address: str, target: str, host: str, expected: str | None) -> None:
    """Prometheus is led to the host that it asked: that of the URL, else of Host, else where it listens."""
    lines = [f"GET {target} HTTP/1.1", f"Host: {host}", "Connection: close", "", ""]
    answer = answer_to(address, Asked("GET", "\r\n".join(lines).encode()))
    assert {place for group in answer.json for place in group["targets"]} == {expected or address}


def test_the_configuration_in_force_is_shown(address: str) -> None:
    """`/config` is the configuration as it is used, defaults included."""
    text = ask(address, "/config").text
    assert "requests_per_second: 10" in text
    assert "name: staging" in text

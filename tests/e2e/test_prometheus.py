"""A real Prometheus scrapes the running exporter, in both formats, and keeps what AWS told."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import count

import pytest

from tests.e2e import sorts, told
from tests.e2e.aws import Aws, simulated_aws
from tests.e2e.forwarder import Forwarder, forwarder
from tests.e2e.http import ask
from tests.e2e.process import Process, environment, exporter_command, never_idle, until
from tests.e2e.prometheus import Prometheus, prometheus
from tests.support.programs import PROMETHEUS_VERSIONS, require, require_prometheus

TEXT, OPENMETRICS = "text", "openmetrics"
TEXT_ACCEPTED = "text/plain;version=0.0.4"
BOTH = pytest.mark.parametrize("form", [TEXT, OPENMETRICS])
LONGEST = 30.0  # seconds; Prometheus takes up new targets every five


@dataclass(frozen=True)
class Scene:
    """The whole way from AWS to Prometheus."""

    aws: Aws
    exporter: str
    forwarders: dict[str, Forwarder]
    prometheus: Prometheus


@pytest.fixture(scope="module", params=PROMETHEUS_VERSIONS)
def scene(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Jobs of every sort, an exporter, and a Prometheus that has scraped it in both formats."""
    program = require_prometheus("prometheus", request.param)
    directory = tmp_path_factory.mktemp("scene")
    with ExitStack() as stack:
        aws = stack.enter_context(simulated_aws())
        for job in (*sorts.every_sort(), *sorts.unusual()):
            aws.account.put(job)
        process = Process(
            exporter_command("--web.listen-address", "127.0.0.1:0", *never_idle(directory)),
            environment(directory, AWS_ENDPOINT_URL_BACKUP=aws.endpoint_url),
            directory / "exporter",
        )
        stack.callback(process.kill)
        exporter = process.address()
        forwarders = {
            TEXT: stack.enter_context(forwarder(exporter, TEXT_ACCEPTED)),
            OPENMETRICS: stack.enter_context(forwarder(exporter)),
        }
        watching = stack.enter_context(
            prometheus(program, directory / "prometheus", {k: f.address for k, f in forwarders.items()})
        )
        made = Scene(aws, exporter, forwarders, watching)
        size = len(told.of_jobs(aws.account.jobs()))
        for form in forwarders:
            # A scrape that fails stores `up` too, so this waits for nothing that a test is about.
            until(partial(watching.query, f'up{{job="{form}"}}'), LONGEST)
        numbers = count()
        until(lambda: len(_stored(made, TEXT)) >= size or next(numbers) > 15, LONGEST, every=0.5)
        yield made


def _stored(scene: Scene, form: str) -> told.Samples:
    return scene.prometheus.samples(f'{{__name__=~"aws_backup_job_.+",job="{form}"}}')


@BOTH
def test_prometheus_scrapes_without_an_error(scene: Scene, form: str) -> None:
    """`up` is 1, in the text format and in OpenMetrics, and Prometheus has nothing to complain about."""
    [up] = scene.prometheus.query(f'up{{job="{form}"}}')
    assert scene.prometheus.errors()[form] == ""
    assert up["value"][1] == "1"


def test_both_formats_were_scraped(scene: Scene) -> None:
    """Prometheus gets OpenMetrics, which it asks for first, and plain text where nothing else is accepted."""
    assert {text.partition(";")[0] for text in scene.forwarders[OPENMETRICS].content_types} == {
        "application/openmetrics-text"
    }
    assert {text.partition(";")[0] for text in scene.forwarders[TEXT].content_types} == {"text/plain"}


@BOTH
def test_prometheus_keeps_what_aws_told(scene: Scene, form: str) -> None:
    """The samples that Prometheus stored of each job are AWS's, unusual texts unchanged; none is missing."""
    expected = told.without_empty(told.of_jobs(scene.aws.account.jobs()))
    assert _stored(scene, form) == expected


@BOTH
@pytest.mark.parametrize("name", sorts.UNUSUAL)
def test_prometheus_keeps_an_unusual_text(scene: Scene, form: str, name: str) -> None:
    """Whatever text AWS gives, Prometheus' API gives back what a label can carry of it."""
    text = sorts.UNUSUAL[name]
    [series] = scene.prometheus.query(f'aws_backup_job_info{{job="{form}",job_id="unusual-{name}"}}')
    labels = ("resource_name", "resource_arn", "vault_name", "plan_name", "rule_name", "iam_role_arn")
    told_in = ("ResourceName", "ResourceArn", "BackupVaultName", "BackupPlanName", "BackupRuleName")
    assert [series["metric"][label] for label in labels] == [
        told.carried(f"{field} {text}") for field in (*told_in, "IamRoleArn")
    ]


@BOTH
def test_prometheus_keeps_the_fleet(scene: Scene, form: str) -> None:
    """The counts by vault, type and state in Prometheus are those of AWS's jobs of the window."""
    jobs = [job for job in scene.aws.account.jobs() if job["BackupJobId"] != "long-running"]
    stored = scene.prometheus.samples(f'aws_backup_jobs{{job="{form}"}}')
    assert stored == told.without_empty(told.of_fleet(jobs))


@BOTH
def test_prometheus_knows_what_is_a_counter(scene: Scene, form: str) -> None:
    """The type and the HELP of a counter and of a gauge reach Prometheus' metadata."""
    suffix = "_total" if form == TEXT else ""
    types = {
        f"aws_backup_jobs_finished{suffix}": "counter",
        f"aws_backup_exporter_api_requests{suffix}": "counter",
        "aws_backup_job_state": "gauge",
    }
    for metric, kind in types.items():
        path = f"/api/v1/targets/metadata?metric={metric}&match_target=%7Bjob%3D%22{form}%22%7D"
        [entry] = ask(scene.prometheus.address, path).json["data"]
        assert entry["type"] == kind
        assert entry["help"]


def test_promtool_has_nothing_to_say(scene: Scene) -> None:
    """`promtool check metrics` accepts the exposition without a word."""
    body = ask(scene.exporter, "/metrics").body
    checked = subprocess.run(
        [require("promtool"), "check", "metrics"], input=body, capture_output=True, check=False, timeout=60
    )
    assert (checked.stdout.decode(), checked.stderr.decode(), checked.returncode) == ("", "", 0)

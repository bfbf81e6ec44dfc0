"""Two exporters share the targets of one configuration, and a real Prometheus scrapes them."""

from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.aws import Aws
from tests.e2e.conftest import Run
from tests.e2e.http import ask
from tests.e2e.process import free_port, until
from tests.e2e.prometheus import Prometheus, serving
from tests.support.programs import PROMETHEUS_VERSIONS, require_prometheus

REGIONS = (  # so many that each exporter has some, whatever its port
    *("eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1", "eu-north-1", "eu-south-1"),
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1"),
    *("ap-south-1", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "ap-northeast-2", "af-south-1"),
)
DISCOVERY_INTERVAL = 5  # seconds; the shortest that Prometheus allows
LONGEST = 40.0


def configuration(aws: Aws) -> str:
    """A target with many Regions."""
    regions = ", ".join(REGIONS)
    target = f"{{name: company, regions: [{regions}], endpoint_url: '{aws.endpoint_url}'}}"
    return f"targets: [{target}]\ncollectors: [backup_jobs]\n"


def exporters_of_series(prometheus: Prometheus) -> dict[str, set[str]]:
    """The exporters from which Prometheus has the series of each Region, without those that failed."""
    found: dict[str, set[str]] = {}
    for series in prometheus.query("aws_backup_up and on (instance, exporter) up == 1"):
        found.setdefault(series["metric"]["aws_region"], set()).add(series["metric"]["exporter"])
    return found


@pytest.mark.parametrize("version", PROMETHEUS_VERSIONS)
def test_each_target_is_scraped_once_and_moves_when_its_exporter_fails(
    aws: Aws, run: Run, tmp_path: Path, version: str
) -> None:
    """Each Region is scraped from one exporter; after one was killed, the other takes over its Regions."""
    program = require_prometheus("prometheus", version)
    config = tmp_path / "config.yaml"
    config.write_text(configuration(aws))
    addresses = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    options = ["--config.file", str(config), "--refresh.on-demand"]
    for address in addresses:
        options += ["--web.shard-address", address]
    processes = [run("--web.listen-address", address, *options) for address in addresses]
    for process in processes:
        process.address()
    targets = ask(addresses[1], "/targets").json
    assert {*Counter(group["targets"][0] for group in targets)} == {*addresses}
    scrape = {
        "job_name": "aws-backup",
        "scrape_interval": "1s",
        "http_sd_configs": [
            {"url": f"http://{addresses[1]}/targets", "refresh_interval": f"{DISCOVERY_INTERVAL}s"}
        ],
        "relabel_configs": [{"source_labels": ["__address__"], "target_label": "exporter"}],
    }
    with serving(program, tmp_path / "prometheus", {"scrape_configs": [scrape]}) as address:
        prometheus = Prometheus(address)
        assigned = {group["labels"]["__param_region"]: {group["targets"][0]} for group in targets}
        until(lambda: exporters_of_series(prometheus) == assigned, LONGEST)
        processes[0].kill()
        taken_over = partial(dict.fromkeys, REGIONS, {addresses[1]})
        until(lambda: exporters_of_series(prometheus) == taken_over(), LONGEST)


def test_only_what_is_scraped_is_refreshed(aws: Aws, run: Run, tmp_path: Path) -> None:
    """An exporter that shares the targets asks AWS only about those that are scraped from it."""
    config = tmp_path / "config.yaml"
    config.write_text(configuration(aws))
    exporter = run("--web.listen-address", "127.0.0.1:0", "--config.file", str(config), "--refresh.on-demand")
    text = ask(exporter.address(), "/probe?target=company&region=us-east-1").text
    assert 'aws_backup_up{target="company",aws_region="us-east-1",collector="backup_jobs"} 1' in text
    calls = ask(exporter.address(), "/").text
    assert "paused" in calls

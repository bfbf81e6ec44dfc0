"""Two exporters on one organization, as a pair for availability, and Prometheus with the alert rules."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random

import pytest

from exporter.simulator.account import Account
from exporter.simulator.company_organization import ROLE_NAME, found_organization
from exporter.simulator.company_resources import SITES
from exporter.simulator.server import serve
from tests.e2e.alerting import hurried
from tests.e2e.conftest import Run
from tests.e2e.http import ask
from tests.e2e.process import until
from tests.e2e.prometheus import Prometheus, serving
from tests.support.programs import PROMETHEUS_VERSIONS, require_prometheus

LONGEST = 120.0  # seconds until twelve accounts have been read, on a slow machine
SETTLED = 3  # expositions in a row with as many series
FEWEST_ALERTS = 12  # kinds of alerts that the company has in any case

Found = dict[frozenset[tuple[str, str]], float]


def configuration(endpoint_url: str) -> str:
    """Monitor the organization, by its view and as members."""
    target = {
        "name": "company",
        "regions": [site.region for site in SITES],
        "endpoint_url": endpoint_url,
        "organization": {"jobs": True, "members": {"role_name": ROLE_NAME}},
    }
    return json.dumps({"targets": [target], "inventory": {"enabled": True}})


def series(address: str) -> Counter[str]:
    """Count the series of an exporter that are about AWS, by metric."""
    names = [line.partition("{")[0] for line in ask(address, "/metrics").text.splitlines()]
    return Counter(name for name in names if name.startswith("aws_backup_") and "_exporter_" not in name)


def settle(addresses: list[str]) -> None:
    """Wait until all exporters have the same numbers of series, which no longer change."""
    seen: list[list[Counter[str]]] = []

    def settled() -> bool:
        seen.append([series(address) for address in addresses])
        last = seen[-SETTLED:]
        accounts = last[-1][0]["aws_backup_account_info"]
        return accounts > 0 and len(last) == SETTLED and all(found == [last[0][0]] * 2 for found in last)

    until(settled, LONGEST, every=2.0)


def told(prometheus: Prometheus) -> Found:
    """What the rules tell of AWS: recorded series and alerts, without those of single exporters."""
    return {
        frozenset(one["metric"].items() - {("alertstate", "pending"), ("alertstate", "firing")}): float(
            one["value"][1]
        )
        for one in prometheus.query('{__name__=~"aws_backup:.+|ALERTS", instance=""}')
    }


@contextmanager
def pair(run: Run, directory: Path) -> Iterator[list[str]]:
    """Run two exporters on a simulated organization that stands still; gives their addresses."""
    now = time.time()
    with serve(lambda account_id, region: Account(account_id, region, lambda: now)) as server:
        found_organization(server.simulation, now, Random(20))
        config = directory / "config.yaml"
        config.write_text(configuration(server.endpoint_url))
        services = ("ORGANIZATIONS", "STS", "RESOURCE_GROUPS_TAGGING_API")
        endpoints = {f"AWS_ENDPOINT_URL_{service}": server.endpoint_url for service in services}
        options = ("--web.listen-address", "127.0.0.1:0", "--config.file", str(config))
        yield [run(*options, **endpoints).address() for _ in range(2)]


@pytest.mark.parametrize("version", PROMETHEUS_VERSIONS)
def test_a_pair_raises_each_alert_once(run: Run, tmp_path: Path, version: str) -> None:
    """The rules tell of two exporters on one organization what they tell of one of them alone."""
    program = require_prometheus("prometheus", version)
    with ExitStack() as stack:
        addresses = stack.enter_context(pair(run, tmp_path))
        settle(addresses)
        servers = []
        for name, scraped in {"alone": addresses[:1], "pair": addresses}.items():
            jobs = [{"job_name": "aws-backup", "static_configs": [{"targets": scraped}]}]
            rules = hurried(tmp_path / f"rules-{name}", "", "") | {"alerting": {}, "scrape_configs": jobs}
            servers.append(Prometheus(stack.enter_context(serving(program, tmp_path / name, rules))))

        def alike() -> bool:
            alone, of_both = map(told, servers)
            names = {text for labels in alone for label, text in labels if label == "alertname"}
            return len(names) >= FEWEST_ALERTS and alone == of_both

        until(alike, LONGEST, every=1.0)

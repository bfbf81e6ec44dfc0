"""A real Prometheus that scrapes what a test runs."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.e2e.http import ask
from tests.e2e.process import Process, environment, free_port, until
from tests.e2e.told import Samples


class Prometheus:
    """A running Prometheus."""

    def __init__(self, address: str) -> None:
        self.address = address

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Give the result of an instant query: each `metric` and its `value`."""
        answer = ask(self.address, f"/api/v1/query?query={quote(expression)}").json
        assert answer["status"] == "success", answer
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    def samples(self, selector: str) -> Samples:
        """Give the stored samples of a selector, without the labels of the scrape."""
        found = {}
        for series in self.query(selector):
            labels = {name: text for name, text in series["metric"].items() if name not in _OF_THE_SCRAPE}
            found[series["metric"]["__name__"], frozenset(labels.items())] = float(series["value"][1])
        return found

    def errors(self) -> dict[str, str]:
        """Give the last error of each scraped job."""
        targets = ask(self.address, "/api/v1/targets").json["data"]["activeTargets"]
        return {target["labels"]["job"]: target["lastError"] for target in targets}


_OF_THE_SCRAPE = frozenset({"__name__", "job", "instance"})


@contextmanager
def prometheus(program: str, directory: Path, jobs: Mapping[str, str]) -> Iterator[Prometheus]:
    """Scrape, each second, the HOST:PORT of each job until the block ends."""
    scrapes = [{"job_name": job, "static_configs": [{"targets": [to]}]} for job, to in jobs.items()]
    config = {"global": {"scrape_interval": "1s"}, "scrape_configs": scrapes}
    with serving(program, directory, config) as address:
        yield Prometheus(address)


@contextmanager
def serving(program: str, directory: Path, config: Mapping[str, Any], *options: str) -> Iterator[str]:
    """Run Prometheus on `directory`/data until the block ends; gives its address once it is ready."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "prometheus.yml").write_text(json.dumps(config))
    address = f"127.0.0.1:{free_port()}"
    command = (
        program,
        f"--config.file={directory / 'prometheus.yml'}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address={address}",
        *options,
    )
    process = Process(command, environment(directory), directory)
    try:
        until(lambda: _is_ready(process, address), or_say=lambda: process.err)
        yield address
    finally:
        process.kill()


def _is_ready(process: Process, address: str) -> bool:
    assert process.running, process.err
    try:
        return ask(address, "/-/ready").status == 200
    except OSError:
        return False

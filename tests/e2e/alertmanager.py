"""A real Alertmanager with the example's routes and inhibitions, in a hurry."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import yaml

from tests.docs.markdown import ROOT
from tests.e2e.http import ask
from tests.e2e.process import PATIENCE, Process, environment, free_port, until
from tests.support.programs import require

EXAMPLE = ROOT / "alertmanager" / "alertmanager.yml"
HURRY = {"group_wait": "100ms", "group_interval": "500ms"}


class Alertmanager:
    """A running Alertmanager."""

    def __init__(self, address: str) -> None:
        self.address = address

    def post(self, alerts: Sequence[Mapping[str, str]]) -> None:
        """Let alerts with these labels fire."""
        connection = HTTPConnection(self.address, timeout=PATIENCE)
        body = json.dumps([{"labels": labels} for labels in alerts])
        connection.request("POST", "/api/v2/alerts", body, {"Content-Type": "application/json"})
        assert connection.getresponse().status == 200
        connection.close()

    def alerts(self) -> list[Any]:
        """Give the alerts that fire, as the API tells them."""
        found: list[Any] = ask(self.address, "/api/v2/alerts").json
        return found

    def inhibited(self) -> list[Mapping[str, str]]:
        """Give the labels of the alerts that are held back."""
        return [alert["labels"] for alert in self.alerts() if alert["status"]["inhibitedBy"]]


def hurried(example: Any, hook: str) -> Any:
    """Give the example's configuration with its webhooks at HOST:PORT, and groups that wait less."""
    receivers = [
        {
            **receiver,
            "webhook_configs": [
                {**config, "url": config["url"].replace("localhost:9095", hook)}
                for config in receiver.get("webhook_configs", ())
            ],
        }
        for receiver in example["receivers"]
    ]
    templates = [str(EXAMPLE.parent / pattern) for pattern in example["templates"]]
    return {**example, "receivers": receivers, "templates": templates, "route": example["route"] | HURRY}


@contextmanager
def alertmanager(directory: Path, hook: str) -> Iterator[Alertmanager]:
    """Run Alertmanager until the block ends; it notifies a webhook at HOST:PORT."""
    program = require("alertmanager" if shutil.which("alertmanager") else "prometheus-alertmanager")
    directory.mkdir(parents=True)
    config = directory / "alertmanager.yml"
    config.write_text(json.dumps(hurried(yaml.safe_load(EXAMPLE.read_text(encoding="utf-8")), hook)))
    address = f"127.0.0.1:{free_port()}"
    command = (
        program,
        f"--config.file={config}",
        f"--storage.path={directory / 'data'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    )
    process = Process(command, environment(directory), directory)
    try:
        until(lambda: _answers(process, address), or_say=lambda: process.err)
        yield Alertmanager(address)
    finally:
        process.kill()


def _answers(process: Process, address: str) -> bool:
    assert process.running, process.err
    try:
        return ask(address, "/-/ready").status == 200
    except OSError:
        return False

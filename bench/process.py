"""The exporter as a separate process, scraped over HTTP."""

import gzip
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import IO

from bench.jobs import REGION

PATIENCE = 120.0  # seconds in which the process must answer


class Running:
    """A running exporter.

    Attributes:
        address: where it listens.
        child: its process.
    """

    def __init__(self, port: int, child: "subprocess.Popen[bytes]") -> None:
        self.address = ("127.0.0.1", port)
        self.child = child
        self._root = f"http://127.0.0.1:{port}"

    def scrape(self, *names: str, timeout: float = 10.0) -> tuple[float, str]:
        """Scrape as Prometheus does; with names, only those. Return the seconds it took, and the text."""
        query = "&".join(f"name[]={name}" for name in names)
        headers = {"Accept-Encoding": "gzip", "X-Prometheus-Scrape-Timeout-Seconds": str(timeout)}
        request = urllib.request.Request(f"{self._root}/metrics?{query}", headers=headers)
        began = time.monotonic()
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            body = answer.read()
        return time.monotonic() - began, gzip.decompress(body).decode()

    def is_healthy(self) -> float:
        """Ask the health path; return the seconds until the answer came."""
        began = time.monotonic()
        with urllib.request.urlopen(f"{self._root}/-/healthy", timeout=PATIENCE) as answer:
            answer.read()
        return time.monotonic() - began

    def listens(self) -> float:
        """Wait until connections are taken; return the seconds that took."""
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE:
            with suppress(OSError), socket.create_connection(self.address):
                break
            time.sleep(0.02)
        return time.monotonic() - began

    def threads(self) -> int:
        """How many threads the process has now."""
        return len(list(Path(f"/proc/{self.child.pid}/task").iterdir()))

    def connections(self) -> int:
        """How many sockets the process has open now."""
        files = Path(f"/proc/{self.child.pid}/fd").iterdir()
        return sum("socket" in str(file.readlink()) for file in files)

    def first_answer(self) -> float:
        """Scrape until there is an answer; return the seconds that took."""
        began = time.monotonic()
        while True:
            try:
                self.scrape("aws_backup_up")
            except OSError:
                if time.monotonic() - began > PATIENCE:
                    raise
                time.sleep(0.02)
            else:
                return time.monotonic() - began


@contextmanager
def exporter(
    endpoint_url: str,
    *,
    accounts: Sequence[str] = (),
    regions: Sequence[str] = (REGION,),
    requests_per_second: float = 10,
    finished_jobs: str = "all",
    idle_refresh: str = "60s",
    module: str = "exporter",
    environment: Mapping[str, str] = MappingProxyType({}),
    log: IO[bytes] | None = None,
    configuration: str = "",
    **limits: int,
) -> Iterator[Running]:
    """Run the exporter on a simulated account until the block ends, or on several by a role in each.

    Args:
        endpoint_url: of the simulated AWS.
        accounts: ids of several accounts; each is a target `a` and its id.
        regions: of each target.
        requests_per_second: as in the configuration.
        finished_jobs: likewise.
        idle_refresh: likewise.
        module: what runs the exporter.
        environment: what it has beside ours.
        log: where it logs to; without it nothing but errors are logged, beside our own.
        configuration: replaces the one made from the other arguments.
        limits: as in the configuration.
    """
    api = f"{{requests_per_second: {requests_per_second:g}, idle_refresh: {idle_refresh}}}"
    text = configuration or _configuration(endpoint_url, accounts, regions, finished_jobs, api, limits)
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "config.yaml")
        file.write_text(text)
        level = f"--log.level={'info' if log else 'error'}"
        address = f"--web.listen-address=127.0.0.1:{port}"
        command = [sys.executable, "-m", module, f"--config.file={file}", level, address]
        credentials = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench"}
        ours = {**os.environ, **credentials, "AWS_ENDPOINT_URL_STS": endpoint_url}
        with subprocess.Popen(command, env={**ours, **environment}, stderr=log) as child:
            try:
                yield Running(port, child)
            finally:
                child.terminate()


def free_port() -> int:
    """Give a port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


def value(text: str, name: str, *labels: str) -> float:
    """Add up the samples of a name that carry these labels, each written as in the text."""
    lines = re.findall(rf"^{name}(\{{.*\}})? (\S+)$", text, re.MULTILINE)
    return sum(float(number) for found, number in lines if all(label in found for label in labels))


def _configuration(
    endpoint_url: str,
    accounts: Sequence[str],
    regions: Sequence[str],
    finished_jobs: str,
    api: str,
    limits: dict[str, int],
) -> str:
    common = f"regions: [{', '.join(regions)}], endpoint_url: '{endpoint_url}'"
    roles = [f"name: a{account}, role_arn: 'arn:aws:iam::{account}:role/bench'" for account in accounts]
    return "\n".join(
        [
            "targets:",
            *(f"  - {{{one}, {common}}}" for one in roles or ["name: bench"]),
            "collectors: [backup_jobs, copy_jobs, restore_jobs, resources, vaults, plans]",
            f"discovery: {{finished_jobs: {finished_jobs}}}",
            f"api: {api}",
            *(["limits:"] if limits else []),
            *(f"  {name}: {number}" for name, number in limits.items()),
        ]
    )

"""Whatever is asked over HTTP, the answer is one that is documented, and never a trace."""

import re
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from random import Random

import pytest

from tests.e2e import sorts
from tests.e2e.aws import Aws
from tests.e2e.conftest import Run
from tests.e2e.http import Answer, ask, read
from tests.e2e.process import PATIENCE, Process

COUNT = 10_000
CONFIG = """\
targets:
  - name: production
    regions: [eu-west-1, us-east-1]
    role_arn: arn:aws:iam::123456789012:role/reader
    external_id: hush-hush
  - {name: staging, regions: [eu-central-1]}
collectors: [backup_jobs]
api: {requests_per_second: 50, idle_refresh: 0s}
"""
DOCUMENTED = {200, 400, 401, 403, 404, 405, 408, 411, 413, 414, 415, 431, 501, 505}
PATHS = ["/", "/metrics", "/probe", "/targets", "/config", "/-/healthy", "/-/ready", "/-/reload"]
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "get", "X"]
HEADERS = [
    "Accept",
    "Accept-Encoding",
    "Authorization",
    "Connection",
    "Content-Type",
    "Cookie",
    "Expect",
    "Host",
    "If-None-Match",
    "Origin",
    "Range",
    "Transfer-Encoding",
    "Upgrade",
    "X-Prometheus-Scrape-Timeout-Seconds",
]
VERSIONS = ["HTTP/1.0", "HTTP/2.0", "HTTP/1.9", "HTCPCP/1.0", ""]
VALUES = [
    *("0", "-1", "nan", "inf", "1e999", "0.001", "gzip", "gzip;q=0", "*", "a/b;version=9"),
    *("Basic YTpi", "Basic !", "Bearer x", "close", "keep-alive", "100-continue", "h2c"),
    *("application/openmetrics-text; version=1.0.0", "chunked", "bytes=0-1", "a@b/c"),
]
NAMES = ["aws_backup_up", "process_open_fds", "aws_backup_job_state", ""]
QUERIES = [*NAMES, "production", "staging", "eu-west-1", "%00", "%ff", "+"]


@dataclass(frozen=True)
class Asked:
    """A request as it goes over the wire."""

    method: str
    data: bytes


class Requests:
    """Requests: most well formed, all in some way unusual.

    Hypothesis would take longer to invent them than the exporter takes to answer.
    """

    def __init__(self, random: Random) -> None:
        self._random = random

    def next(self) -> Asked:
        """Invent a request."""
        random = self._random
        method = random.choice([random.choice(METHODS), self._visible()]) if self._seldom() else "GET"
        target = self._path() + (f"?{self._query()}" if self._seldom() else "")
        version = random.choice(VERSIONS) if self._seldom() else "HTTP/1.1"
        body = "a body" if self._seldom() else ""
        length = random.choice(["", "-1", "x", "0"]) if self._seldom() else str(len(body))
        lines = [
            f"{method} {target} {version}",
            "Host: localhost",
            *(f"{random.choice(HEADERS)}: {self._value()}" for _ in range(random.randint(0, 4))),
        ]
        if body:
            lines.append(f"Content-Length: {length}")
        return Asked(method, "\r\n".join([*lines, "", ""]).encode("latin-1") + body.encode())

    def _seldom(self) -> bool:
        """One in five is strange."""
        return self._random.randrange(5) == 0

    def _path(self) -> str:
        known = self._random.choice(PATHS)
        strange = [f"{known}/", f"//{known}/../%2e%2e{known}", f"/{self._visible()}", self._visible()]
        return self._random.choice(strange) if self._seldom() else known

    def _query(self) -> str:
        names = [self._random.choice(["name[]", "target", "region", "x"]) for _ in range(self._length(3))]
        return "&".join(
            f"{name}={self._random.choice([self._visible(), self._random.choice(QUERIES)])}" for name in names
        )

    def _value(self) -> str:
        if self._seldom():
            return self._text(range(0x100), self._length(30))
        return self._random.choice([self._visible(), *self._random.choices(VALUES, k=3)])

    def _visible(self) -> str:
        return self._text(range(0x21, 0x7F), self._length(20))

    def _text(self, characters: range, length: int) -> str:
        return "".join(map(chr, self._random.choices(characters, k=length)))

    def _length(self, most: int) -> int:
        return self._random.randint(0, most)


def answer_to(address: str, asked: Asked) -> Answer:
    """Send a request on a connection of its own and say that no more comes; fails when there is no answer."""
    host, _, port = address.rpartition(":")
    with closing(socket.create_connection((host, int(port)), timeout=PATIENCE)) as connection:
        connection.sendall(asked.data)
        connection.shutdown(socket.SHUT_WR)
        response = HTTPResponse(connection, method=asked.method)
        response.begin()
        return read(response)


@pytest.fixture
def exporter(aws: Aws, listen: Run, tmp_path: Path) -> Iterator[Process]:
    """An exporter with every path switched on; it is well, and nothing was logged as a bug, at the end."""
    aws.account.put(sorts.job("a"))
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG)
    services = {"AWS_ENDPOINT_URL": aws.endpoint_url}
    exporter = listen(
        "--config.file", str(config), "--web.enable-lifecycle", "--log.level", "debug", **services
    )
    assert exporter.address()
    yield exporter
    assert ask(exporter.address(), "/-/healthy").status == 200
    assert ask(exporter.address(), "/metrics").status == 200
    assert "Traceback" not in exporter.err
    assert "bug" not in exporter.err
    assert "hush-hush" not in exporter.err


def test_any_request_has_a_documented_answer(exporter: Process) -> None:
    """Ten thousand requests of any shape: no status but the documented ones, no trace, no secret."""
    address, seed = exporter.address(), time.time_ns()
    requests = Requests(Random(seed))
    for _ in range(COUNT):
        asked = requests.next()
        answer = answer_to(address, asked)
        assert answer.status in DOCUMENTED, (seed, asked)
        assert not re.search(rb"Traceback|File \"|hush-hush", answer.body), (seed, asked)

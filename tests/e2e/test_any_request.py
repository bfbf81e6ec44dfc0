"""Whatever is asked over HTTP, the answer is one that is documented, and never a trace."""

import re
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.e2e import sorts
from tests.e2e.aws import Aws
from tests.e2e.conftest import Run
from tests.e2e.http import Answer, ask, read
from tests.e2e.process import PATIENCE, Process

BATCHES, SIZE = 500, 20
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
NAMES = ["aws_backup_up", "process_open_fds", "aws_backup_job_state", ""]


def seldom(strange: st.SearchStrategy[str], *, or_else: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """One in five is strange."""
    return st.integers(0, 4).flatmap(lambda die: or_else if die else strange)


visible = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=20)
raw = st.text(st.characters(max_codepoint=0xFF), max_size=30)
value = seldom(
    raw,
    or_else=st.one_of(
        visible,
        st.sampled_from(
            ["0", "-1", "nan", "inf", "1e999", "0.001", "gzip", "gzip;q=0", "*", "a/b;version=9"]
        ),
        st.sampled_from(["Basic YTpi", "Basic !", "Bearer x", "close", "keep-alive", "100-continue", "h2c"]),
        st.sampled_from(["application/openmetrics-text; version=1.0.0", "chunked", "bytes=0-1", "a@b/c"]),
    ),
)
query = st.lists(
    st.tuples(
        st.sampled_from(["name[]", "target", "region", "x"]),
        st.one_of(
            visible, st.sampled_from([*NAMES, "production", "staging", "eu-west-1", "%00", "%ff", "+"])
        ),
    ),
    max_size=3,
).map(lambda pairs: "&".join(f"{key}={text}" for key, text in pairs))
path = seldom(
    st.one_of(
        st.sampled_from(PATHS).map(lambda known: known + "/"),
        st.sampled_from(PATHS).map(lambda known: f"//{known}/../%2e%2e{known}"),
        visible.map(lambda text: f"/{text}"),
        visible,
    ),
    or_else=st.sampled_from(PATHS),
)


@dataclass(frozen=True)
class Asked:
    """A request as it goes over the wire."""

    method: str
    data: bytes


@st.composite
def requests(draw: st.DrawFn) -> Asked:
    """Requests: most well formed, all in some way unusual."""
    method = draw(seldom(st.one_of(st.sampled_from(METHODS), visible), or_else=st.just("GET")))
    target = draw(path) + draw(seldom(query.map(lambda text: f"?{text}"), or_else=st.just("")))
    version = draw(seldom(st.sampled_from(VERSIONS), or_else=st.just("HTTP/1.1")))
    headers = draw(st.lists(st.tuples(st.sampled_from(HEADERS), value), max_size=4))
    body = draw(seldom(st.just("a body"), or_else=st.just("")))
    length = draw(seldom(st.sampled_from(["", "-1", "x", "0"]), or_else=st.just(str(len(body)))))
    lines = [
        f"{method} {target} {version}",
        "Host: localhost",
        *(f"{name}: {text}" for name, text in headers),
    ]
    if body:
        lines.append(f"Content-Length: {length}")
    return Asked(method, "\r\n".join([*lines, "", ""]).encode("latin-1") + body.encode())


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
    address = exporter.address()
    answered = 0

    @settings(
        max_examples=BATCHES,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.lists(requests(), min_size=SIZE, max_size=SIZE))
    def ask_them(batch: list[Asked]) -> None:
        nonlocal answered
        for asked in batch:
            answer = answer_to(address, asked)
            answered += 1
            assert answer.status in DOCUMENTED, asked
            assert not re.search(rb"Traceback|File \"|hush-hush", answer.body), asked

    ask_them()
    assert answered >= BATCHES * SIZE

"""Asks an HTTP server as a client does, once, with exactly these headers."""

import gzip
import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPMessage, HTTPResponse, HTTPSConnection
from ssl import SSLContext
from types import MappingProxyType
from typing import Any

from tests.e2e.process import PATIENCE

NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, the body as it came."""

    status: int
    headers: HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        """The body, decoded as the headers say."""
        compressed = self.headers["Content-Encoding"] == "gzip"
        return (gzip.decompress(self.body) if compressed else self.body).decode()

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text)


def ask(
    address: str,
    path: str,
    headers: Mapping[str, str] = NO_HEADERS,
    *,
    method: str = "GET",
    within: float = PATIENCE,
    tls: SSLContext | None = None,
) -> Answer:
    """Ask HOST:PORT for a path; OSError when nobody answers in time, or TLS finds a fault."""
    with asked(address, path, headers, method=method, within=within, tls=tls) as connection:
        return read(connection.getresponse())


@contextmanager
def asked(
    address: str,
    path: str,
    headers: Mapping[str, str] = NO_HEADERS,
    *,
    method: str = "GET",
    within: float = PATIENCE,
    tls: SSLContext | None = None,
) -> Iterator[HTTPConnection]:
    """Ask, and leave it to the block to wait for the answer."""
    host, _, port = address.rpartition(":")
    to = host.strip("[]"), int(port)
    made = HTTPSConnection(*to, timeout=within, context=tls) if tls else HTTPConnection(*to, timeout=within)
    with closing(made) as connection:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        yield connection


def read(response: HTTPResponse) -> Answer:
    """Read an answer to its end."""
    return Answer(response.status, response.headers, response.read())

"""What is between the exporter and AWS, and is not HTTP over TLS as AWS speaks it."""

import json
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import StringIO
from pathlib import Path
from threading import Thread

import pytest
import trustme

from tests.faults.sight import Log, calls, up
from tests.faults.wire import Wire, answers
from tests.support.harness import Bench

Talk = Callable[[socket.socket], None]


@contextmanager
def server(talk: Talk) -> Iterator[int]:
    """Serve one connection after the other; gives the port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection, suppress(OSError):
                    talk(connection)

        thread = Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def shakes_hands_as(name: str, authority: trustme.CA) -> Talk:
    """Speak TLS with a certificate for a name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)

    def talk(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True):
            pass

    return talk


def says(answer: bytes) -> Talk:
    """Answer whatever is asked so, in plain text."""

    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)

    return talk


def test_a_proxy_that_inspects_tls(aws: Bench, log: Log) -> None:
    """A certificate of an unknown authority: the log names AWS_CA_BUNDLE."""
    with server(shakes_hands_as("127.0.0.1", trustme.CA())) as port:
        series = aws.watch(aws.target(endpoint_url=f"https://127.0.0.1:{port}")).scrape()

    assert up(series) == 0
    assert calls(series, "ListBackupJobs", "connection") == 3
    assert "certificate verify failed" in log.failure["reason"]
    assert "AWS_CA_BUNDLE" in log.failure["remedy"]


def test_a_certificate_of_another(
    aws: Bench, log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A certificate for another host is not mended by AWS_CA_BUNDLE, and the log does not say so."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    with server(shakes_hands_as("elsewhere.example", authority)) as port:
        aws.watch(aws.target(endpoint_url=f"https://127.0.0.1:{port}")).scrape()

    assert "another host" in log.failure["remedy"]


def test_no_tls(aws: Bench, log: Log) -> None:
    """Plain HTTP where TLS is expected: the log says to check the scheme."""
    with server(says(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")) as port:
        aws.watch(aws.target(endpoint_url=f"https://127.0.0.1:{port}")).scrape()

    assert "scheme" in log.failure["remedy"]


BODY = b'{"BackupJobs": []}'
GARBLED = {
    "no colon": b"HTTP/1.1 200 OK\r\nnonsense hush\r\nContent-Length: 18\r\n\r\n" + BODY,
    "a line break in a name": b"HTTP/1.1 200 OK\r\nX\x0b-hush\x00: 1\r\nContent-Length: 18\r\n\r\n" + BODY,
    "no status": b"HTTP/1.1 hush\r\n\r\n",
    "no HTTP": b"\x16\x03\x01\x1b[31mhush\r\n\r\n",
    "no length": b"HTTP/1.1 200 OK\r\nContent-Length: hush\r\n\r\n" + BODY,
    "no chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhush\r\n" + BODY,
    "a long line": b"HTTP/1.1 200 OK\r\nX: " + b"hush" * 50_000 + b"\r\n\r\n" + BODY,
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"X: hush\r\n" * 1_000 + b"\r\n" + BODY,
    "no Latin-1": b"HTTP/1.1 200 OK\r\nX-\xff\xfe: \xff\r\nContent-Length: 18\r\n\r\n" + BODY,
    "no gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 18\r\n\r\n" + BODY,
    "a bad date": b"HTTP/1.1 200 OK\r\nDate: hush\r\nContent-Length: 18\r\n\r\n" + BODY,
    "a bad error": b"HTTP/1.1 400 Bad\r\nx-amzn-ErrorType: \x1b[31m\xff hush\r\nContent-Length: 18\r\n\r\n"
    + BODY,
    "a redirect": b"HTTP/1.1 301 Moved\r\nLocation: /hush\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("answer", GARBLED.values(), ids=GARBLED)
def test_a_garbled_answer(aws: Bench, written: StringIO, answer: bytes) -> None:
    """Headers that are none are read over, or are one line in the log, without a traceback or their text."""
    with server(says(answer)) as port:
        watch = aws.watch(aws.target(endpoint_url=f"http://127.0.0.1:{port}"))
        series = watch.scrape()
        watch.scrape()

    lines = written.getvalue().splitlines()
    assert len(lines) == 1 - up(series)
    for line in lines:
        assert "Traceback" not in line
        assert "hush" not in line
        assert line.isprintable()
        assert line.partition("remedy=")[2]


def test_a_page_in_the_place_of_an_answer(aws: Bench, wire: Wire, written: StringIO) -> None:
    """A page of a megabyte that a proxy puts in the place of an answer is a short line in the log."""
    page = "<html>\x1b[31m" + "hush " * 200_000
    refusal = answers(403, json.dumps({"message": page}), x_amzn_ErrorType="AccessDeniedException")
    for breakage in (answers(200, page, "text/html"), answers(502, page, "text/html"), refusal):
        wire.breakage = breakage
        aws.watch(aws.target(endpoint_url=wire.endpoint_url)).scrape()

    lines = written.getvalue().splitlines()
    assert len(lines) == 3
    assert max(map(len, lines)) < 1_000
    assert all(line.isprintable() for line in lines)

"""Passes HTTP requests on, with an Accept header of its own if wanted, and notes what came back."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from tests.e2e.http import ask

PASSED_ON = ("Accept", "Accept-Encoding", "X-Prometheus-Scrape-Timeout-Seconds")


class Forwarder:
    """Where it listens, and the content types that it passed back."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.content_types: list[str] = []


@contextmanager
def forwarder(to: str, accept: str | None = None) -> Iterator[Forwarder]:
    """Forward GET requests to HOST:PORT until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {name: self.headers[name] for name in PASSED_ON if name in self.headers}
            if accept is not None:
                headers["Accept"] = accept
            answer = ask(to, self.path, headers)
            made.content_types.append(answer.headers["Content-Type"])
            self.send_response(answer.status)
            for name in ("Content-Type", "Content-Encoding"):
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the standard library
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Forwarder(f"127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()

"""Where a person would be told: keeps what Alertmanager sends to its webhooks."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Told:
    """One alert of a notification, and the path that it was sent to."""

    path: str
    status: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    @property
    def name(self) -> str:
        """The alert's name."""
        return self.labels["alertname"]

    @property
    def text(self) -> str:
        """All that a person reads."""
        return "\n".join(self.annotations.values())


class Webhook:
    """A running webhook and what it was told, in order."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._told: list[Told] = []
        self._lock = threading.Lock()

    def take(self, path: str, notification: Any) -> None:
        """Keep the alerts of a notification."""
        told = [
            Told(path, alert["status"], alert["labels"], alert["annotations"])
            for alert in notification["alerts"]
        ]
        with self._lock:
            self._told += told

    def all(self) -> list[Told]:
        """Give all that was told, in order."""
        with self._lock:
            return list(self._told)

    def told(self, name: str, status: str, **labels: str) -> list[Told]:
        """Give what was told of an alert, firing or resolved, with these labels."""
        return [
            told
            for told in self.all()
            if (told.name, told.status) == (name, status) and labels.items() <= told.labels.items()
        ]

    def names(self) -> list[tuple[str, str]]:
        """Give the name and status of all that was told."""
        return [(told.name, told.status) for told in self.all()]


@contextmanager
def webhook() -> Iterator[Webhook]:
    """Listen on a free port of 127.0.0.1 until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    hook = server.hook = Webhook(f"127.0.0.1:{server.server_port}")  # type: ignore[attr-defined] # set here
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Keep a notification."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.hook.take(self.path, json.loads(body))  # type: ignore[attr-defined] # set here
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - likewise
        """Say nothing."""

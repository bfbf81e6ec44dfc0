"""The real command reports to a notify socket, as systemd gives it to a service."""

import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Run
from tests.e2e.http import ask
from tests.e2e.process import PATIENCE, Process
from tests.support.notify_socket import notify_socket


@pytest.fixture
def notifications(tmp_path: Path) -> Iterator[socket.socket]:
    """A socket as that of systemd."""
    with notify_socket(tmp_path, PATIENCE) as bound:
        yield bound


Receive = Callable[[], list[str]]


@pytest.fixture
def receive(notifications: socket.socket) -> Receive:
    """Gives the next notification except those for the watchdog, without the time."""

    def receive() -> list[str]:
        while (message := notifications.recv(4096).decode()) == "WATCHDOG=1":
            pass
        return [line for line in message.split("\n") if not line.startswith("MONOTONIC_USEC=")]

    return receive


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration file."""
    path = tmp_path / "config.yaml"
    path.write_text("targets: [{name: one, regions: [eu-west-1]}]\n")
    return path


@pytest.fixture
def exporter(listen: Run, config: Path, notifications: socket.socket) -> Process:
    """An exporter that has just been started by systemd."""
    watchdog = {"WATCHDOG_USEC": "300000"}
    return listen("--config.file", str(config), NOTIFY_SOCKET=notifications.getsockname(), **watchdog)


def test_from_start_to_stop(exporter: Process, receive: Receive, config: Path) -> None:
    """Readiness is reported once the exporter answers, then each reload with its result, and the end."""
    ready = receive()
    address = exporter.address()
    assert ready == ["READY=1", f"STATUS=Listening on {address}"]
    assert ask(address, "/-/healthy").status == 200

    exporter.signal(signal.SIGHUP)
    assert receive() == ["RELOADING=1", "STATUS=Reloading"]
    assert receive() == ["READY=1", "STATUS=Configuration reloaded"]

    config.write_text("targets: [{name: one, regoins: [eu-west-1]}]\n")
    exporter.signal(signal.SIGHUP)
    assert receive() == ["RELOADING=1", "STATUS=Reloading"]
    done, status = receive()
    assert done == "READY=1"
    assert status.startswith("STATUS=Configuration reload failed; keeping the previous configuration: ")
    assert 'config.yaml:1:23: targets[0].regoins: unknown key; did you mean "regions"?' in status

    exporter.signal(signal.SIGTERM)
    assert receive() == ["STOPPING=1", "STATUS=Stopping"]
    assert exporter.wait() == 0


def test_watchdog(exporter: Process, notifications: socket.socket) -> None:
    """The watchdog hears of the exporter again and again."""
    assert exporter.address()
    heard = [notifications.recv(4096) for _ in range(4)]
    assert heard.count(b"WATCHDOG=1") == 3


def test_start_that_fails(run: Run, notifications: socket.socket) -> None:
    """An exporter that cannot listen is never ready."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        process = run("--web.listen-address", address, NOTIFY_SOCKET=notifications.getsockname())
        assert process.wait() == 1
    notifications.setblocking(False)
    with pytest.raises(BlockingIOError):
        notifications.recv(4096)

"""The protocol of sd_notify(3), on real sockets."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.runtime import ServiceManager
from tests.support.notify_socket import notify_socket


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[socket.socket]:
    """A socket as that of systemd; a message that is not there fails the test."""
    with notify_socket(tmp_path, timeout=0.0) as bound:
        yield bound


@pytest.fixture
def environment(receiver: socket.socket) -> dict[str, str]:
    """The environment of a process that systemd starts."""
    return {"NOTIFY_SOCKET": receiver.getsockname()}


def test_ready(receiver: socket.socket, environment: dict[str, str]) -> None:
    """Readiness has a status, whose line breaks cannot add another assignment."""
    ServiceManager(environment).ready("Listening\nSTOPPING=1")
    assert receiver.recv(4096) == b"READY=1\nSTATUS=Listening STOPPING=1"


def test_reloading(receiver: socket.socket, environment: dict[str, str]) -> None:
    """A reload begins with the time on the monotonic clock, in microseconds, as notify-reload requires."""
    ServiceManager(environment, lambda: 12.3456789).reloading()
    assert receiver.recv(4096) == b"RELOADING=1\nMONOTONIC_USEC=12345678\nSTATUS=Reloading"


def test_stopping(receiver: socket.socket, environment: dict[str, str]) -> None:
    """The end is reported."""
    ServiceManager(environment).stopping()
    assert receiver.recv(4096) == b"STOPPING=1\nSTATUS=Stopping"


def test_abstract_socket() -> None:
    """A name that starts with @ is an abstract socket."""
    name = f"aws-backup-exporter-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
        bound.setblocking(False)
        bound.bind(f"\0{name}")
        ServiceManager({"NOTIFY_SOCKET": f"@{name}"}).keep_alive()
        assert bound.recv(4096) == b"WATCHDOG=1"


@pytest.mark.parametrize("name", ["", "relative", "vsock:2:1234", "/nobody/listens"])
def test_no_socket(name: str) -> None:
    """Without a usable socket nothing is sent and nothing fails."""
    ServiceManager({"NOTIFY_SOCKET": name}).ready("Listening")


def test_receiver_that_does_not_read(receiver: socket.socket, environment: dict[str, str]) -> None:
    """A full socket does not block the sender."""
    manager = ServiceManager(environment)
    for _ in range(10_000):
        manager.keep_alive()
    assert receiver.recv(4096) == b"WATCHDOG=1"


@pytest.mark.parametrize(
    ("variables", "timeout"),
    [
        ({"WATCHDOG_USEC": "1500000"}, 1.5),
        ({"WATCHDOG_USEC": "1500000", "WATCHDOG_PID": str(os.getpid())}, 1.5),
        ({"WATCHDOG_USEC": "1500000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "often"}, None),
        ({}, None),
    ],
)
def test_watchdog_timeout(environment: dict[str, str], variables: dict[str, str], timeout: float) -> None:
    """The watchdog's timeout is that of this process, in seconds; there may be none."""
    assert ServiceManager(environment | variables).watchdog_timeout == timeout


def test_watchdog_without_socket() -> None:
    """Without a socket there is no watchdog."""
    assert ServiceManager({"WATCHDOG_USEC": "1500000"}).watchdog_timeout is None

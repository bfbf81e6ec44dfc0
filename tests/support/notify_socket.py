"""The socket to which a service reports its state."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def notify_socket(folder: Path, timeout: float) -> Iterator[socket.socket]:
    """Listen as systemd does, until the block ends; a message that does not come in time fails the test."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
        bound.settimeout(timeout)
        bound.bind(str(folder / "notify"))
        yield bound

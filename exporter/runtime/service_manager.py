"""Reports the state of the process to systemd, with the protocol of sd_notify(3)."""

import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress


class ServiceManager:
    """Sends notifications to systemd; does nothing if systemd did not start the process.

    Sending never blocks and never fails: a notification that cannot be delivered is dropped.

    Args:
        environment: the environment of the process, from which `NOTIFY_SOCKET`, `WATCHDOG_USEC` and
            `WATCHDOG_PID` are read.
        clock: seconds on the monotonic clock of the system.

    Attributes:
        watchdog_timeout: seconds without `keep_alive` after which systemd ends the process; None if it never
            does.
    """

    def __init__(self, environment: Mapping[str, str], clock: Callable[[], float] = time.monotonic) -> None:
        self._address = _address(environment.get("NOTIFY_SOCKET", ""))
        self._clock = clock
        self.watchdog_timeout = _watchdog_timeout(environment) if self._address else None

    def ready(self, status: str) -> None:
        """Report that the start or a reload has ended, with one sentence for `systemctl status`."""
        self._send("READY=1", f"STATUS={' '.join(status.split())}")

    def reloading(self) -> None:
        """Report that a reload begins; `ready` ends it."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={int(self._clock() * 1e6)}", "STATUS=Reloading")

    def stopping(self) -> None:
        """Report that the process stops."""
        self._send("STOPPING=1", "STATUS=Stopping")

    def keep_alive(self) -> None:
        """Report that the process works; see `watchdog_timeout`."""
        self._send("WATCHDOG=1")

    def _send(self, *assignments: str) -> None:
        if self._address:
            message = "\n".join(assignments).encode(errors="backslashreplace")
            with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)
                sender.sendto(message, self._address)


def _address(name: str) -> str:
    """Return the address of a socket; a name that starts with @ is in the abstract namespace of Linux."""
    if name.startswith("@"):
        return f"\0{name[1:]}"
    return name if name.startswith("/") else ""


def _watchdog_timeout(environment: Mapping[str, str]) -> float | None:
    """Read the timeout, unless it is meant for another process."""
    microseconds, process = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if process not in ("", str(os.getpid())) or not (microseconds.isascii() and microseconds.isdigit()):
        return None
    return int(microseconds) / 1e6 or None

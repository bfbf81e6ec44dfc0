"""Runs programs as a user does: child processes whose output is kept, and waits that end."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Protocol, TypeVar

T = TypeVar("T")

PATIENCE = 20.0  # seconds until a test gives up waiting for what should come at once
KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
SESSION_TOKEN = "FwoGZXIvYXdzEBYaDExampleSessionToken=="
REGION = "eu-west-1"

_ADDRESS = re.compile(r"(?:\[[0-9a-f:]+\]|\d+\.\d+\.\d+\.\d+):\d+")


def until(
    what: Callable[[], T | None],
    within: float = PATIENCE,
    *,
    every: float = 0.05,
    or_say: Callable[[], object] = str,
) -> T:
    """Ask, every so many seconds, until the answer is something; fails when it takes too long."""
    deadline = monotonic() + within
    pause = Event()
    while not (answer := what()):
        if monotonic() > deadline:
            raise AssertionError(f"waited {within} seconds in vain. {or_say()}")
        pause.wait(every)
    return answer


def free_port() -> int:
    """Find a port of 127.0.0.1 that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


class Child(Protocol):
    """What the tests need of subprocess.Popen."""

    @property
    def pid(self) -> int:
        """The process ID."""

    def poll(self) -> int | None:
        """Return the exit code, None if the process still runs."""

    def wait(self, timeout: float) -> int:
        """Wait for the end and return the exit code. Raises subprocess.TimeoutExpired."""

    def kill(self) -> None:
        """Send SIGKILL."""


Launch = Callable[[Sequence[str], Mapping[str, str], Path, Path], Child]
"""Starts a process from its command, its environment and the files for its standard output and error."""


def popen(command: Sequence[str], environment: Mapping[str, str], out: Path, err: Path) -> Child:
    """Start a program."""
    with out.open("wb") as out_file, err.open("wb") as err_file:
        return subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=out_file, stderr=err_file
        )


class Process:
    """A running child process; its standard output and error are kept in files."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        directory: Path,
        launch: Launch | None = None,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._out, self._err = directory / "stdout", directory / "stderr"
        self._child = (launch or popen)(command, environment, self._out, self._err)

    @property
    def out(self) -> str:
        """Standard output so far."""
        return self._out.read_text(encoding="utf-8")

    @property
    def err(self) -> str:
        """Standard error so far."""
        return self._err.read_text(encoding="utf-8")

    @property
    def running(self) -> bool:
        """Whether the process still lives."""
        return self._child.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        with suppress(ProcessLookupError):  # it has just ended
            os.kill(self._child.pid, number)

    def wait(self, within: float = PATIENCE) -> int:
        """Wait for the end; returns the exit code."""
        try:
            return self._child.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {within} seconds. {self.err}") from None

    def kill(self) -> None:
        """End the process, whatever it does."""
        if self.running:
            self._child.kill()
        self._child.wait(PATIENCE)

    def address(self) -> str:
        """Tell the HOST:PORT where the exporter says that it listens."""
        return self.addresses(1)[0]

    def addresses(self, count: int) -> list[str]:
        """Tell the addresses, so many of them, where the exporter says that it listens."""

        def said() -> list[str]:
            assert self.running, f"ended with {self.wait()}: {self.err}"
            lines = [line for line in self.err.splitlines() if "Listening on" in line]
            return _ADDRESS.findall(lines[0]) if lines else []

        found = until(said, or_say=lambda: self.err)
        assert len(found) == count
        return found


def environment(home: Path, **more: str) -> dict[str, str]:
    """Give an environment with credentials and a Region and nothing else of AWS."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_REGION": REGION,
        **more,
    }


def never_idle(directory: Path) -> tuple[str, str]:
    """Write a configuration with which each scrape asks AWS; returns the arguments that give it."""
    path = directory / "never-idle.yaml"
    path.write_text("api: {idle_refresh: 0s}\n")
    return "--config.file", str(path)


def exporter_command(*arguments: str) -> list[str]:
    """Give the command line of the exporter."""
    return [sys.executable, "-m", "exporter", *arguments]

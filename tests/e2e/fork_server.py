"""Start the exporter by forking a process that has already imported it.

The import takes more CPU time than most tests. From then on a forked exporter is a process like any other,
with its own environment, streams, signals and exit code. What Python does before the import cannot be
tested this way: tests of PYTHON* variables and of closed streams run `exporter_command`.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

MAX_REQUEST = 1 << 16  # bytes
EXPORTER = ("aws-backup-exporter",)


class Child:
    """A forked exporter, with the methods of subprocess.Popen that the tests use."""

    def __init__(self, reports: socket.socket) -> None:
        self._reports = reports
        self.pid = int(reports.recv(MAX_REQUEST))
        self._code: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, None if the process still runs."""
        return self._wait(0.0)

    def wait(self, timeout: float) -> int:
        """Wait for the end and return the exit code, which is negative after a signal.

        Raises:
            subprocess.TimeoutExpired: the process still runs.
        """
        code = self._wait(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(EXPORTER, timeout)
        return code

    def kill(self) -> None:
        """Send SIGKILL."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def _wait(self, timeout: float) -> int | None:
        if self._code is None and select.select([self._reports], [], [], timeout)[0]:
            self._code = int(self._reports.recv(MAX_REQUEST))
            self._reports.close()
        return self._code


class ForkServer:
    """A process that forks exporters on request."""

    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests

    def launch(self, arguments: Sequence[str], environment: Mapping[str, str], out: Path, err: Path) -> Child:
        """Start an exporter that writes its standard output and error to two files."""
        request = json.dumps([arguments, dict(environment)]).encode()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, out.open("wb") as out_file, err.open("wb") as err_file:
            files = [theirs.fileno(), out_file.fileno(), err_file.fileno()]
            socket.send_fds(self._requests, [request], files)
        return Child(ours)


@contextmanager
def fork_server() -> Iterator[ForkServer]:
    """Run a server until the block ends."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", __name__, str(theirs.fileno())]
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    with (
        ours,
        subprocess.Popen(
            command,
            env=environment,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        ),
    ):
        theirs.close()
        yield ForkServer(ours)
        ours.close()


def _serve(requests: socket.socket) -> None:
    """Fork a supervisor for each request: it starts the exporter and reports its process ID and exit code."""
    import exporter.command.main  # noqa: F401 - what takes the time

    while True:
        message, files, _, _ = socket.recv_fds(requests, MAX_REQUEST, 3)
        _reap()
        if not message:
            return
        if not os.fork():
            requests.close()
            _supervise(json.loads(message), *files)
        for file in files:
            os.close(file)


def _reap() -> None:
    with suppress(ChildProcessError):  # there is none
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _supervise(request: tuple[list[str], dict[str, str]], reports: int, out: int, err: int) -> NoReturn:
    pid = os.fork()
    if not pid:
        os.close(reports)
        _become_exporter(*request, out, err)
    os.close(out)
    os.close(err)
    with socket.socket(fileno=reports) as to_test, suppress(OSError):  # the test may have ended
        to_test.send(str(pid).encode())
        _, status = os.waitpid(pid, 0)
        to_test.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _become_exporter(arguments: list[str], environment: dict[str, str], out: int, err: int) -> NoReturn:
    from exporter.__main__ import run

    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    for number, file in enumerate((os.open(os.devnull, os.O_RDONLY), out, err)):
        os.dup2(file, number)
        os.close(file)
    sys.argv[1:] = arguments
    run()
    raise AssertionError("run() exits")


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))

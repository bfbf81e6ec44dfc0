"""A simulated AWS Backup account over HTTP, by the machine's own clock, that can be made to hang."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock

from exporter.simulator.account import Account
from exporter.simulator.server import Server, serve
from tests.e2e.process import PATIENCE, REGION, until

LONGEST_HANG = 60.0


class Door:
    """Where calls wait while it is shut."""

    def __init__(self) -> None:
        self._open = Event()
        self._open.set()
        self._lock = Lock()
        self.waiting = 0

    def __call__(self, _operation: str) -> None:
        """Let a call pass, now or when the door opens."""
        with self._lock:
            self.waiting += 1
        self._open.wait(LONGEST_HANG)
        with self._lock:
            self.waiting -= 1

    def shut(self) -> None:
        """Let calls wait from now on."""
        self._open.clear()

    def open(self) -> None:
        """Let calls pass."""
        self._open.set()


class Aws:
    """The account that tests fill, and what they see of the calls to it."""

    def __init__(self, server: Server, door: Door) -> None:
        self._server = server
        self._door = door
        self.endpoint_url = server.endpoint_url

    @property
    def account(self) -> Account:
        """The account in the exporter's Region."""
        return self._server.account(REGION)

    def hang(self) -> None:
        """Answer no call from now on."""
        self._door.shut()

    def answer(self) -> None:
        """Answer all calls, those that wait too."""
        self._door.open()

    @property
    def waiting(self) -> int:
        """How many calls wait for an answer."""
        return self._door.waiting

    @property
    def keeps_waiting(self) -> bool:
        """Whether a call waits for an answer."""
        return self.waiting > 0

    def has_calls_waiting(self, least: int = 1) -> None:
        """Wait until so many calls wait for an answer."""
        until(lambda: self.waiting >= least, PATIENCE)

    def has_no_connections(self) -> None:
        """Wait until no call has come for a second: what was before the start is known by then."""
        until(lambda: self.account.calls and time.time() - self.account.calls[-1].time > 1, PATIENCE)

    def described(self) -> Counter[str]:
        """How often each job was described."""
        return Counter(
            call.parameters["BackupJobId"]
            for call in self.account.calls
            if call.operation == "DescribeBackupJob"
        )

    def operations(self) -> Counter[str]:
        """How often each operation was called."""
        return Counter(call.operation for call in self.account.calls)


@contextmanager
def simulated_aws() -> Iterator[Aws]:
    """Serve an empty account until the block ends."""
    door = Door()
    with serve(lambda account_id, region: Account(account_id, region, time.time, delay=door)) as server:
        try:
            yield Aws(server, door)
        finally:
            door.open()

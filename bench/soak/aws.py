"""The simulated AWS of the soak test in a separate process, and its control interface."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from threading import Event
from typing import Any

from bench.jobs import REGION
from bench.soak.faults import Fault, Faults
from bench.soak.jobs import fill
from exporter.simulator.account import Account
from exporter.simulator.job_kinds import KINDS
from exporter.simulator.server import Server, serve

Answers = Mapping[str, Sequence[Mapping[str, Any]]]
"""The describe answers of all jobs of an account, by kind."""


class Aws:
    """The soak's side: each method is one request to the process.

    Attributes:
        endpoint_url: where to call it.
        started: when it had its first jobs, in seconds since 1970.
    """

    def __init__(self, child: "subprocess.Popen[str]") -> None:
        self._child = child
        self.endpoint_url: str = self._ask()
        self.started = time.time()

    def freeze(self) -> None:
        """Freeze the jobs of all accounts."""
        self._do("freeze")

    def thaw(self) -> None:
        """Unfreeze the jobs; they catch up at once."""
        self._do("thaw")

    def break_account(self, account_id: str, faults: Sequence[Fault]) -> None:
        """Set the faults of an account."""
        self._do("break", account=account_id, faults=[asdict(fault) for fault in faults])

    def jobs(self, account_id: str) -> Answers:
        """Describe all jobs of an account."""
        found: Answers = self._do("jobs", account=account_id)
        return found

    def calls(self, account_id: str) -> int:
        """Return how many calls an account has answered."""
        return int(self._do("calls", account=account_id))

    def refused(self) -> int:
        """Return how many requests had a signature with a wrong date."""
        return int(self._do("refused"))

    def _do(self, what: str, **details: Any) -> Any:
        assert self._child.stdin
        self._child.stdin.write(json.dumps({"do": what, **details}) + "\n")
        self._child.stdin.flush()
        return self._ask()

    def _ask(self) -> Any:
        assert self._child.stdout
        return json.loads(self._child.stdout.readline())


@contextmanager
def simulated(accounts: Mapping[str, float]) -> Iterator[Aws]:
    """Serve accounts, in each of which a backup starts every so many seconds, until the block ends."""
    command = [sys.executable, "-m", "bench.soak.aws", json.dumps(accounts)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as child:
        try:
            yield Aws(child)
        finally:
            child.terminate()


class _Clock:
    """The machine's clock, which can be held."""

    def __init__(self) -> None:
        self._held: float | None = None

    def __call__(self) -> float:
        held = self._held
        return time.time() if held is None else held

    def hold(self) -> None:
        self._held = time.time()

    def release(self) -> None:
        self._held = None


def main(accounts: Mapping[str, float]) -> None:
    """Serve, and do what standard input asks for, until it ends."""
    clock, gates = _Clock(), list[Faults]()

    def middleware(application: Any) -> Faults:
        gates.append(Faults(application, Event()))
        return gates[0]

    def make(account_id: str, region: str) -> Account:
        return Account(account_id, region, clock)

    with serve(make, middleware=middleware) as server:
        now = time.time()
        for seed, (account_id, every) in enumerate(accounts.items()):
            fill(server.account(REGION, account_id), now, every, seed)
        print(json.dumps(server.endpoint_url), flush=True)
        for line in sys.stdin:
            print(json.dumps(_done(json.loads(line), server, gates[0], clock)), flush=True)


def _done(asked: Mapping[str, Any], server: Server, gate: Faults, clock: _Clock) -> Any:
    match asked["do"]:
        case "freeze":
            clock.hold()
        case "thaw":
            clock.release()
        case "break":
            gate.set(asked["account"], [Fault(**fault) for fault in asked["faults"]])
        case "jobs":
            account = server.account(REGION, asked["account"])
            return {kind.name: list(account.jobs(kind)) for kind in KINDS}
        case "calls":
            return len(server.account(REGION, asked["account"]).calls)
        case "refused":
            return gate.refused
    return None


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))

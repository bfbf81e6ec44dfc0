"""A simulated AWS Backup in a separate process, so that its CPU time is not counted for the exporter."""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from bench.jobs import ACCOUNT, REGION, active, finished
from exporter.simulator.account import Account
from exporter.simulator.jobs import GIB, Course, Scripted
from exporter.simulator.request_control import AWS_QUOTAS
from exporter.simulator.server import serve

ENDS_EVERY = 3.0  # seconds between the ends of two active jobs


@contextmanager
def simulated(
    ended: int,
    running: int,
    *,
    delay: float = 0.0,
    quotas: bool = False,
    accounts: Sequence[str] = (ACCOUNT,),
) -> Iterator[str]:
    """Serve jobs from a child process until the block ends. Return the endpoint's URL.

    Args:
        ended: finished jobs of each account, spread over the window.
        running: active jobs of the first account; one ends every three seconds.
        delay: seconds that each answer takes.
        quotas: whether AWS's documented quotas are in force.
        accounts: their ids.
    """
    arguments = [str(ended), str(running), str(delay), str(int(quotas)), *accounts]
    with subprocess.Popen(
        [sys.executable, "-m", "bench.aws", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout
        try:
            yield child.stdout.readline().strip()
        finally:
            child.terminate()


def main(ended: int, running: int, delay: float, quotas: bool, accounts: Sequence[str]) -> None:
    """Serve until terminated."""
    now = time.time()
    make = partial(
        Account,
        clock=time.time,
        quotas=AWS_QUOTAS if quotas else None,
        delay=(lambda _: time.sleep(delay)) if delay else None,
    )
    with serve(make) as server:
        for account_id in accounts:
            for answer in finished(ended, now, account_id):
                server.account(REGION, account_id).put(answer)
        jobs = (_running(number, answer, now) for number, answer in enumerate(active(running, now, 1)))
        server.account(REGION, accounts[0]).add(*jobs)
        print(server.endpoint_url, flush=True)
        sys.stdin.read()


def _running(number: int, answer: dict[str, Any], now: float) -> Scripted:
    created = answer["CreationDate"]
    ends = now - created + 60 + ENDS_EVERY * number
    course = Course(runs=2.0, ends=ends, size=GIB, transferred=GIB)
    told = ("BackupJobId", "CreationDate", "State", "PercentDone", "BytesTransferred", "BackupSizeInBytes")
    fields = {member: value for member, value in answer.items() if member not in told}
    return Scripted(answer["BackupJobId"], created, course, fields)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4] == "1", sys.argv[5:])

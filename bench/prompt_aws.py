"""An AWS that responds immediately, in a separate process: short lists, and credentials for any role.

Of each request it looks at no more than it needs for that, so that whoever asks sets the pace. The access key
id of a role tells the role's account; each AssumeRole and the keys that signed lists are counted.

    python -m bench.prompt_aws LIFETIME JOBS ACTIVE

LIFETIME is how many seconds the keys of a role are good for; so many finished JOBS are in each list of what
came before the start. The accounts from 100000000000 on, so many as ACTIVE says, have a job that runs.
"""

import asyncio
import json
import re
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from urllib.parse import unquote

from bench.http_answers import assumed_role, response, serve, serving
from bench.jobs import ACCOUNT, active, finished

HOUR = 3600.0
FIRST = 10**11  # the lowest account id

_LISTS = {
    b"/backup-jobs/": b'{"BackupJobs":[]}',
    b"/copy-jobs/": b'{"CopyJobs":[]}',
    b"/restore-jobs/": b'{"RestoreJobs":[]}',
    b"/resources/": b'{"Results":[]}',
    b"/backup-vaults/": b'{"BackupVaultList":[]}',
    b"/backup/plans/": b'{"BackupPlansList":[]}',
}
_KEY_ID = re.compile(rb"Credential=(\w+)/")


@dataclass(frozen=True)
class PromptAws:
    """The running AWS."""

    endpoint_url: str

    def asked(self) -> Counter[str]:
        """How often a role was assumed, and how often each access key id signed a list, so far."""
        with urllib.request.urlopen(f"{self.endpoint_url}/asked") as answer:
            return Counter(json.load(answer))


@contextmanager
def prompt_aws(lifetime: float = HOUR, jobs: int = 0, active: int = 0) -> Iterator[PromptAws]:
    """Serve from a child process until the block ends."""
    with serving(__name__, lifetime, jobs, active) as endpoint_url:
        yield PromptAws(endpoint_url)


class _Answers:
    """The responses to requests."""

    def __init__(self, lifetime: float, jobs: bytes, active: int) -> None:
        self._asked: Counter[str] = Counter()
        self._lifetime = lifetime
        self._jobs = jobs
        self._active = active

    def __call__(self, head: bytes, body: bytes) -> bytes:
        path = head.split(b" ", 2)[1].partition(b"?")[0]
        if path == b"/asked":
            return response(json.dumps(self._asked).encode())
        if path == b"/":
            self._asked["AssumeRole"] += 1
            return assumed_role(unquote(body.decode()), self._lifetime)
        key_id = _KEY_ID.search(head)
        assert key_id
        self._asked[key_id[1].decode()] += 1
        if path == b"/backup-jobs/" and b"createdBefore" in head:
            return response(self._jobs.replace(ACCOUNT.encode(), key_id[1].removeprefix(b"ASIA")))
        if path.startswith(b"/backup-jobs/") and int(key_id[1].removeprefix(b"ASIA")) < FIRST + self._active:
            job = _job(key_id[1].removeprefix(b"ASIA").decode())
            return response(b'{"BackupJobs":[%b]}' % job if path == b"/backup-jobs/" else job)
        return response(_LISTS[path])


@cache
def _job(account: str) -> bytes:
    [job] = active(1, time.time(), 10, account)
    return json.dumps(job | {"BackupJobId": f"active-{account}"}).encode()


async def main(lifetime: float, count: int, busy: int) -> None:
    """Serve until terminated."""
    rows = list(finished(count, time.time()))
    jobs = json.dumps({"BackupJobs": rows}, default=datetime.timestamp).encode()
    await serve(_Answers(lifetime, jobs, busy))


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))

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
import subprocess
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
_KEYS = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>ASIA{account}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>
<Expiration>{expires}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"""
_KEY_ID = re.compile(rb"Credential=(\w+)/")
_LENGTH = re.compile(rb"^content-length: *(\d+)", re.IGNORECASE | re.MULTILINE)


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
    command = [sys.executable, "-m", __name__, str(lifetime), str(jobs), str(active)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        try:
            yield PromptAws(child.stdout.readline().strip())
        finally:
            child.terminate()


class _Connection(asyncio.Protocol):
    def __init__(self, asked: Counter[str], lifetime: float, jobs: bytes, active: int) -> None:
        self._asked = asked
        self._lifetime = lifetime
        self._jobs = jobs
        self._active = active
        self._waiting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while b"\r\n\r\n" in self._waiting:
            head, _, rest = self._waiting.partition(b"\r\n\r\n")
            length = int(found[1]) if (found := _LENGTH.search(head)) else 0
            if len(rest) < length:
                return
            self._waiting = rest[length:]
            self._transport.write(self._answer(head, rest[:length]))

    def _answer(self, head: bytes, body: bytes) -> bytes:
        path = head.split(b" ", 2)[1].partition(b"?")[0]
        if path == b"/asked":
            return _http(json.dumps(self._asked).encode())
        if path == b"/":
            self._asked["AssumeRole"] += 1
            account = re.findall(r"arn:aws:iam::(\d+):", unquote(body.decode()))[0]
            expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + self._lifetime))
            return _http(_KEYS.format(account=account, expires=expires).encode(), b"text/xml")
        key_id = _KEY_ID.search(head)
        assert key_id
        self._asked[key_id[1].decode()] += 1
        if path == b"/backup-jobs/" and b"createdBefore" in head:
            return _http(self._jobs.replace(ACCOUNT.encode(), key_id[1].removeprefix(b"ASIA")))
        if path.startswith(b"/backup-jobs/") and int(key_id[1].removeprefix(b"ASIA")) < FIRST + self._active:
            job = _job(key_id[1].removeprefix(b"ASIA").decode())
            return _http(b'{"BackupJobs":[%b]}' % job if path == b"/backup-jobs/" else job)
        return _http(_LISTS[path])


@cache
def _job(account: str) -> bytes:
    [job] = active(1, time.time(), 10, account)
    return json.dumps(job | {"BackupJobId": f"active-{account}"}).encode()


def _http(body: bytes, kind: bytes = b"application/json") -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b" % (kind, len(body), body)


async def main(lifetime: float, count: int, busy: int) -> None:
    """Serve until terminated."""
    rows = list(finished(count, time.time()))
    jobs = json.dumps({"BackupJobs": rows}, default=datetime.timestamp).encode()
    asked: Counter[str] = Counter()
    server = await asyncio.get_running_loop().create_server(
        lambda: _Connection(asked, lifetime, jobs, busy), "127.0.0.1", 0, backlog=1024
    )
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))

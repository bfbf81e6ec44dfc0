"""A small HTTP server in a process of its own: it takes little CPU, so that the exporter can be measured."""

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Answer = Callable[[bytes, bytes], bytes]
"""Returns the response to a request, from its head and its body."""

_LENGTH = re.compile(rb"^content-length: *(\d+)", re.IGNORECASE | re.MULTILINE)
_KEYS = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>ASIA{account}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>
<Expiration>{expires}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"""


def response(body: bytes, kind: bytes = b"application/json") -> bytes:
    """Return a response with this body."""
    return b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b" % (kind, len(body), body)


def assumed_role(request: str, lifetime: float) -> bytes:
    """Return the response to AssumeRole: the access key contains the account."""
    account = re.findall(r"arn:aws:iam::(\d+):", request)[0]
    expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + lifetime))
    return response(_KEYS.format(account=account, expires=expires).encode(), b"text/xml")


async def serve(answer: Answer, delay: float = 0.0) -> None:
    """Serve until terminated; print the URL. Each response is sent `delay` seconds after its request."""
    server = await asyncio.get_running_loop().create_server(
        lambda: _Connection(answer, delay), "127.0.0.1", 0, backlog=1024
    )
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


@contextmanager
def serving(module: str, *arguments: object) -> Iterator[str]:
    """Run a module that calls `serve` until the block ends. Gives its URL."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        try:
            yield child.stdout.readline().strip()
        finally:
            child.terminate()


class _Connection(asyncio.Protocol):
    def __init__(self, answer: Answer, delay: float) -> None:
        self._answer = answer
        self._delay = delay
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
            answer = self._answer(head, rest[:length])
            if self._delay:
                asyncio.get_running_loop().call_later(self._delay, self._transport.write, answer)
            else:
                self._transport.write(answer)

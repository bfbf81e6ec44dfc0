"""Clients that misbehave, many at once, each of them back as soon as it was closed."""

import socket
import threading
import time
from collections import Counter
from collections.abc import Mapping
from types import TracebackType
from typing import NamedTuple, Self

ROUND = 1.0  # seconds in which each client does something once
AT_ONCE = 50  # clients that do something before other threads have their turn
_ESTABLISHED, _SYN_SENT = 1, 2  # states of TCP, as Linux counts them
_GET = b"GET /metrics HTTP/1.1\r\nHost: load\r\n"


class Manner(NamedTuple):
    """How a client misbehaves: what it sends at first, and then once a second. It reads nothing."""

    name: str
    first: bytes = b""
    then: bytes = b""


ONE_BYTE_A_SECOND = Manner("one byte a second", _GET + b"X-Slow: ", b"x")
NO_END_OF_HEADERS = Manner("headers without an end", _GET)
NO_END_OF_BODY = Manner(
    "a body without an end",
    b"POST /metrics HTTP/1.1\r\nHost: load\r\nContent-Length: 1000000\r\n\r\n",
    b"x",
)
READS_NOTHING = Manner("answers never read", (_GET + b"\r\n") * 20)
SILENT = Manner("never a byte")
KEPT = Manner("kept after an answer", b"GET /-/healthy HTTP/1.1\r\nHost: load\r\n\r\n")

SLOW = (ONE_BYTE_A_SECOND, NO_END_OF_HEADERS, NO_END_OF_BODY, READS_NOTHING)
IDLE = (SILENT, KEPT)


class Client:
    """One client, which never waits."""

    def __init__(self, address: tuple[str, int], manner: Manner) -> None:
        self.manner = manner
        self._address = address
        self._socket: socket.socket | None = None
        self._said = False

    @property
    def held(self) -> bool:
        """Whether it is connected and has said its part."""
        return self._socket is not None and self._said and _state(self._socket) == _ESTABLISHED

    def go_on(self) -> None:
        """Do the next thing; connect anew when the server has closed."""
        if self._socket is None or _state(self._socket) not in (_ESTABLISHED, _SYN_SENT):
            self._connect()
        elif _state(self._socket) == _ESTABLISHED:
            try:
                self._socket.send(self.manner.then if self._said else self.manner.first)
                self._said = True
            except BlockingIOError:
                pass  # the server does not read: so be it
            except OSError:
                self._connect()

    def close(self) -> None:
        """Leave."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connect(self) -> None:
        self.close()
        self._said = False
        self._socket = socket.socket()
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.connect_ex(self._address)


class Load:
    """Holds so many clients of each manner until the block ends."""

    def __init__(self, address: tuple[str, int], counts: Mapping[Manner, int]) -> None:
        self._clients = [Client(address, manner) for manner, count in counts.items() for _ in range(count)]
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def held(self) -> Counter[str]:
        """How many are connected and have said their part, by manner."""
        return Counter(client.manner.name for client in self._clients if client.held)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()
        for client in self._clients:
            client.close()

    def _run(self) -> None:
        while not self._end.is_set():
            began = time.monotonic()
            for number, client in enumerate(self._clients):
                client.go_on()
                if number % AT_ONCE == 0:
                    self._end.wait(0.001)  # lets the exporter compute
            self._end.wait(max(0.0, began + ROUND - time.monotonic()))


def _state(connection: socket.socket) -> int:
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]

"""A deadline for each call to AWS.

The read timeout of botocore restarts with each packet, so a response of one byte per second never times out.
If a call has not ended at its deadline, its connection is shut down, so that it fails immediately.
"""

import heapq
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)


@dataclass(eq=False, slots=True)
class Call:
    """One call to AWS.

    Attributes:
        expired: whether its deadline passed before it ended. Its response must then be ignored: a truncated
            one may look complete.
    """

    expired: bool = False
    ended: bool = False
    connection: Any = None


class Deadlines:
    """Ends calls at their deadlines. Thread-safe.

    Args:
        clock: seconds on the monotonic clock that sockets use.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._calls: list[tuple[float, int, Call]] = []  # a heap
        self._number = itertools.count()
        self._current = threading.local()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._pool_classes = _pool_classes(self.use)

    def apply_to(self, client: Any) -> None:
        """Apply the deadline of the calling thread to the calls of a botocore client."""
        session = client._endpoint.http_session  # noqa: SLF001 - botocore has no public API
        session._pool_classes_by_scheme = self._pool_classes  # noqa: SLF001 - likewise
        session._manager.pool_classes_by_scheme = self._pool_classes  # noqa: SLF001 - likewise

    @contextmanager
    def within(self, seconds: float) -> Iterator[Call]:
        """Limit the calls that this thread makes in the block to a number of seconds."""
        call = Call()
        before = getattr(self._current, "call", None)
        self._current.call = call
        self._watch(call, self._clock() + seconds)
        try:
            yield call
        finally:
            self._current.call = before
            with self._changed:
                call.ended, call.connection = True, None

    def answered(self, **_: object) -> None:
        """Remove the deadline when the response has arrived, as parsing may take long on a busy machine.

        A handler of botocore's `before-parse`.
        """
        call: Call | None = getattr(self._current, "call", None)
        if call:
            with self._changed:
                call.ended, call.connection = True, None

    def use(self, connection: Any) -> None:
        """Record the connection that the current call is about to use.

        Raises:
            TimeoutError: the deadline of the call has passed.
        """
        call: Call | None = getattr(self._current, "call", None)
        with self._changed:
            connection.call = call
            if call:
                if call.expired:
                    raise TimeoutError("the deadline of the call has passed")
                call.connection = connection

    def _watch(self, call: Call, deadline: float) -> None:
        with self._changed:
            heapq.heappush(self._calls, (deadline, next(self._number), call))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
                self._thread.start()
            elif self._calls[0][2] is call:
                self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while self._calls and (self._calls[0][2].ended or self._calls[0][0] <= self._clock()):
                    _, _, call = heapq.heappop(self._calls)
                    if not call.ended:
                        call.expired = True
                        _shut_down(call)
                left = self._calls[0][0] - self._clock() if self._calls else None
                self._changed.wait(left)


def _shut_down(call: Call) -> None:
    """Shut down the connection of the call, so that the call fails, unless another call uses it now."""
    sock = getattr(call.connection, "sock", None)
    if isinstance(sock, socket.socket) and call.connection.call is call:
        with suppress(OSError):
            # Not SSLSocket.shutdown: it discards the TLS state while another thread is reading.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _pool_classes(use: Callable[[Any], None]) -> dict[str, type]:
    """Create botocore's connection pools, with connections that report when they are used."""

    class Reporting:
        def connect(self) -> None:
            use(self)
            super().connect()  # type: ignore[misc] # a mixin of connections
            use(self)

        def request(self, *args: Any, **kwargs: Any) -> None:
            use(self)
            super().request(*args, **kwargs)  # type: ignore[misc] # as above

    class Connection(Reporting, AWSHTTPConnection):  # type: ignore[misc] # botocore has no types
        pass

    class SecureConnection(Reporting, AWSHTTPSConnection):  # type: ignore[misc] # as above
        pass

    class Pool(AWSHTTPConnectionPool):
        ConnectionCls = Connection

    class SecurePool(AWSHTTPSConnectionPool):
        ConnectionCls = SecureConnection

    return {"http": Pool, "https": SecurePool}

"""Limits CPU-bound work: of the threads that call AWS, one at a time builds a request or reads a response."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

CONTENDED = 4  # waiting threads; two or three may meet by chance
LONGEST_PAUSE = 5.0  # seconds after which work continues although a pause has not ended


class _ThreadState(threading.local):
    in_call = False
    holds_lock = False


class CpuLimiter:
    """Lets one thread at a time build a request or read a response; any number may wait for AWS.

    Python runs one thread at a time and switches between all that are ready. With dozens of threads that
    parse responses, the thread that answers a scrape would wait too often.
    """

    def __init__(self) -> None:
        self._cpu = threading.Lock()
        self._pauses = 0
        self._not_paused = threading.Event()
        self._not_paused.set()
        self._lock = threading.Lock()
        self._waiting: set[int] = set()  # thread identifiers
        self._thread = _ThreadState()

    def is_contended(self) -> bool:
        """Whether several threads wait for the lock."""
        return len(self._waiting) >= CONTENDED

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Start no limited work while the block runs, for at most LONGEST_PAUSE: scrapes have priority."""
        with self._lock:
            self._pauses += 1
            self._not_paused.clear()
        try:
            yield
        finally:
            with self._lock:
                self._pauses -= 1
                if not self._pauses:
                    self._not_paused.set()

    @contextmanager
    def acquired(self) -> Iterator[None]:
        """Hold the lock in the block, except between `release` and `reacquire`."""
        self._thread.in_call = True
        self._acquire()
        try:
            yield
        finally:
            self._thread.in_call = False
            self._release()

    def release(self, **_: object) -> None:
        """Release the lock while this thread waits for AWS; a handler of botocore's `before-send`."""
        self._release()

    def reacquire(self, **_: object) -> None:
        """Acquire the lock again to read a response; a handler of botocore's `before-parse`."""
        if self._thread.in_call and not self._thread.holds_lock:
            self._acquire()

    def _acquire(self) -> None:
        self._waiting.add(threading.get_ident())
        self._cpu.acquire()
        if not self._not_paused.is_set():
            self._cpu.release()
            self._not_paused.wait(LONGEST_PAUSE)
            self._cpu.acquire()
        self._waiting.discard(threading.get_ident())
        self._thread.holds_lock = True

    def _release(self) -> None:
        if self._thread.holds_lock:
            self._thread.holds_lock = False
            self._cpu.release()

"""Whose turn it is to compute: of the threads that ask AWS, one at a time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

SEVERAL = 4  # threads; that two or three meet is chance
LONGEST_PAUSE = 5.0  # seconds for which nobody has a turn, whoever asks for quiet


class _OfThisThread(threading.local):
    calls = False
    has_the_turn = False


class Turns:
    """Lets one thread at a time make a request and read its answer; all of them may wait for AWS together.

    Python computes in one thread at a time, and hands round whose turn that is among all that want to: behind
    dozens of threads with an answer to read, whoever answers a scrape would wait for its turn too often.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._quiet = 0  # how many want it
        self._nobody_wants_quiet = threading.Event()
        self._nobody_wants_quiet.set()
        self._lock = threading.Lock()
        self._waiting: set[int] = set()  # threads
        self._of_this_thread = _OfThisThread()

    def are_scarce(self) -> bool:
        """Whether several threads wait for their turn."""
        return len(self._waiting) >= SEVERAL

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Give nobody a turn while the block runs, but for LONGEST_PAUSE at most: a scrape comes first."""
        with self._lock:
            self._quiet += 1
            self._nobody_wants_quiet.clear()
        try:
            yield
        finally:
            with self._lock:
                self._quiet -= 1
                if not self._quiet:
                    self._nobody_wants_quiet.set()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Make a call in the block, with `waits` and `goes_on` around what waits for AWS."""
        self._of_this_thread.calls = True
        self._take()
        try:
            yield
        finally:
            self._of_this_thread.calls = False
            self._give()

    def waits(self, **_: object) -> None:
        """It is another's turn: this thread waits for AWS. A handler of botocore's `before-send`."""
        self._give()

    def goes_on(self, **_: object) -> None:
        """Wait for a turn, with an answer to read. A handler of botocore's `before-parse`."""
        if self._of_this_thread.calls and not self._of_this_thread.has_the_turn:
            self._take()

    def _take(self) -> None:
        self._waiting.add(threading.get_ident())
        self._turn.acquire()
        if not self._nobody_wants_quiet.is_set():
            self._turn.release()
            self._nobody_wants_quiet.wait(LONGEST_PAUSE)
            self._turn.acquire()
        self._waiting.discard(threading.get_ident())
        self._of_this_thread.has_the_turn = True

    def _give(self) -> None:
        if self._of_this_thread.has_the_turn:
            self._of_this_thread.has_the_turn = False
            self._turn.release()

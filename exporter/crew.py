"""Threads that work for all scopes: so many at the same time, whatever holds some of them up."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

log = logging.getLogger(__name__)

PATIENCE = 1.0  # seconds after which one who works counts as held up
MOST_THREADS = 10_000


@dataclass(frozen=True, eq=False, slots=True)
class _Task:
    work: Callable[[], None]
    done: Future[None] = field(default_factory=Future)

    def run(self) -> None:
        try:
            self.work()
        except BaseException as error:
            log.exception("the exporter has a bug")
            self.done.set_exception(error)
        else:
            self.done.set_result(None)


class Crew:
    """Does what it is given, in the order it came.

    So many work at the same time: hundreds of threads that all want to compute keep each other from it, and
    whoever answers scrapes. One that is held up, by an AWS that hangs, say, makes room for another.

    Args:
        name: what its threads are called.
        at_once: how many work at the same time.
        clock: seconds on a clock that never goes back.
        patience: for how many seconds of work one counts.
    """

    def __init__(
        self, name: str, at_once: int, clock: Callable[[], float], patience: float = PATIENCE
    ) -> None:
        self._at_once = at_once
        self._clock = clock
        self._patience = patience
        self._threads = ThreadPoolExecutor(MOST_THREADS, thread_name_prefix=name)
        self._waiting: deque[_Task] = deque()
        self._since: dict[_Task, float] = {}  # what counts as being worked on, the longest first
        self._looks_again = False
        self._stopped = False
        self._lock = threading.Lock()

    def do(self, work: Callable[[], None]) -> Future[None]:
        """Do some work when its turn comes; never, when told to stop before."""
        task = _Task(work)
        with self._lock:
            self._waiting.append(task)
            self._begin()
        return task.done

    def stop(self) -> None:
        """Begin nothing more. What is under way is left to end by itself."""
        with self._lock:
            self._stopped = True
            self._begin()
            self._threads.shutdown(wait=False)

    def _begin(self) -> None:
        while task := self._next():
            self._threads.submit(self._work, task)
        if self._waiting and not self._looks_again:
            self._looks_again = True
            later = threading.Timer(self._patience, self._look_again)
            later.daemon = True
            later.start()

    def _look_again(self) -> None:
        with self._lock:
            self._looks_again = False
            self._begin()

    def _next(self) -> _Task | None:
        """Take what is to be begun now, if anything."""
        while self._waiting and (self._stopped or self._has_room()):
            task = self._waiting.popleft()
            if self._stopped:
                task.done.cancel()
            if task.done.set_running_or_notify_cancel():
                self._since[task] = self._clock()
                return task
        return None

    def _has_room(self) -> bool:
        if len(self._since) >= self._at_once:
            longest, since = next(iter(self._since.items()))
            if self._clock() < since + self._patience:
                return False
            del self._since[longest]
        return True

    def _work(self, first: _Task) -> None:
        task: _Task | None = first
        while task:
            task.run()
            with self._lock:
                self._since.pop(task, None)
                task = self._next()

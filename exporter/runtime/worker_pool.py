"""A pool of worker threads that all scopes share, so that a slow scope slows only itself."""

import threading
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")

PATIENCE = 1.0  # seconds after which a task no longer counts as running
MOST_THREADS = 10_000


@dataclass(eq=False, slots=True)
class _Task(Generic[T]):
    work: Callable[[], T]
    queue: "_Queue"
    done: Future[T] = field(default_factory=Future)

    def run(self) -> None:
        try:
            result = self.work()
        except BaseException as error:
            self.done.set_exception(error)
        else:
            self.done.set_result(result)


@dataclass(eq=False, slots=True)
class _Queue:
    """The tasks of one key: those that wait, how many run, and whether the last ones took too long."""

    key: Hashable
    waiting: deque[_Task[object]] = field(default_factory=deque)
    running: int = 0
    slow: bool = False


class WorkerPool:
    """Runs tasks in threads, fairly between keys. May be used from several threads.

    Hundreds of threads that compute at the same time keep each other, and the HTTP server, from working. So
    only `at_once` tasks run at a time. A task that takes longer than `patience`, because AWS does not answer,
    no longer counts, and the next one starts. Keys take turns, and a key whose tasks have been slow waits
    until no other key has a task.

    Args:
        name: prefix of the thread names.
        at_once: how many tasks run at the same time.
        clock: seconds on a monotonic clock.
        patience: after how many seconds a task no longer counts as running.
        per_key: how many tasks of one key run at the same time, slow ones included.
        busy: whether the threads there are want to compute more than they can: then all tasks take long, and
            none starts in place of another.
    """

    def __init__(
        self,
        name: str,
        at_once: int,
        clock: Callable[[], float],
        *,
        patience: float = PATIENCE,
        per_key: int = MOST_THREADS,
        busy: Callable[[], bool] = lambda: False,
    ) -> None:
        self._at_once = at_once
        self._clock = clock
        self._patience = patience
        self._per_key = per_key
        self._busy = busy
        self._threads = ThreadPoolExecutor(MOST_THREADS, thread_name_prefix=name)
        self._queues: dict[Hashable, _Queue] = {}
        self._prompt: deque[_Queue] = deque()  # queues with a task to start, in turn
        self._slow: deque[_Queue] = deque()  # likewise, those of slow keys
        self._since: dict[_Task[object], float] = {}  # tasks that count as running, the longest first
        self._looks_again = False
        self._stopped = False
        self._lock = threading.Lock()

    def submit(self, work: Callable[[], T], key: Hashable = None) -> Future[T]:
        """Run a task when its turn comes. The future is cancelled when the pool stops before that."""
        with self._lock:
            queue = self._queues.setdefault(key, _Queue(key))
            task = _Task(work, queue)
            queue.waiting.append(task)  # type: ignore[arg-type] # a future of any type
            if len(queue.waiting) == 1:
                self._enqueue(queue)
            self._start()
        return task.done

    def stop(self) -> None:
        """Start nothing more. Tasks that run are left to end by themselves."""
        with self._lock:
            self._stopped = True
            for queue in self._queues.values():
                while queue.waiting:
                    self._cancel(queue.waiting.popleft())
            self._threads.shutdown(wait=False)

    def _start(self) -> None:
        if self._stopped:
            for queue in self._queues.values():
                while queue.waiting:
                    self._cancel(queue.waiting.popleft())
            return
        while task := self._next():
            self._threads.submit(self._work, task)
        if (self._prompt or self._slow) and not self._looks_again:
            self._looks_again = True
            later = threading.Timer(self._patience, self._look_again)
            later.daemon = True
            later.start()

    def _look_again(self) -> None:
        with self._lock:
            self._looks_again = False
            self._start()

    def _enqueue(self, queue: _Queue) -> None:
        if queue.waiting and queue.running < self._per_key:
            (self._slow if queue.slow else self._prompt).append(queue)

    def _next(self) -> _Task[object] | None:
        """Take the task to start now, if any."""
        while (self._prompt or self._slow) and self._has_room():
            queue = (self._prompt or self._slow).popleft()
            task = queue.waiting.popleft() if queue.waiting else None
            if task and task.done.set_running_or_notify_cancel():
                queue.running += 1
                self._since[task] = self._clock()
                self._enqueue(queue)
                return task
            self._enqueue(queue)
        return None

    def _has_room(self) -> bool:
        if len(self._since) >= self._at_once:
            longest, since = next(iter(self._since.items()))
            if self._clock() < since + self._patience or self._busy():
                return False
            del self._since[longest]
            longest.queue.slow = True
        return True

    def _work(self, first: _Task[object]) -> None:
        task: _Task[object] | None = first
        while task:
            task.run()
            with self._lock:
                self._take_back(task)
                task = None if self._stopped else self._next()

    def _take_back(self, task: _Task[object]) -> None:
        queue = task.queue
        began = self._since.pop(task, None)
        queue.slow = began is None or self._clock() >= began + self._patience
        queue.running -= 1
        if queue.running == self._per_key - 1:
            self._enqueue(queue)
        if not (queue.running or queue.waiting or queue.slow):
            del self._queues[queue.key]

    def _cancel(self, task: _Task[object]) -> None:
        task.done.cancel()
        task.done.set_running_or_notify_cancel()

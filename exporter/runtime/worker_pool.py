"""A pool of worker threads shared by all scopes, in which a slow scope delays only itself."""

import threading
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")

PATIENCE = 1.0  # seconds after which a task counts as slow
MAX_THREADS = 10_000


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
    """The tasks of one key: waiting tasks, number of running tasks, and whether the last ones were slow."""

    key: Hashable
    waiting: deque[_Task[object]] = field(default_factory=deque)
    running: int = 0
    slow: bool = False


class WorkerPool:
    """Runs tasks in threads and schedules keys fairly. Thread-safe.

    Hundreds of threads that compute at the same time would starve each other and the HTTP server, so at most
    `at_once` tasks run at a time. A task that takes longer than `patience`, because AWS does not respond,
    no longer counts towards that limit, so the next one starts. Keys are served round-robin. A key with slow
    tasks is served only when no other key has a task waiting.

    Args:
        name: prefix of the thread names.
        at_once: maximum number of concurrent tasks.
        clock: seconds on a monotonic clock.
        patience: seconds after which a task no longer counts towards `at_once`.
        per_key: maximum number of concurrent tasks of one key, including slow ones.
        busy: returns whether threads compete for the interpreter. Then all tasks are slow, and the pool
            starts no task in place of a slow one.
    """

    def __init__(
        self,
        name: str,
        at_once: int,
        clock: Callable[[], float],
        *,
        patience: float = PATIENCE,
        per_key: int = MAX_THREADS,
        busy: Callable[[], bool] = lambda: False,
    ) -> None:
        self._at_once = at_once
        self._clock = clock
        self._patience = patience
        self._per_key = per_key
        self._busy = busy
        self._threads = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix=name)
        self._queues: dict[Hashable, _Queue] = {}
        self._fast: deque[_Queue] = deque()  # queues with a task to start, in round-robin order
        self._slow: deque[_Queue] = deque()  # the same for slow keys
        self._started_at: dict[_Task[object], float] = {}  # tasks that count towards the limit, oldest first
        self._timer_set = False
        self._stopped = False
        self._lock = threading.Lock()

    def submit(self, work: Callable[[], T], key: Hashable = None) -> Future[T]:
        """Queue a task. If the pool stops before the task starts, its future is cancelled."""
        with self._lock:
            queue = self._queues.setdefault(key, _Queue(key))
            task = _Task(work, queue)
            queue.waiting.append(task)  # type: ignore[arg-type] # a future of any type
            if len(queue.waiting) == 1:
                self._enqueue(queue)
            self._start()
        return task.done

    def stop(self) -> None:
        """Start no more tasks. Running tasks are not interrupted."""
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
        if (self._fast or self._slow) and not self._timer_set:
            self._timer_set = True
            timer = threading.Timer(self._patience, self._on_timer)
            timer.daemon = True
            timer.start()

    def _on_timer(self) -> None:
        with self._lock:
            self._timer_set = False
            self._start()

    def _enqueue(self, queue: _Queue) -> None:
        if queue.waiting and queue.running < self._per_key:
            (self._slow if queue.slow else self._fast).append(queue)

    def _next(self) -> _Task[object] | None:
        """Return the next task to start now, if any."""
        while (self._fast or self._slow) and self._has_room():
            queue = (self._fast or self._slow).popleft()
            task = queue.waiting.popleft() if queue.waiting else None
            if task and task.done.set_running_or_notify_cancel():
                queue.running += 1
                self._started_at[task] = self._clock()
                self._enqueue(queue)
                return task
            self._enqueue(queue)
        return None

    def _has_room(self) -> bool:
        if len(self._started_at) >= self._at_once:
            oldest, started_at = next(iter(self._started_at.items()))
            if self._clock() < started_at + self._patience or self._busy():
                return False
            del self._started_at[oldest]
            oldest.queue.slow = True
        return True

    def _work(self, first: _Task[object]) -> None:
        task: _Task[object] | None = first
        while task:
            task.run()
            with self._lock:
                self._finish(task)
                task = None if self._stopped else self._next()

    def _finish(self, task: _Task[object]) -> None:
        queue = task.queue
        started_at = self._started_at.pop(task, None)
        queue.slow = started_at is None or self._clock() >= started_at + self._patience
        queue.running -= 1
        if queue.running == self._per_key - 1:
            self._enqueue(queue)
        if not (queue.running or queue.waiting or queue.slow):
            del self._queues[queue.key]

    def _cancel(self, task: _Task[object]) -> None:
        task.done.cancel()
        task.done.set_running_or_notify_cancel()

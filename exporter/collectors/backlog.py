"""The jobs from before the start, as lists that are still to be read."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from exporter.aws import AwsError
from exporter.model import Answer

Filters = Mapping[str, Any]
Page = list[Answer]


class Backlog:
    """Lists that are still to be read, page by page, in their order. May be used from several threads.

    Args:
        lists: the filters of each.
        ask: begins to read a list.
    """

    def __init__(self, lists: Iterable[Filters], ask: Callable[[Filters], Iterator[Page]]) -> None:
        self._lists = deque(lists)
        self._ask = ask
        self._pages: _ReadAhead | None = None
        self._lock = threading.Lock()

    @property
    def next_list(self) -> Filters | None:
        """The filters of the list that the next page is from; None when all is read."""
        return self._lists[0] if self._lists else None

    def read(self, enter: Callable[[Page], object]) -> None:
        """Read one more page.

        Raises:
            AwsError: it did not get through; the next call asks for the same page again.
        """
        with self._lock:
            if not self._lists:
                return
            if self._pages is None:
                self._pages = _ReadAhead(self._ask(self._lists[0]))
            try:
                enter(next(self._pages))
            except StopIteration:
                self._lists.popleft()
                self._stop_reading_ahead()
            except AwsError as error:
                if not error.may_pass:
                    self._stop_reading_ahead()
                raise

    def _stop_reading_ahead(self) -> None:
        if self._pages:
            self._pages.close()
        self._pages = None


class _ReadAhead:
    """Pages, the next of which is on its way while one is worked on. One that failed is asked for again."""

    def __init__(self, pages: Iterator[Page]) -> None:
        self._pages = pages
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
        self._coming: Future[Page] | None = None

    def __next__(self) -> Page:
        coming, self._coming = self._coming or self._ask(), None
        page = coming.result()
        self._coming = self._ask()
        return page

    def close(self) -> None:
        """Let the thread go; what is on its way is not waited for."""
        self._thread.shutdown(wait=False)

    def _ask(self) -> Future[Page]:
        return self._thread.submit(next, self._pages)

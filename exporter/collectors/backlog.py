"""The lists of earlier jobs that are still to be read after the start."""

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
    """Reads lists one after the other, page by page. Thread-safe.

    Args:
        lists: the filters of each list.
        pages: returns the pages of a list.
    """

    def __init__(self, lists: Iterable[Filters], pages: Callable[[Filters], Iterator[Page]]) -> None:
        self._lists = deque(lists)
        self._pages_of = pages
        self._pages: _ReadAhead | None = None
        self._lock = threading.Lock()

    @property
    def next_list(self) -> Filters | None:
        """The filters of the list that is read next; None when all lists are read."""
        return self._lists[0] if self._lists else None

    def read(self, record: Callable[[Page], object]) -> None:
        """Read one more page and record it.

        Raises:
            AwsError: a call failed; the next call of this method reads the same page again.
        """
        with self._lock:
            if not self._lists:
                return
            if self._pages is None:
                self._pages = _ReadAhead(self._pages_of(self._lists[0]))
            try:
                record(next(self._pages))
            except StopIteration:
                self._lists.popleft()
                self._stop_reading_ahead()
            except AwsError as error:
                if not error.is_temporary:
                    self._stop_reading_ahead()
                raise

    def _stop_reading_ahead(self) -> None:
        if self._pages:
            self._pages.close()
        self._pages = None


class _ReadAhead:
    """Requests the next page while the current one is processed; repeats a request that failed."""

    def __init__(self, pages: Iterator[Page]) -> None:
        self._pages = pages
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
        self._next_page: Future[Page] | None = None

    def __next__(self) -> Page:
        page_future, self._next_page = self._next_page or self._request(), None
        page = page_future.result()
        self._next_page = self._request()
        return page

    def close(self) -> None:
        """Stop reading, without waiting for a request in progress."""
        self._thread.shutdown(wait=False)

    def _request(self) -> Future[Page]:
        return self._thread.submit(next, self._pages)

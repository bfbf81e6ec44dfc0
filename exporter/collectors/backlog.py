"""The lists of earlier jobs that are still to be read after the start."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from exporter.aws import AwsError, Rows

Filters = Mapping[str, Any]


class Backlog:
    """Reads lists one after the other, page by page. Thread-safe.

    Args:
        lists: the filters of each list.
        pages: returns the pages of a list.
        whole: the filters of a list that contains all the others. Its first page is read before them. If it
            has only one page, as in most accounts, the others are not read.
    """

    def __init__(
        self,
        lists: Iterable[Filters],
        pages: Callable[[Filters], Iterator[Rows]],
        *,
        whole: Filters | None = None,
    ) -> None:
        self._lists = deque(lists)
        self._whole = whole
        self._pages_of = pages
        self._pages: _ReadAhead | None = None
        self._lock = threading.Lock()

    @property
    def next_list(self) -> Filters | None:
        """The filters of the list that is read next; None when all lists are read."""
        if self._whole is not None:
            return self._whole
        return self._lists[0] if self._lists else None

    def read(self, record: Callable[[Rows], object]) -> None:
        """Read one more page and record it.

        Raises:
            AwsError: a call failed; the next call of this method reads the same page again.
        """
        with self._lock:
            if self._whole is not None:
                page = next(self._pages_of(self._whole))
                record(page)
                self._whole = None
                if page.is_last:
                    self._lists.clear()
            elif self._lists:
                self._read_next(self._lists[0], record)

    def _read_next(self, filters: Filters, record: Callable[[Rows], object]) -> None:
        if self._pages is None:
            self._pages = _ReadAhead(self._pages_of(filters))
        try:
            page = next(self._pages)
            record(page)
        except AwsError as error:
            if not error.is_temporary:
                self._stop_reading_ahead()
            raise
        if page.is_last:
            self._lists.popleft()
            self._stop_reading_ahead()

    def _stop_reading_ahead(self) -> None:
        if self._pages:
            self._pages.close()
        self._pages = None


class _ReadAhead:
    """Requests the next page while the current one is processed; repeats a request that failed."""

    def __init__(self, pages: Iterator[Rows]) -> None:
        self._pages = pages
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")  # starts with the second page
        self._next_page: Future[Rows] | None = None

    def __next__(self) -> Rows:
        page_future, self._next_page = self._next_page, None
        page = page_future.result() if page_future else next(self._pages)
        if not page.is_last:
            self._next_page = self._thread.submit(next, self._pages)
        return page

    def close(self) -> None:
        """Stop reading, without waiting for a request in progress."""
        self._thread.shutdown(wait=False)

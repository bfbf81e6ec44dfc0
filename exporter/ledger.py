"""All that is known of one scope, and the lock around it."""

import math
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from exporter.book import Book
from exporter.configured import ConfiguredIds
from exporter.kinds import Kind
from exporter.model import Health, Plan, Scope, Vault
from exporter.resources import Resources


class Ledger:
    """All that is known of one scope: its jobs, how its collectors fare, what was asked of AWS.

    Every method may be called from any thread.

    Args:
        scope: whose ledger this is.
        books: one for each kind of job.
        max_jobs: how many jobs of all kinds together may have series; the oldest sealed ones yield.
        collectors: names of the collectors that run in this scope.
        labels: static labels for all series of the scope.
        account_id: the account to assume where a job and its ARNs tell none.
        configured: the job ids that the configuration names.
        resources: what is known of resources; None when nobody asks for them.
    """

    def __init__(
        self,
        scope: Scope,
        books: Iterable[Book],
        *,
        max_jobs: int,
        collectors: Iterable[str] = (),
        labels: Mapping[str, str] = MappingProxyType({}),
        account_id: str = "",
        configured: ConfiguredIds | None = None,
        resources: Resources | None = None,
    ) -> None:
        self.scope = scope
        self.labels = tuple(sorted(labels.items()))
        self.account_id = account_id
        self.configured = configured or ConfiguredIds()
        self._books = {book.kind.name: book for book in books}
        for book in self._books.values():
            book.account_id = account_id
        self.vaults: tuple[Vault, ...] = ()
        self.plans: tuple[Plan, ...] = ()
        self.follows_resources = resources is not None
        self._resources = resources or Resources({}, lambda _: None)
        self._max_jobs = max_jobs
        self._health = dict.fromkeys(collectors, Health())
        self._calls: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def open(self, kind: Kind) -> Iterator[Book]:
        """Work on one book while nobody else does; the limit on series holds again afterwards."""
        with self._lock:
            yield self._books[kind.name]
            self._keep_to_the_limit()

    @contextmanager
    def open_resources(self) -> Iterator[Resources]:
        """Work on what is known of resources while nobody else does."""
        with self._lock:
            yield self._resources

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of job that have a book."""
        return tuple(book.kind for book in self._books.values())

    def count_call(self, operation: str, code: str) -> None:
        """Take note of one attempt to call AWS."""
        with self._lock:
            self._calls[operation, code] += 1

    def calls(self) -> dict[tuple[str, str], int]:
        """How often each operation was attempted, by how it ended."""
        with self._lock:
            return dict(self._calls)

    def set_health(self, collector: str, health: Health) -> None:
        """Take note of how a collector's refresh ended."""
        with self._lock:
            self._health[collector] = health

    def health(self) -> dict[str, Health]:
        """How each collector fares."""
        with self._lock:
            return dict(self._health)

    def _keep_to_the_limit(self) -> None:
        books = self._books.values()
        over = sum(book.active_count + book.finished_count for book in books) - self._max_jobs
        while over > 0:
            oldest = min(books, key=lambda book: book.oldest_sealed)
            if math.isinf(oldest.oldest_sealed):
                return
            over -= oldest.drop_oldest(over)

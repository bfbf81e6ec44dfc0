"""Credentials that many threads share: fetched when first needed, renewed in time, not all the time."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Semaphore

import pytest
from botocore.credentials import Credentials

from exporter.aws.credentials import (
    RENEWAL_RETRY_INTERVAL,
    RETRY_INTERVAL,
    CachedCredentials,
    FetchedCredentials,
)
from exporter.aws.errors import AwsError
from exporter.model.records import Fault
from tests.support.harness import Clock

LONG = 20.0  # seconds until a test gives up
FRESH, VALID = 600.0, 900.0
DENIED = AwsError(Fault("AccessDenied", "no", "allow it"), 403)
STUMBLED = AwsError(Fault("InternalFailure", "oops", ""), 500)


class WatchedClock(Clock):
    """A clock that tells when it is looked at."""

    looked_at: Callable[[], object] = staticmethod(lambda: None)

    def __call__(self) -> float:
        """Tell the time."""
        self.looked_at()
        return super().__call__()


class Source:
    """Gives new credentials each time, or what it is told to."""

    def __init__(self) -> None:
        self.clock = WatchedClock()
        self.asked: list[bool] = []
        self.learned: list[str] = []
        self.failure: AwsError | None = None
        self.meanwhile: Callable[[], object] = lambda: None
        self.cached = CachedCredentials(
            self.fetch, self.clock, lambda credentials: self.learned.append(credentials.access_key)
        )

    def fetch(self, start_over: bool) -> FetchedCredentials:
        """Count and answer."""
        self.asked.append(start_over)
        self.meanwhile()
        if self.failure:
            raise self.failure
        return FetchedCredentials(Credentials(f"KEY{len(self.asked)}", "secret"), FRESH, VALID)

    def key(self) -> str:
        """The access key id to use now."""
        return str(self.cached.get().access_key)


@pytest.fixture
def source() -> Source:
    """A source that has not been asked."""
    return Source()


@pytest.fixture
def others() -> Iterator[ThreadPoolExecutor]:
    """Other threads."""
    with ThreadPoolExecutor(8) as pool:
        yield pool


def test_fetched_when_first_needed_and_kept(source: Source) -> None:
    """Credentials are fetched once, when first needed, as long as they are fresh."""
    assert source.asked == []
    assert [source.key(), source.key()] == ["KEY1", "KEY1"]
    source.clock.advance(FRESH - 1)
    assert source.key() == "KEY1"
    assert source.asked == [False]


def test_renewed_before_they_expire(source: Source) -> None:
    """Credentials that are no longer fresh are replaced while they are still good."""
    source.key()
    source.clock.advance(FRESH)
    assert [source.key(), source.key()] == ["KEY2", "KEY2"]


def test_nobody_waits_for_a_renewal(source: Source, others: ThreadPoolExecutor) -> None:
    """While one thread renews credentials that are still good, the others go on with those."""
    source.key()
    source.clock.advance(FRESH)
    begun, let_go = Event(), Event()

    def wait() -> None:
        begun.set()
        assert let_go.wait(LONG)

    source.meanwhile = wait
    renewing = others.submit(source.key)
    assert begun.wait(LONG)
    assert source.key() == "KEY1"
    let_go.set()
    assert renewing.result(LONG) == "KEY2"


def test_a_renewal_that_fails_leaves_what_is_good(source: Source) -> None:
    """When renewing fails the old credentials are used until they expire; then the failure is told."""
    source.key()
    source.failure = DENIED
    source.clock.advance(FRESH)
    assert [source.key(), source.key()] == ["KEY1", "KEY1"]
    assert len(source.asked) == 2
    source.clock.advance(RENEWAL_RETRY_INTERVAL)
    source.key()
    assert len(source.asked) == 3
    source.clock.advance(VALID)
    with pytest.raises(AwsError, match="no"):
        source.key()


def test_all_who_wait_share_one_failure(source: Source, others: ThreadPoolExecutor) -> None:
    """Threads that wait for credentials while fetching them fails do not each try again."""
    begun, let_go = Event(), Event()

    def wait() -> None:
        begun.set()
        assert let_go.wait(LONG)

    source.meanwhile, source.failure = wait, STUMBLED
    first = others.submit(source.key)
    assert begun.wait(LONG)
    looked = Semaphore(0)
    source.clock.looked_at = looked.release
    waiting = [others.submit(source.key) for _ in range(4)]
    assert all(looked.acquire(timeout=LONG) for _ in waiting)
    let_go.set()
    assert [one.exception(LONG) for one in (first, *waiting)] == [STUMBLED] * 5
    assert source.asked == [False]


def test_a_refusal_is_not_asked_for_all_the_time(source: Source) -> None:
    """What was denied is told to all for a second, and then tried again."""
    source.failure = DENIED
    for _ in range(3):
        with pytest.raises(AwsError):
            source.key()
    assert source.asked == [False]
    source.failure = None
    source.clock.advance(RETRY_INTERVAL)
    assert source.key() == "KEY2"
    assert source.asked == [False, True]


def test_a_stumble_is_tried_again_at_once(source: Source) -> None:
    """A failure that may pass is not kept: the attempts of a call are attempts at its credentials too."""
    source.failure = STUMBLED
    with pytest.raises(AwsError):
        source.key()
    source.failure = None
    assert source.key() == "KEY2"


def test_refused_credentials_are_fetched_anew_once(source: Source) -> None:
    """However many calls AWS refuses, the credentials are fetched anew once, a second later."""
    refused = source.cached.get()
    for _ in range(3):
        source.cached.mark_rejected(refused)
    assert source.key() == "KEY1"
    source.clock.advance(RETRY_INTERVAL)
    assert source.key() == "KEY2"
    source.cached.mark_rejected(refused)
    source.clock.advance(RETRY_INTERVAL)
    assert source.key() == "KEY2"
    assert source.asked == [False, True]


def test_credentials_are_told_before_they_are_used(source: Source) -> None:
    """Whoever has to know what is secret is told of credentials when they are new, once."""
    source.key()
    source.key()
    source.clock.advance(FRESH)
    source.key()
    assert source.learned == ["KEY1", "KEY2"]

"""Calls to AWS that run at the same time."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Protocol, TypeVar

from exporter.aws import AwsError
from exporter.model import Scope

T = TypeVar("T")

MAX_FAILURES = 5  # calls that fail before any succeeds, after which the calls still queued are not made


class CallPool(Protocol):
    """Runs calls to AWS at the same time, fairly between scopes."""

    def submit(self, work: Callable[[], T], key: Scope) -> Future[T]:
        """Queue a call of a scope."""


def wait_for_all(calls: Sequence[Future[T]]) -> list[T]:
    """Wait for calls that run at the same time; if the first ones all fail, cancel those still queued.

    Raises:
        AwsError: the first failure.
    """
    results: list[T] = []
    failures: list[AwsError] = []
    for call in calls:
        if len(failures) >= MAX_FAILURES and not results and call.cancel():
            continue
        try:
            results.append(call.result())
        except AwsError as error:
            failures.append(error)
    if failures:
        raise failures[0]
    return results

"""Calls AWS for one scope: calls are rate-limited, retried, counted and checked."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, Protocol

from exporter.aws.errors import AwsError, malformed
from exporter.aws.parsing import LEFT_OUT, LeftOut
from exporter.aws.request_budget import Budget
from exporter.aws.services import service_of
from exporter.model import Answer

RETRY_PAUSES = (0.1, 0.4)  # seconds before the second and the third attempt
RESERVE_WAIT = 1.0  # seconds for which a background call waits before it uses tokens reserved for scrapes


class Transport(Protocol):
    """Makes the calls of one target, as `TargetClient` does."""

    def call(self, region: str, operation: str, **parameters: Any) -> Answer:
        """Make one call."""


class Meter(Protocol):
    """Counts calls to AWS."""

    def __call__(self, operation: str, code: str, seconds: float) -> None:
        """Record one attempt: its result (`ok` or the code of the fault) and its duration in seconds."""


Omissions = Callable[[str, Sequence[LeftOut]], None]
"""Called with the operation and the malformed values that were left out of the response."""


class Rows(list[Answer]):
    """Rows of a list.

    Attributes:
        complete: whether all rows of the response are present; malformed ones are left out.
        is_last: whether the list has no more pages.
    """

    complete = True
    is_last = False

    @classmethod
    def of(cls, values: Iterable[Answer | None]) -> "Rows":
        """Take the rows of a response, in which malformed ones are None."""
        everything = [*values]
        rows = cls(row for row in everything if row is not None)
        rows.complete = len(rows) == len(everything)
        return rows


class OverBudgetError(Exception):
    """The request budget is exhausted; the call has to wait for a later refresh."""


class BackupApi:
    """Calls AWS Backup and related services for one target in one Region. Thread-safe.

    The operation determines the service. All services share the request budget.

    Args:
        target: makes the calls of the target.
        region: one of the target's Regions.
        budget: the token bucket of all attempts.
        meter: called after each attempt.
        omissions: called with the malformed values of a response.
        clock: seconds on a monotonic clock.
        sleep: waits for a number of seconds.
        on_date: called with the `Date` header of each response from AWS.
        limit_cpu: a context in which only one thread at a time does CPU-bound work.

    Attributes:
        budget, limit_cpu: as in the arguments.
    """

    def __init__(
        self,
        target: Transport,
        region: str,
        *,
        budget: Budget,
        meter: Meter,
        omissions: Omissions,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        on_date: Callable[[str], None] = lambda _: None,
        limit_cpu: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.budget = budget
        self.limit_cpu = limit_cpu
        self._target = target
        self._region = region
        self._meter = meter
        self._omissions = omissions
        self._clock = clock
        self._sleep = sleep
        self._on_date = on_date

    def call(
        self, operation: str, member: str, *, reserve: float = 0.0, max_wait: float = 0.0, **parameters: Any
    ) -> Answer:
        """Make one call. Malformed fields of the response are absent, malformed rows of a list are None.

        Args:
            operation: as AWS spells it (`DescribeBackupJob`).
            member: a field that the response always has.
            reserve: tokens to leave in the budget.
            max_wait: seconds to wait for a token.
            parameters: the call's parameters, as AWS spells them.

        Raises:
            AwsError: AWS refused the call or could not be reached, or the response is malformed.
            OverBudgetError: there was no token within `max_wait`.
        """
        self._acquire_token(reserve, max_wait)
        for pause in RETRY_PAUSES:
            try:
                return self._attempt(operation, member, parameters)
            except AwsError as error:
                if not error.is_transient or not self.budget.try_acquire():
                    raise
            self._sleep(pause)
        return self._attempt(operation, member, parameters)

    def pages(
        self, operation: str, member: str, *, reserve: float = 0.0, max_wait: float = 0.0, **parameters: Any
    ) -> Iterator[Rows]:
        """Read the pages of a list; a short or empty page may be followed by others.

        After a failure, the next step requests the same page again.

        Raises:
            AwsError, OverBudgetError: as `call`; AwsError also if AWS repeats a token.
        """
        service = service_of(operation)
        fetch = partial(
            self.call,
            operation,
            member,
            reserve=reserve,
            max_wait=max_wait,
            **{service.page_size: service.largest_page},
            **parameters,
        )
        return _Pages(fetch, operation, member, service.page_token)

    def _acquire_token(self, reserve: float, max_wait: float) -> None:
        started = self._clock()
        while not self.budget.try_acquire(reserve=reserve):
            waited = self._clock() - started
            if waited > RESERVE_WAIT:
                reserve = 0.0
            wait = self.budget.wait_time(reserve=reserve)
            if waited + wait > max_wait:
                raise OverBudgetError
            self._sleep(max(wait, 0.001))

    def _attempt(self, operation: str, member: str, parameters: Mapping[str, Any]) -> Answer:
        started = self._clock()
        code = "ok"
        try:
            return self._check(operation, member, parameters)
        except AwsError as error:
            code = error.fault.code
            if error.is_throttling:
                self.budget.reduce_rate()
            raise
        finally:
            self._meter(operation, code, self._clock() - started)

    def _check(self, operation: str, member: str, parameters: Mapping[str, Any]) -> Answer:
        answer, failure = self._send(operation, parameters)
        # botocore parses HTML, truncated JSON or another shape as an empty response, without an exception.
        if failure is None and (not isinstance(answer, Mapping) or answer.get(member) is None):
            failure = malformed(operation, f"the response has no {member}")
        if failure is None or failure.is_from_aws:
            self._report_date(answer)
        if failure:
            raise failure
        if left_out := answer.get(LEFT_OUT):
            self._omissions(operation, left_out)
        return answer

    def _send(self, operation: str, parameters: Mapping[str, Any]) -> tuple[Answer, AwsError | None]:
        """Make one attempt. Returns the response, even if it is an error, and the failure."""
        try:
            return self._target.call(self._region, operation, **parameters), None
        except AwsError as error:
            return getattr(error.__cause__, "response", {}), error

    def _report_date(self, answer: object) -> None:
        """Pass on the `Date` header of a response, even if it is an error."""
        metadata = answer.get("ResponseMetadata") if isinstance(answer, Mapping) else None
        date = metadata.get("HTTPHeaders", {}).get("date") if isinstance(metadata, Mapping) else None
        if date:
            self._on_date(date)


class _Pages(Iterator[Rows]):
    def __init__(self, fetch: Callable[..., Answer], operation: str, member: str, token_name: str) -> None:
        self._fetch = fetch
        self._operation = operation
        self._member = member
        self._token_name = token_name
        self._token: object = ""
        self._used: set[object] = set()

    def __next__(self) -> Rows:
        if self._token is None:
            raise StopIteration
        answer = self._fetch(**self._from_token())
        self._used.add(self._token)
        token = answer.get(self._token_name)
        self._token = None if token == "" else token
        rows = Rows.of(answer[self._member])
        rows.is_last = self._token is None
        return rows

    def _from_token(self) -> dict[str, str]:
        if not isinstance(self._token, str):
            raise malformed(self._operation, f"{self._token_name} is not a string")
        if self._token in self._used:
            raise malformed(self._operation, f"{self._token_name} is repeated")
        return {self._token_name: self._token} if self._token else {}

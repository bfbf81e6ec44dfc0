"""Calls AWS Backup for one scope: each call is counted, limited in rate, retried and checked."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from exporter.aws.errors import AwsError, malformed
from exporter.aws.parsing import LEFT_OUT, LeftOut
from exporter.aws.request_budget import Budget
from exporter.aws.target_client import TargetClient

PAGE_SIZE = 1000
RETRY_PAUSES = (0.1, 0.4)  # seconds before the second and the third attempt
YIELDING = 1.0  # seconds for which background work leaves tokens to the scrapes before it takes its turn

Answer = Mapping[str, Any]


class Meter(Protocol):
    """Whoever counts calls to AWS."""

    def __call__(self, operation: str, code: str, seconds: float) -> None:
        """Take note of one attempt: how it ended (`ok` or a fault's code), and its seconds."""


Omissions = Callable[[str, Sequence[LeftOut]], None]
"""Whoever is told of an operation's answer, and what of it could not be read."""


class Rows(list[Answer]):
    """Rows of a list.

    Attributes:
        complete: whether each row that AWS gave is among them; one that cannot be read is not.
    """

    complete = True

    @classmethod
    def of(cls, told: Iterable[Answer | None]) -> "Rows":
        """Take the rows of an answer, in which None stands for one that could not be read."""
        everything = [*told]
        rows = cls(row for row in everything if row is not None)
        rows.complete = len(rows) == len(everything)
        return rows


class OverBudgetError(Exception):
    """The request budget is spent; what was asked must wait for a later refresh."""


class BackupApi:
    """Asks AWS Backup about one target in one Region. May be called from several threads at once.

    Args:
        target: the way into the target.
        region: which of the target's Regions.
        budget: what each attempt takes a token from.
        meter: told of each attempt.
        omissions: told of what could not be read of an answer.
        clock: seconds on a clock that never goes back.
        sleep: waits so many seconds.
        hear_time: told the `Date` header of each answer of AWS.
    """

    def __init__(
        self,
        target: TargetClient,
        region: str,
        *,
        budget: Budget,
        meter: Meter,
        omissions: Omissions,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        hear_time: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.budget = budget
        self._target = target
        self._region = region
        self._meter = meter
        self._omissions = omissions
        self._clock = clock
        self._sleep = sleep
        self._hear_time = hear_time

    def call(
        self, operation: str, member: str, *, leaving: float = 0.0, patience: float = 0.0, **asked: Any
    ) -> Answer:
        """Make one call. Of what cannot be read of its answer, a field is absent and a row of a list None.

        Args:
            operation: as AWS spells it (`DescribeBackupJob`).
            member: the field that the answer to this call always has.
            leaving: tokens of the budget to leave for others.
            patience: how many seconds to wait for a token.
            asked: the call's parameters, as AWS spells them.

        Raises:
            AwsError: AWS refused, could not be reached, or what came is not its answer.
            OverBudgetError: no token was free in time.
        """
        self._take_token(leaving, patience)
        for pause in RETRY_PAUSES:
            try:
                return self._attempt(operation, member, asked)
            except AwsError as error:
                if not error.is_transient or not self.budget.try_take():
                    raise
            self._sleep(pause)
        return self._attempt(operation, member, asked)

    def pages(
        self, operation: str, member: str, *, leaving: float = 0.0, patience: float = 0.0, **asked: Any
    ) -> Iterator[Rows]:
        """Walk a list call's pages; a short or empty page may well be followed by another.

        A page that did not come through is asked for again by the next step.

        Raises:
            AwsError, OverBudgetError: as `call`; AwsError also when AWS repeats a token.
        """
        ask = partial(
            self.call, operation, member, leaving=leaving, patience=patience, MaxResults=PAGE_SIZE, **asked
        )
        return _Pages(ask, operation, member)

    def _take_token(self, leaving: float, patience: float) -> None:
        began = self._clock()
        while not self.budget.try_take(leaving=leaving):
            waited = self._clock() - began
            if waited > YIELDING:
                leaving = 0.0
            wait = self.budget.wait_for_one(leaving=leaving)
            if waited + wait > patience:
                raise OverBudgetError
            self._sleep(max(wait, 0.001))

    def _attempt(self, operation: str, member: str, asked: Mapping[str, Any]) -> Answer:
        began = self._clock()
        code = "ok"
        try:
            return self._ask(operation, member, asked)
        except AwsError as error:
            code = error.fault.code
            if error.is_throttling:
                self.budget.slow_down()
            raise
        finally:
            self._meter(operation, code, self._clock() - began)

    def _ask(self, operation: str, member: str, asked: Mapping[str, Any]) -> Answer:
        answer, failure = self._send(operation, asked)
        # botocore takes HTML, cut JSON or another shape for an empty answer, without an exception.
        if failure is None and (not isinstance(answer, Mapping) or answer.get(member) is None):
            failure = malformed(operation, f"an answer without {member}")
        if failure is None or failure.is_from_aws:
            self._hear(answer)
        if failure:
            raise failure
        if left_out := answer.get(LEFT_OUT):
            self._omissions(operation, left_out)
        return answer

    def _send(self, operation: str, asked: Mapping[str, Any]) -> tuple[Answer, AwsError | None]:
        """Make one attempt. Gives the answer, also one that refuses, and what went wrong."""
        try:
            return self._target.call(self._region, operation, **asked), None
        except AwsError as error:
            return getattr(error.__cause__, "response", {}), error

    def _hear(self, answer: object) -> None:
        """Pass on the time that AWS tells with an answer, also with one that refuses."""
        metadata = answer.get("ResponseMetadata") if isinstance(answer, Mapping) else None
        date = metadata.get("HTTPHeaders", {}).get("date") if isinstance(metadata, Mapping) else None
        if date:
            self._hear_time(date)


class _Pages(Iterator[Rows]):
    def __init__(self, ask: Callable[..., Answer], operation: str, member: str) -> None:
        self._ask = ask
        self._operation = operation
        self._member = member
        self._token: object = ""
        self._used: set[object] = set()

    def __next__(self) -> Rows:
        if self._token is None:
            raise StopIteration
        answer = self._ask(**self._from_token())
        self._used.add(self._token)
        token = answer.get("NextToken")
        self._token = None if token == "" else token
        return Rows.of(answer[self._member])

    def _from_token(self) -> dict[str, str]:
        if not isinstance(self._token, str):
            raise malformed(self._operation, "a NextToken that is no text")
        if self._token in self._used:
            raise malformed(self._operation, "the same NextToken came twice")
        return {"NextToken": self._token} if self._token else {}

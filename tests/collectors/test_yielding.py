"""Work in the background yields to scrapes, but not for ever."""

from typing import Any, cast

from botocore.exceptions import EndpointConnectionError

from exporter.aws import BackupApi, Budget, TargetClient
from exporter.aws.errors import from_boto
from tests.support.harness import REGION, Clock


class _EmptyAccount:
    """Answers every list with nothing."""

    def call(self, region: str, operation: str, **_: Any) -> dict[str, Any]:
        assert (region, operation) == (REGION, "ListBackupJobs")
        return {"BackupJobs": []}


def test_background_work_leaves_tokens_to_the_scrapes() -> None:
    """A caller that leaves tokens takes none while fewer than those are there."""
    budget = Budget(10, Clock())
    taken = 0
    while budget.try_acquire(reserve=budget.reserve):
        taken += 1
    assert taken == 10
    assert budget.available() == 10


def test_background_work_gets_its_turn_although_scrapes_are_greedy() -> None:
    """When scrapes never let the bucket fill up, the background is served after a while all the same."""
    clock = Clock()
    budget = Budget(10, clock)

    def sleep_while_scrapes_go_on(seconds: float) -> None:
        clock.advance(seconds)
        while budget.available() > 3:
            budget.try_acquire()

    sleep_while_scrapes_go_on(0)
    api = BackupApi(
        cast(TargetClient, _EmptyAccount()),
        REGION,
        budget=budget,
        meter=lambda *_: None,
        omissions=lambda *_: None,
        clock=clock,
        sleep=sleep_while_scrapes_go_on,
    )
    began = clock()
    assert api.call("ListBackupJobs", "BackupJobs", reserve=budget.reserve, max_wait=60)
    assert clock() > began


def test_a_password_in_the_endpoint_is_not_told() -> None:
    """When an endpoint with credentials in its URL cannot be reached, the reason leaves them out."""
    error = EndpointConnectionError(endpoint_url="http://user:hunter2@127.0.0.1:1/backup-jobs/")
    message = from_boto("ListBackupJobs", error).fault.message
    assert "hunter2" not in message
    assert "127.0.0.1:1" in message

"""Calls on record, quotas, failures and delays."""

from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from exporter.simulator.account import Account
from exporter.simulator.backend import Simulation
from exporter.simulator.errors import ApiError, RawAnswerError
from exporter.simulator.request_control import AWS_QUOTAS
from tests.simulator.conftest import NOW, REGION, Clock

DENIED = ApiError("AccessDeniedException", 403, "not allowed")


def codes(call: Any, times: int) -> list[str]:
    """Make a call several times; gives `ok` or the error's code for each."""
    results = []
    for _ in range(times):
        try:
            call()
            results.append("ok")
        except ClientError as error:
            results.append(error.response["Error"]["Code"])
    return results


class TestQuotas:
    @pytest.fixture
    def simulation(self, clock: Clock) -> Simulation:
        """Give accounts with AWS's quotas."""
        return Simulation(partial(Account, clock=clock, quotas=AWS_QUOTAS))

    def test_fifteen_describes_a_second(self, client: Any, account: Account, clock: Clock) -> None:
        """DescribeBackupJob is throttled beyond 15 calls a second, and works again as time passes."""
        account.put({"BackupJobId": "job", "State": "CREATED"})
        describe = partial(client.describe_backup_job, BackupJobId="job")
        assert codes(describe, 17) == ["ok"] * 15 + ["ThrottlingException"] * 2
        clock.advance(0.2)
        assert codes(describe, 4) == ["ok"] * 3 + ["ThrottlingException"]

    def test_twenty_lists_a_second(self, client: Any) -> None:
        """ListBackupJobs is throttled beyond 20 calls a second."""
        assert codes(client.list_backup_jobs, 21) == ["ok"] * 20 + ["ThrottlingException"]

    def test_operations_have_quotas_of_their_own(self, client: Any) -> None:
        """A throttled operation leaves the others alone."""
        codes(client.list_backup_jobs, 21)
        assert codes(client.list_restore_jobs, 1) == ["ok"]

    def test_fifty_calls_a_second_in_all(self, client: Any) -> None:
        """All calls together are throttled beyond 50 a second, those without a quota of their own too."""
        assert codes(client.list_copy_jobs, 51) == ["ok"] * 50 + ["ThrottlingException"]

    def test_regions_have_quotas_of_their_own(self, connect: Any) -> None:
        """A quota is for one Region."""
        codes(connect().list_copy_jobs, 51)
        assert codes(connect(region="us-east-1").list_copy_jobs, 1) == ["ok"]


def test_no_quotas_unless_asked_for(client: Any) -> None:
    """Without quotas nothing is throttled."""
    assert codes(client.list_backup_jobs, 60) == ["ok"] * 60


def test_throttling_is_an_http_400(client: Any, account: Account) -> None:
    """A throttled call is a ThrottlingException with HTTP status 400."""
    account.fail("ListBackupJobs", ApiError("ThrottlingException", 400, "Rate exceeded"))
    with pytest.raises(ClientError, match="Rate exceeded") as caught:
        client.list_backup_jobs()
    assert caught.value.response["Error"]["Code"] == "ThrottlingException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_an_operation_fails_so_many_times(client: Any, account: Account) -> None:
    """A failure for one operation strikes only that one, as often as was said."""
    account.fail("ListBackupJobs", DENIED, times=2)
    assert codes(client.list_copy_jobs, 1) == ["ok"]
    assert codes(client.list_backup_jobs, 3) == ["AccessDeniedException"] * 2 + ["ok"]


def test_everything_fails_until_it_recovers(client: Any, account: Account) -> None:
    """A failure for any operation strikes vaults and plans too, until it is taken back."""
    account.fail(None, DENIED)
    assert codes(client.list_backup_vaults, 2) == ["AccessDeniedException"] * 2
    account.recover()
    assert codes(client.list_backup_vaults, 1) == ["ok"]


@pytest.mark.parametrize("body", ["<html>proxy</html>", '{"BackupJobs": [{"Back', '{"Other": []}'])
def test_a_malformed_answer_raises_nothing(client: Any, account: Account, body: str) -> None:
    """A 200 that is not AWS's JSON makes boto3 return an answer without the result, and no error."""
    account.fail("ListBackupJobs", RawAnswerError(body))
    assert "BackupJobs" not in client.list_backup_jobs()


def test_calls_are_on_record(client: Any, account: Account, clock: Clock) -> None:
    """Every call is on record with its time, operation and parameters, those that fail too."""
    account.fail("ListBackupVaults", DENIED)
    client.list_backup_jobs(ByState="RUNNING", MaxResults=7)
    clock.advance(3)
    codes(client.list_backup_vaults, 1)
    assert account.calls == [
        (NOW, "ListBackupJobs", {"ByState": "RUNNING", "MaxResults": 7}),
        (NOW + 3, "ListBackupVaults", {}),
    ]
    account.forget_calls()
    assert account.calls == []


def test_a_delay_comes_before_each_answer(clock: Clock) -> None:
    """What was passed in as the delay runs with the operation's name before the answer is made."""
    heard: list[str] = []
    account = Account("123456789012", REGION, clock, delay=heard.append)
    account.admit("ListBackupJobs", {})
    assert heard == ["ListBackupJobs"]

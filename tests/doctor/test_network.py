"""What the doctor says when AWS cannot be reached, and of several targets and Regions."""

import pytest

from exporter.simulator.errors import ApiError
from tests.doctor.conftest import Doctor
from tests.e2e.aws import Aws
from tests.e2e.process import free_port
from tests.faults.wire import Wire, answers

WELL = {"credentials": "ok", "sts:GetCallerIdentity": "ok"}


def test_unreachable(doctor: Doctor) -> None:
    """An endpoint that nobody listens on is told with its address and with what to check."""
    closed = f"http://127.0.0.1:{free_port()}"
    told = doctor(AWS_ENDPOINT_URL_BACKUP=closed)
    permissions = [check for check in told.scope["checks"] if check["kind"] == "permission"]
    assert {check["result"] for check in permissions} == {"unreachable"}
    assert {check["fault"]["code"] for check in permissions} == {"connection"}
    assert all(closed in check["fault"]["message"] for check in permissions)
    assert all("proxy, VPC endpoint" in check["fault"]["remedy"] for check in permissions)
    assert told.code == 1


def test_a_region_that_is_spelled_wrong(doctor: Doctor) -> None:
    """When AWS cannot be reached in a Region that nobody knows, the remedy tells which one may be meant."""
    told = doctor(AWS_ENDPOINT_URL_BACKUP=f"http://127.0.0.1:{free_port()}", AWS_REGION="eu-wset-1")
    remedy = told.check("backup:ListBackupVaults")["fault"]["remedy"]
    assert 'eu-wset-1 is not a known Region of AWS Backup (did you mean "eu-west-1"?)' in remedy


def test_a_region_that_is_new(doctor: Doctor) -> None:
    """A Region that this version does not know is nothing wrong, as long as AWS answers there."""
    assert doctor(AWS_REGION="eu-west-9").code == 0


def test_no_region(aws: Aws, doctor: Doctor) -> None:
    """Without a Region anywhere that is told with what to do, and AWS is not asked."""
    told = doctor(AWS_REGION="")
    assert told.results() == {"credentials": "ok", "region": "missing"}
    assert "AWS_REGION" in told.check("region")["fault"]["remedy"]
    assert told.scope["aws_region"] == ""
    assert told.code == 1
    assert aws.account.calls == []


def test_hanging(aws: Aws, doctor: Doctor) -> None:
    """An AWS that does not answer is given up after the configured time-out."""
    aws.hang()
    told = doctor(config="targets: [{name: a}]\napi: {read_timeout: 300ms}")
    permissions = [check for check in told.scope["checks"] if check["kind"] == "permission"]
    assert {check["result"] for check in permissions} == {"unreachable"}
    assert {check["fault"]["code"] for check in permissions} == {"timeout"}
    assert "api.read_timeout" in permissions[0]["fault"]["remedy"]
    assert told.code == 1


@pytest.mark.parametrize("body", ["<html>Sign in to the network</html>", '{"BackupJobs"', "{}", "[]", '"x"'])
def test_something_else_answers(doctor: Doctor, wire: Wire, body: str) -> None:
    """Something that answers in the place of AWS, such as a proxy, is not taken for AWS."""
    wire.breakage = answers(200, body)
    told = doctor(AWS_ENDPOINT_URL_BACKUP=wire.endpoint_url)
    check = told.check("backup:ListBackupJobs")
    assert (check["result"], check["fault"]["code"]) == ("unreachable", "malformed")
    assert told.code == 1


def test_one_of_two_targets(doctor: Doctor) -> None:
    """A target that cannot be reached takes nothing from the other one."""
    closed = f"http://127.0.0.1:{free_port()}"
    targets = f"[{{name: broken, regions: [us-east-1], endpoint_url: '{closed}'}}, {{name: sound}}]"
    told = doctor(config=f"targets: {targets}\ncollectors: [vaults]")
    assert [scope["target"] for scope in told.scopes] == ["broken", "sound"]
    assert told.results(0) == WELL | {"backup:ListBackupVaults": "unreachable"}
    assert told.results(1) == WELL | {"backup:ListBackupVaults": "ok"}
    assert [scope["ok"] for scope in told.scopes] == [False, True]
    assert told.report["ok"] is False
    assert told.code == 1


def test_one_of_two_regions(aws: Aws, doctor: Doctor) -> None:
    """A Region that refuses takes nothing from the other one of the same target."""
    aws.account.fail(None, ApiError("UnrecognizedClientException", 403, "not enabled"))
    told = doctor(config="targets: [{name: a, regions: [eu-west-1, us-east-1]}]\ncollectors: [vaults]")
    assert told.results(0) == WELL | {"backup:ListBackupVaults": "refused"}
    assert told.results(1) == WELL | {"backup:ListBackupVaults": "ok"}
    assert told.code == 1


def test_the_same_account_twice(aws: Aws, doctor: Doctor) -> None:
    """Two targets that turn out to be the same account and Region are told: the second will get no series."""
    other = aws.endpoint_url.replace("127.0.0.1", "localhost")
    told = doctor(
        config=f"targets: [{{name: a}}, {{name: b, endpoint_url: '{other}'}}]\ncollectors: [vaults]"
    )
    assert told.results(0) == WELL | {"backup:ListBackupVaults": "ok"}
    assert told.results(1) == WELL | {"backup:ListBackupVaults": "ok", "123456789012": "duplicate"}
    assert "like target a" in told.check("123456789012", 1)["fault"]["message"]
    assert told.code == 1

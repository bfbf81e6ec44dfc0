"""What the doctor says of the configured job ids."""

from exporter.simulator.errors import ApiError
from tests.doctor.conftest import Doctor
from tests.e2e import sorts
from tests.e2e.aws import Aws

ONE = "targets: [{name: t, regions: [eu-west-1], job_ids: [a, nowhere]}]"
TWO = "targets: [{name: t, regions: [us-east-1, eu-west-1], job_ids: [a, nowhere]}]"
DENIED = ApiError("AccessDeniedException", 403, "no")


def test_known_and_unknown(aws: Aws, doctor: Doctor) -> None:
    """Of a job that AWS knows the state is told; of one that it does not, where to look."""
    aws.account.put(sorts.job("a", "FAILED"))
    told = doctor(config=ONE)
    assert told.check("a") | {"result": "ok", "detail": "FAILED"} == told.check("a")
    assert told.check("nowhere")["result"] == "unknown"
    assert "remove it from job_ids" in told.check("nowhere")["fault"]["remedy"]
    assert told.code == 1


def test_known_in_another_region(aws: Aws, doctor: Doctor) -> None:
    """A job is in one Region only: that the others do not know it is nothing wrong."""
    aws.account.put(sorts.job("a"))
    told = doctor(config=TWO)
    assert "a" not in told.results(0)
    assert told.results(1)["a"] == "ok"
    assert [told.results(place)["nowhere"] for place in (0, 1)] == ["unknown", "unknown"]


def test_denied_where_it_is(aws: Aws, doctor: Doctor) -> None:
    """Where one Region does not know a job and the other may not be asked, both are told."""
    aws.account.put(sorts.job("a"))
    aws.account.fail("DescribeBackupJob", DENIED)
    told = doctor(config=TWO)
    assert [told.results(place)["a"] for place in (0, 1)] == ["unknown", "denied"]
    assert (
        told.check("a", 1)["fault"]["remedy"]
        == 'allow backup:DescribeBackupJob on "*" for the identity in use'
    )


def test_not_followed(doctor: Doctor) -> None:
    """Job ids are not looked at when backup jobs are switched off."""
    told = doctor(config=f"{ONE}\ncollectors: [vaults]")
    assert "a" not in told.results()
    assert told.code == 0

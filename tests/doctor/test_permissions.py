"""Which permissions the doctor checks, how it asks, and what it says of each."""

import json

import pytest

from exporter.aws import action_of
from exporter.config import COLLECTORS, ResourceInventory
from exporter.doctor import examine
from exporter.model.job_kinds import KINDS
from exporter.simulator import job_kinds as simulated
from exporter.simulator.errors import ApiError, throttled
from tests.docs.markdown import blocks, document
from tests.doctor.conftest import Doctor
from tests.e2e import sorts
from tests.e2e.aws import Aws
from tests.support.harness import START, bench, dependencies

DENIED = ApiError("AccessDeniedException", 403, "User: arn:aws:iam::123456789012:user/a is not authorized")
ACTIONS = json.loads(blocks(document("docs/iam.md"), "json")[0])["Statement"][0]["Action"]
SIMULATED = {kind.name: kind for kind in simulated.KINDS}
PLACEHOLDER_ID = "00000000-0000-0000-0000-000000000000"


def test_it_checks_what_the_exporter_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The permissions that are checked are those of the calls that the exporter makes, no more, no less."""
    with bench() as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.server.endpoint_url)
        for kind in KINDS:
            running = {kind.id_member: "a", kind.state_member: "RUNNING", "CreationDate": START}
            aws.account.put(running, SIMULATED[kind.name])
        aws.account.plans.put({"BackupPlanId": "b", "BackupPlan": {"BackupPlanName": "daily", "Rules": []}})
        aws.account.selections.put({"SelectionId": "s", "BackupPlanId": "b", "BackupSelection": {}})
        aws.account.vaults.put({"BackupVaultName": "prod"})
        watch = aws.watch(collectors=COLLECTORS, inventory=ResourceInventory(enabled=True))
        watch.catch_up()
        asked = {action_of(call.operation) for call in aws.account.calls}
        report = examine(watch.exporter.config, dependencies(aws.clock))

    permissions = [check for _, check in report.checks() if check.kind == "permission"]
    assert {check.name for check in permissions} == asked
    needed_by = {collector for check in permissions for collector in check.collector.split(", ")}
    assert needed_by == {*COLLECTORS, "inventory"}


def test_healthy(aws: Aws, doctor: Doctor) -> None:
    """When AWS allows all, each action of the documented policy is ok, and the exit code is 0."""
    aws.account.put(sorts.job("a"))
    told = doctor()
    permissions = [check["name"] for check in told.scope["checks"] if check["kind"] == "permission"]
    assert sorted(permissions) == sorted(ACTIONS)
    assert set(told.results().values()) == {"ok"}
    assert told.code == 0


def test_an_empty_account(aws: Aws, doctor: Doctor) -> None:
    """Where there is no job and no plan, one that does not exist is asked for, and that it does not is ok."""
    told = doctor()
    assert set(told.results().values()) == {"ok"}
    asked = {call.operation: call.parameters for call in aws.account.calls}
    assert asked["DescribeBackupJob"] == {"BackupJobId": PLACEHOLDER_ID}
    assert asked["DescribeCopyJob"] == {"CopyJobId": PLACEHOLDER_ID}
    assert asked["GetBackupPlan"]["BackupPlanId"] == PLACEHOLDER_ID
    assert asked["ListBackupSelections"]["BackupPlanId"] == PLACEHOLDER_ID
    assert asked["GetBackupSelection"]["SelectionId"] == PLACEHOLDER_ID
    assert asked["ListRecoveryPointsByBackupVault"]["BackupVaultName"] == PLACEHOLDER_ID


def test_a_denial_for_what_does_not_exist(aws: Aws, doctor: Doctor) -> None:
    """Where AWS denies a job that does not exist, the remedy says that the denial is not sure."""
    aws.account.put(sorts.job("a"))
    aws.account.fail("DescribeBackupJob", DENIED)
    aws.account.fail("DescribeCopyJob", DENIED)
    told = doctor()
    remedies = [told.check(f"backup:Describe{kind}Job")["fault"]["remedy"] for kind in ("Backup", "Copy")]
    assert ["does not exist" in remedy for remedy in remedies] == [False, True]


def test_it_asks_for_little(aws: Aws, doctor: Doctor) -> None:
    """Each operation is called once for each collector, a list for one row, and a listed job is described."""
    for number in range(3):
        aws.account.put(sorts.job(f"job-{number}"))
    doctor()
    assert {name: count for name, count in aws.operations().items() if count > 1} == {"ListBackupVaults": 2}
    lists = [call for call in aws.account.calls if call.operation.startswith("List")]
    assert {call.parameters["MaxResults"] for call in lists} == {1}
    assert [job_id[:4] for job_id in aws.described()] == ["job-"]


@pytest.mark.parametrize("action", ACTIONS)
def test_one_denied(aws: Aws, doctor: Doctor, action: str) -> None:
    """An action that AWS denies is the only one that is not ok, and the remedy is to allow it."""
    aws.account.put(sorts.job("a"))
    aws.account.fail(action.partition(":")[2], DENIED)
    told = doctor()
    others = dict.fromkeys(("credentials", "sts:GetCallerIdentity", *ACTIONS), "ok")
    assert told.results() == others | {action: "denied"}
    fault = told.check(action)["fault"]
    assert fault["code"] == "AccessDeniedException"
    assert "user/a is not authorized" in fault["message"]
    assert fault["remedy"].startswith(f'allow {action} on "*" for the identity in use')
    assert told.code == 1


def test_throttled(aws: Aws, doctor: Doctor) -> None:
    """An operation that AWS throttles each time is told apart from one that is denied."""
    aws.account.fail("ListCopyJobs", throttled())
    told = doctor()
    assert {name for name, result in told.results().items() if result == "throttled"} == {
        "backup:ListCopyJobs"
    }
    assert "api.requests_per_second" in told.check("backup:ListCopyJobs")["fault"]["remedy"]
    assert told.code == 1


def test_throttled_once(aws: Aws, doctor: Doctor) -> None:
    """A call that is throttled once is made again, as the exporter does, and all is well."""
    aws.account.fail("ListCopyJobs", throttled(), times=1)
    assert doctor().code == 0
    assert aws.operations()["ListCopyJobs"] == 2


def test_a_service_that_stumbles(aws: Aws, doctor: Doctor) -> None:
    """An error of AWS's own is told with its code, and with something to do."""
    aws.account.fail("ListBackupVaults", ApiError("ServiceUnavailableException", 500, "later"))
    check = doctor().check("backup:ListBackupVaults")
    assert check["result"] == "failed"
    assert check["fault"]["code"] == "ServiceUnavailableException"
    assert "try again" in check["fault"]["remedy"]


def test_the_budget_is_kept(aws: Aws, doctor: Doctor) -> None:
    """With a request budget that is too small, what could not be asked is said, and was not asked."""
    told = doctor(config="targets: [{name: a}]\napi: {requests_per_second: 0.01}")
    assert len(aws.account.calls) == 1
    spent = [check for check in told.scope["checks"] if check["result"] == "failed"]
    assert {check["fault"]["code"] for check in spent} == {"budget"}
    assert told.code == 1


def test_only_what_is_switched_on(aws: Aws, doctor: Doctor) -> None:
    """A collector that is switched off needs no permission."""
    told = doctor(config="targets: [{name: a}]\ncollectors: [vaults]")
    assert set(told.results()) == {"credentials", "sts:GetCallerIdentity", "backup:ListBackupVaults"}
    assert set(aws.operations()) == {"ListBackupVaults"}


def test_the_inventory(aws: Aws, doctor: Doctor) -> None:
    """Where the inventory is enabled, its action of another service is checked as the others are."""
    config = "targets: [{name: a}]\ncollectors: [plans]\ninventory: {enabled: true}"
    assert doctor(config=config).results()["tag:GetResources"] == "ok"
    [call] = [call for call in aws.account.calls if call.operation == "GetResources"]
    assert call.parameters["ResourcesPerPage"] == 1
    aws.account.fail("GetResources", DENIED)
    told = doctor(config=config)
    assert {name for name, result in told.results().items() if result != "ok"} == {"tag:GetResources"}
    remedy = told.check("tag:GetResources")["fault"]["remedy"]
    assert remedy == 'allow tag:GetResources on "*" for the identity in use'


def test_an_action_of_two_collectors(doctor: Doctor) -> None:
    """An action that two collectors need is checked once, and the check names both."""
    told = doctor(config="targets: [{name: a}]\ncollectors: [recovery_points, vaults]")
    assert told.check("backup:ListBackupVaults")["collector"] == "recovery_points, vaults"


def test_a_list_about_a_plan_that_is_denied(aws: Aws, doctor: Doctor) -> None:
    """Where there is no plan, the denial of its selections is not sure; that there is no such plan is ok."""
    aws.account.fail("ListBackupSelections", DENIED)
    told = doctor(config="targets: [{name: a}]\ncollectors: [plans]")
    assert {name for name, result in told.results().items() if result != "ok"} == {
        "backup:ListBackupSelections"
    }
    assert "does not exist" in told.check("backup:ListBackupSelections")["fault"]["remedy"]


def test_without_discovery(aws: Aws, doctor: Doctor) -> None:
    """With discovery off no list of jobs is needed, and jobs of other kinds not at all."""
    aws.account.put(sorts.job("a"))
    jobs = "collectors: [backup_jobs, copy_jobs, restore_jobs]\ndiscovery: {enabled: false}"
    told = doctor(config=f"targets: [{{name: t, job_ids: [a]}}]\n{jobs}")
    assert set(told.results()) == {"credentials", "sts:GetCallerIdentity", "backup:DescribeBackupJob", "a"}
    assert told.code == 0

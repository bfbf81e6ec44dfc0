"""Accounts and Regions behind the endpoint, and what comes from moto."""

from functools import partial
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError
from moto.backup.models import BackupBackend, backup_backends

from exporter.simulator.account import Account
from exporter.simulator.backend import Simulation
from exporter.simulator.server import serve
from tests.simulator.conftest import NOW, REGION, Clock, Connect

JOB = {
    "BackupJobId": "job",
    "State": "COMPLETED",
    "CreationDate": NOW - 100,
    "CompletionDate": NOW - 50,
    "BackupVaultName": "daily",
    "BackupVaultArn": f"arn:aws:backup:{REGION}:123456789012:backup-vault:daily",
    "ResourceArn": "arn:aws:s3:::bucket",
    "ResourceType": "S3",
    "ResourceName": "bucket",
    "RecoveryPointArn": f"arn:aws:backup:{REGION}:123456789012:recovery-point:1",
}


def test_regions_are_apart(connect: Connect, account: Account) -> None:
    """A job is in the Region its request was signed for, and in no other."""
    account.put(JOB)
    assert len(connect().list_backup_jobs()["BackupJobs"]) == 1
    assert len(connect(region="us-east-1").list_backup_jobs()["BackupJobs"]) == 0


def test_an_assumed_role_leads_to_its_account(connect: Connect, simulation: Simulation) -> None:
    """Credentials from AssumeRole see the account that the role is in."""
    simulation.account(REGION, "999999999999").put(JOB)
    role = "arn:aws:iam::999999999999:role/reader"
    answer = connect(service="sts").assume_role(RoleArn=role, RoleSessionName="test")
    keys = answer["Credentials"]
    other = connect(access_key=keys["AccessKeyId"], token=keys["SessionToken"])
    assert len(other.list_backup_jobs()["BackupJobs"]) == 1
    assert len(connect().list_backup_jobs()["BackupJobs"]) == 0


def test_vaults_tell_their_recovery_points(client: Any, account: Account) -> None:
    """ListBackupVaults tells how many recovery points the jobs made, and which vaults are locked."""
    client.create_backup_vault(BackupVaultName="daily")
    client.create_backup_vault(BackupVaultName="locked")
    client.put_backup_vault_lock_configuration(BackupVaultName="locked")
    account.put(JOB)
    account.put(JOB | {"BackupJobId": "other", "State": "FAILED"})
    vaults = client.list_backup_vaults()["BackupVaultList"]
    assert [
        (vault["BackupVaultName"], vault["NumberOfRecoveryPoints"], vault["Locked"]) for vault in vaults
    ] == [
        ("daily", 1, False),
        ("locked", 0, True),
    ]


def test_plans_tell_their_last_execution(client: Any, account: Account) -> None:
    """ListBackupPlans tells when a plan last made a job, and nothing for one that never did."""
    rules = [{"RuleName": "daily", "TargetBackupVaultName": "daily"}]
    used, unused = (
        client.create_backup_plan(BackupPlan={"BackupPlanName": name, "Rules": rules})["BackupPlanId"]
        for name in ("used", "unused")
    )
    account.put(JOB | {"CreatedBy": {"BackupPlanId": used}})
    plans = {plan["BackupPlanId"]: plan for plan in client.list_backup_plans()["BackupPlansList"]}
    assert plans[used]["LastExecutionDate"].timestamp() == NOW - 100
    assert "LastExecutionDate" not in plans[unused]


def test_protected_resources(client: Any, account: Account) -> None:
    """ListProtectedResources tells each resource's newest recovery point, whatever the status of its job."""
    account.put(JOB)
    account.put(JOB | {"BackupJobId": "late", "State": "FAILED", "CompletionDate": NOW - 10})
    account.put({"BackupJobId": "bare", "State": "CREATED", "ResourceArn": "arn:aws:s3:::never"})
    (resource,) = client.list_protected_resources()["Results"]
    assert resource["LastBackupTime"].timestamp() == NOW - 10
    assert (resource["ResourceName"], resource["ResourceType"]) == ("bucket", "S3")
    assert resource["LastBackupVaultArn"] == JOB["BackupVaultArn"]


def test_protected_resources_come_in_pages(client: Any, account: Account) -> None:
    """ListProtectedResources has pages, too."""
    arns = [f"arn:aws:s3:::bucket-{place}" for place in range(5)]
    for place, arn in enumerate(arns):
        account.put(JOB | {"BackupJobId": f"job-{place}", "ResourceArn": arn})
    pages = list(client.get_paginator("list_protected_resources").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["Results"]) for page in pages] == [2, 2, 1]
    assert [row["ResourceArn"] for page in pages for row in page["Results"]] == arns


def test_nothing_stays_behind_in_moto(simulation: Simulation) -> None:
    """Moto is as it was once the block ends."""
    with simulation.in_process():
        assert backup_backends["123456789012"][REGION] is simulation.backend(REGION, "123456789012")
    assert type(backup_backends["123456789012"][REGION]) is BackupBackend
    backup_backends.clear()


def test_two_servers_know_nothing_of_each_other(clock: Clock, session: boto3.Session) -> None:
    """Each server has accounts of its own."""
    make = partial(Account, clock=clock)
    with serve(make) as one, serve(make) as other:
        one.account(REGION).put(JOB)
        lists = [
            session.client(
                "backup",
                region_name=REGION,
                endpoint_url=server.endpoint_url,
                aws_access_key_id="key",
                aws_secret_access_key="secret",
            ).list_backup_jobs()["BackupJobs"]
            for server in (one, other)
        ]
    assert [len(jobs) for jobs in lists] == [1, 0]


def test_a_stopped_server_refuses_connections(clock: Clock, session: boto3.Session) -> None:
    """After the block nothing listens any more."""
    with serve(partial(Account, clock=clock)) as server:
        pass
    client = session.client(
        "backup",
        region_name=REGION,
        endpoint_url=server.endpoint_url,
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}),
    )
    with pytest.raises(EndpointConnectionError):
        client.list_backup_jobs()


def test_requests_make_no_noise(
    client: Any, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """A request leaves no line in a log, on standard output or standard error."""
    client.list_backup_jobs()
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")

"""One contract for every kind of job: whatever AWS calls its fields, it is found and published alike."""

from collections.abc import Mapping
from typing import Any, Literal

import pytest

from exporter.collectors.protocols import PACE
from exporter.config import Discovery
from exporter.model.job_kinds import BACKUP, COPY, KINDS, RESTORE, SCAN
from exporter.model.kind import Kind
from exporter.simulator import job_kinds as simulated
from exporter.simulator.errors import ApiError
from tests.support.harness import REGION, START, Bench, Watch

ACCOUNT = "123456789012"
DAY = 86400.0
VAULT = f"arn:aws:backup:{REGION}:{ACCOUNT}:backup-vault:prod"
SIMULATED = dict(zip((BACKUP, COPY, RESTORE, SCAN), simulated.KINDS, strict=True))

FinishedJobs = Literal["all", "unsuccessful", "none"]

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


class Scene:
    """A simulated account with jobs of one kind, and an exporter that collects only them."""

    def __init__(self, aws: Bench, kind: Kind) -> None:
        self.aws = aws
        self.kind = kind

    def put(self, job_id: str, state: str, **fields: Any) -> None:
        """Put a job, as AWS would tell it."""
        told = {
            self.kind.id_member: job_id,
            self.kind.state_member: state,
            "AccountId": ACCOUNT,
            "CreationDate": START,
            "ResourceType": "EBS",
            self.kind.resource_member: "arn:aws:ec2:eu-west-1:123456789012:volume/vol-1",
        }
        if state in self.kind.terminal:
            told["CompletionDate"] = START
        vault = dict.fromkeys(self.kind.vault_members, VAULT) | {"BackupVaultName": "prod"}
        told |= {member: value for member, value in vault.items() if member in self.kind.vault_members}
        self.aws.account.put(told | fields, SIMULATED[self.kind])

    def watch(self, **settings: Any) -> Watch:
        """Start the exporter."""
        return self.aws.watch(collectors=(self.kind.collector,), **settings)

    def calls(self, operation: str) -> list[Mapping[str, Any]]:
        """The parameters of the calls of one operation."""
        return [call.parameters for call in self.aws.account.calls if call.operation == operation]


@every_kind
def test_it_is_followed_to_its_end_and_never_asked_about_again(aws: Bench, kind: Kind) -> None:
    """An active job is described on each scrape; its end is described once."""
    scene = Scene(aws, kind)
    scene.put("a", "RUNNING")
    watch = scene.watch()
    assert watch.scrape().labels(f"{kind.metric_prefix}_state", job_id="a")["state"] == "RUNNING"
    scene.put("a", "COMPLETED", CompletionDate=START + 10)
    for _ in range(3):
        aws.clock.advance(15)
        series = watch.scrape()
    assert series.labels(f"{kind.metric_prefix}_state", job_id="a")["state"] == "COMPLETED"
    assert series.value(f"{kind.metric_prefix}_completed_timestamp_seconds", job_id="a") == START + 10
    assert len(scene.calls(kind.describe_operation)) == 2


@every_kind
def test_each_documented_state_is_published(aws: Bench, kind: Kind) -> None:
    """Each state has its series, and the fleet's counts have all of them."""
    scene = Scene(aws, kind)
    for state in kind.states:
        scene.put(f"job-{state}", state)
    series = scene.watch().scrape()
    for state in kind.states:
        assert series.labels(f"{kind.metric_prefix}_state", job_id=f"job-{state}")["state"] == state
        assert series.value(kind.fleet_prefix, state=state, vault_name="prod", resource_type="EBS") == 1


@every_kind
def test_many_active_jobs_are_swept(aws: Bench, kind: Kind) -> None:
    """Beyond the burst, jobs are listed by state with this kind's own filter."""
    scene = Scene(aws, kind)
    for number in range(100):
        scene.put(f"j{number}", "RUNNING")
    watch = scene.watch()
    watch.catch_up()
    aws.clock.advance(15)
    aws.account.forget_calls()
    assert len(watch.scrape().find(f"{kind.metric_prefix}_state", state="RUNNING")) == 100
    assert scene.calls(kind.describe_operation) == []
    assert {call.get(kind.state_filter) for call in scene.calls(kind.list_operation)} == {
        None,
        *kind.active_states,
    }


@every_kind
def test_why_it_failed_is_told(aws: Bench, kind: Kind) -> None:
    """The status message is published on one line."""
    scene = Scene(aws, kind)
    scene.put("a", "FAILED", StatusMessage="no\naccess")
    series = scene.watch().scrape()
    labels = series.labels(f"{kind.metric_prefix}_status_info", job_id="a")
    assert labels["status_message"] == "no access"


@every_kind
def test_its_counter_counts_what_finished_since_the_start(aws: Bench, kind: Kind) -> None:
    """A job that began and ended between two scrapes is counted."""
    scene = Scene(aws, kind)
    watch = scene.watch()
    watch.scrape()
    aws.clock.advance(30)
    scene.put("a", "FAILED", CreationDate=START + 5, CompletionDate=START + 20)
    assert watch.scrape().value(f"{kind.fleet_prefix}_finished_total", state="FAILED") == 1


@every_kind
@pytest.mark.parametrize("finished_jobs", ["all", "unsuccessful", "none"])
def test_finished_jobs_that_have_series(aws: Bench, kind: Kind, finished_jobs: FinishedJobs) -> None:
    """Finished jobs have series as the configuration says, active ones always; all are counted."""
    scene = Scene(aws, kind)
    scene.put("active", "RUNNING")
    ends = sorted(kind.terminal & set(kind.states))
    for state in ends:
        scene.put(state, state)
    series = scene.watch(discovery=Discovery(finished_jobs=finished_jobs)).scrape()
    kept = {"all": {*ends}, "unsuccessful": {*ends} - {"COMPLETED"}, "none": set()}[finished_jobs]
    found = series.find(f"{kind.metric_prefix}_info")
    assert {labels["job_id"] for labels, _ in found} == {"active", *kept}
    assert [series.value(kind.fleet_prefix, state=state) for state in ends] == [1] * len(ends)
    known = "aws_backup_exporter_jobs"
    assert series.value(known, phase="finished") == len(ends)
    assert series.value(known, phase="active") == 1


@every_kind
def test_kinds_without_series_are_looked_for_on_each_scrape(aws: Bench, kind: Kind) -> None:
    """A kind of job of which only finished jobs without series are known is in use like any other."""
    scene = Scene(aws, kind)
    scene.put("old", "COMPLETED")
    watch = scene.watch(discovery=Discovery(finished_jobs="none"))
    watch.catch_up()
    aws.clock.advance(15)
    watch.scrape()
    scene.put("new", "RUNNING", CreationDate=aws.clock())
    aws.clock.advance(15)
    assert watch.scrape().find(f"{kind.metric_prefix}_info", job_id="new")


@every_kind
def test_a_refused_list_is_told_for_this_kind(aws: Bench, kind: Kind) -> None:
    """Without the permission to list, this collector is down, and the call is counted with its code."""
    aws.account.fail(kind.list_operation, ApiError("AccessDeniedException", 403, "no"))
    series = Scene(aws, kind).watch().scrape()
    assert series.value("aws_backup_up", collector=kind.collector) == 0
    name = "aws_backup_exporter_api_requests_total"
    assert series.value(name, operation=kind.list_operation, code="AccessDeniedException") >= 1


def test_one_kind_without_permission_leaves_the_others_alone(aws: Bench) -> None:
    """A missing permission for copies harms neither backups nor restores."""
    aws.account.fail("ListCopyJobs", ApiError("AccessDeniedException", 403, "no"))
    Scene(aws, BACKUP).put("b", "RUNNING")
    Scene(aws, RESTORE).put("r", "RUNNING")
    watch = aws.watch(collectors=tuple(kind.collector for kind in KINDS))
    series = watch.scrape()
    assert {labels["collector"]: up for labels, up in series.find("aws_backup_up")} == {
        "backup_jobs": 1,
        "copy_jobs": 0,
        "restore_jobs": 1,
        "scan_jobs": 1,
    }
    assert series.find("aws_backup_restore_job_state", job_id="r")


def test_a_copy_tells_where_from_and_where_to(aws: Bench) -> None:
    """The labels of a copy job are AWS's source and destination, and the backup job that made it."""
    told = {
        "SourceBackupVaultArn": VAULT,
        "SourceRecoveryPointArn": "arn:rp:source",
        "DestinationRecoveryPointArn": "arn:rp:copy",
        "CreatedByBackupJobId": "b1",
        "BackupSizeInBytes": 7,
        "NumberOfChildJobs": 2,
        "ChildJobsInState": {"COMPLETED": 2},
        "IsParent": True,
    }
    scene = Scene(aws, COPY)
    scene.put("a", "COMPLETED", **told)
    series = scene.watch().scrape()
    labels = series.labels("aws_backup_copy_job_info", job_id="a")
    assert labels["source_vault_arn"] == labels["destination_vault_arn"] == VAULT
    assert labels["created_by_backup_job_id"] == "b1"
    assert labels["destination_recovery_point_arn"] == "arn:rp:copy"
    assert series.value("aws_backup_copy_job_size_bytes", job_id="a") == 7
    assert series.value("aws_backup_copy_job_child_jobs_in_state", job_id="a", state="COMPLETED") == 2


def test_a_restore_test_is_followed_until_it_is_validated(aws: Bench) -> None:
    """A restore test goes on after COMPLETED: its validation's outcome is published."""
    scene = Scene(aws, RESTORE)
    testing = {"CreatedBy": {"RestoreTestingPlanArn": "arn:plan"}, "PercentDone": "100.00%"}
    scene.put("a", "COMPLETED", ValidationStatus="VALIDATING", **testing)
    watch = scene.watch()
    assert watch.scrape().labels("aws_backup_restore_job_info")["validation_status"] == "VALIDATING"
    scene.put("a", "COMPLETED", ValidationStatus="SUCCESSFUL", **testing)
    aws.clock.advance(15)
    series = watch.scrape()
    labels = series.labels("aws_backup_restore_job_info")
    assert labels["validation_status"] == "SUCCESSFUL"
    assert labels["restore_testing_plan_arn"] == "arn:plan"
    assert series.value("aws_backup_restore_job_progress_ratio") == 1


def test_an_unused_kind_takes_one_list_at_the_start_and_every_five_minutes(aws: Bench) -> None:
    """Where AWS does not list by creation, one list shows that there are still no jobs, or the first ones."""
    scene = Scene(aws, SCAN)
    scene.put("ended", "COMPLETED", CreationDate=START - 20 * DAY, CompletionDate=START - 20 * DAY)
    watch = scene.watch()
    watch.catch_up()
    assert [call.keys() - {"MaxResults"} for call in scene.calls("ListScanJobs")] == [set()]
    for _ in range(20):
        aws.clock.advance(15)
        assert watch.scrape().find("aws_backup_scan_job_state") == []
    assert len(scene.calls("ListScanJobs")) == 2
    scene.put("a", "RUNNING")
    aws.clock.advance(PACE)
    assert watch.scrape().find("aws_backup_scan_job_state", state="RUNNING", job_id="a") != []

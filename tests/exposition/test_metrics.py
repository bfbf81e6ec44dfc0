"""The names that dashboards and alert rules hang on, written out; nothing more and nothing less."""

import re

from exporter.exposition import metrics, self_metrics
from exporter.exposition.job_metrics import (
    fleet_families,
    job_families,
    job_group,
    running_families,
    running_group,
    tally_group,
)
from exporter.exposition.metric_types import Family, Group
from exporter.exposition.plan_metrics import INVENTORY_FAMILIES, RUN_FAMILIES
from exporter.exposition.resource_metrics import RESOURCE_FAMILIES
from exporter.exposition.scope_metrics import SCOPE_FAMILIES, exporter_group, items_group
from exporter.exposition.text_format import render
from exporter.ledger.ledger import Ledger
from exporter.model.job_kinds import BACKUP, KINDS
from exporter.model.records import Fault, Health, RunningJob
from tests.support.makers import HOUR, NOW, item_counts, job, store, with_configured

JOB = "job_id aws_account_id aws_region"
FLEET = "aws_account_id aws_region vault_name resource_type state"
OF_A_JOB = {
    "aws_backup_job_info": f"{JOB} resource_arn resource_name resource_type vault_name vault_arn "
    "recovery_point_arn backup_type backup_options plan_id plan_name plan_version rule_id rule_name "
    "iam_role_arn parent_job_id is_parent",
    "aws_backup_job_state": f"{JOB} state",
    "aws_backup_job_progress_ratio": JOB,
    "aws_backup_job_transferred_bytes": JOB,
    "aws_backup_job_size_bytes": JOB,
    "aws_backup_job_child_jobs": JOB,
    "aws_backup_job_child_jobs_in_state": f"{JOB} state",
    "aws_backup_job_created_timestamp_seconds": JOB,
    "aws_backup_job_completed_timestamp_seconds": JOB,
    "aws_backup_job_expected_completion_timestamp_seconds": JOB,
    "aws_backup_job_start_by_timestamp_seconds": JOB,
    "aws_backup_job_status_info": f"{JOB} message_category status_message",
}
OF_A_RUNNING_JOB = dict.fromkeys(
    (
        "aws_backup_running_job_overdue_timestamp_seconds",
        "aws_backup_running_job_last_progress_timestamp_seconds",
    ),
    f"{JOB} resource_arn resource_name resource_type vault_name",
)
OF_THE_FLEET = {"aws_backup_jobs": FLEET, "aws_backup_jobs_finished_total": FLEET}
ACCOUNT = "aws_account_id aws_region"
RESOURCE = f"{ACCOUNT} resource_arn resource_name resource_type"
RULE = "plan_id plan_name rule_id rule_name vault_name"
OF_A_RESOURCE = {
    "aws_backup_resource_last_success_timestamp_seconds": RESOURCE,
    "aws_backup_resource_expected_interval_seconds": RESOURCE,
    "aws_backup_resource_due_timestamp_seconds": RESOURCE,
    "aws_backup_resource_last_ended_job_info": f"{RESOURCE} job_id state vault_name message_category "
    "status_message",
    "aws_backup_resource_last_ended_timestamp_seconds": RESOURCE,
    "aws_backup_resource_copy_last_success_timestamp_seconds": f"{RESOURCE} destination_vault_arn",
    "aws_backup_resource_copy_expected_interval_seconds": f"{RESOURCE} destination_vault_arn",
    "aws_backup_resource_copy_due_timestamp_seconds": f"{RESOURCE} destination_vault_arn",
    "aws_backup_resource_copy_last_ended_job_info": f"{RESOURCE} destination_vault_arn job_id state "
    "message_category status_message",
    "aws_backup_resource_copy_last_ended_timestamp_seconds": f"{RESOURCE} destination_vault_arn",
    "aws_backup_resource_restore_last_success_timestamp_seconds": f"{RESOURCE} restore_testing_plan_arn",
    "aws_backup_resource_restore_last_ended_job_info": f"{RESOURCE} restore_testing_plan_arn job_id state "
    "validation_status status_message",
    "aws_backup_resource_restore_last_ended_timestamp_seconds": f"{RESOURCE} restore_testing_plan_arn",
    "aws_backup_resource_scan_last_ended_job_info": f"{RESOURCE} job_id state scan_result_status "
    "status_message",
    "aws_backup_resource_scan_last_ended_timestamp_seconds": RESOURCE,
    "aws_backup_resource_last_attempt_timestamp_seconds": RESOURCE,
    "aws_backup_resource_last_job_state": f"{RESOURCE} state",
    "aws_backup_resource_last_success_size_bytes": RESOURCE,
    "aws_backup_resource_last_success_duration_seconds": RESOURCE,
    "aws_backup_resource_last_recovery_point_timestamp_seconds": RESOURCE,
    "aws_backup_resource_parent_info": f"{RESOURCE} parent_resource_arn",
    "aws_backup_resource_rule_last_success_timestamp_seconds": f"{RESOURCE} {RULE}",
    "aws_backup_resource_rule_expected_interval_seconds": f"{RESOURCE} {RULE}",
    "aws_backup_resource_rule_due_timestamp_seconds": f"{RESOURCE} {RULE}",
    "aws_backup_resource_recovery_points": f"{RESOURCE} vault_name status",
    "aws_backup_resource_recovery_points_size_bytes": f"{RESOURCE} vault_name storage_class",
    "aws_backup_resource_newest_recovery_point_timestamp_seconds": f"{RESOURCE} vault_name",
    "aws_backup_resource_oldest_recovery_point_timestamp_seconds": f"{RESOURCE} vault_name",
    "aws_backup_resource_last_recovery_point_expiry_timestamp_seconds": RESOURCE,
    "aws_backup_resource_selected": RESOURCE,
}
OF_AN_ACCOUNT = {
    "aws_backup_vault_recovery_points": f"{ACCOUNT} vault_name",
    "aws_backup_vault_locked": f"{ACCOUNT} vault_name",
    "aws_backup_vault_info": f"{ACCOUNT} vault_name vault_type vault_state encryption_key_type",
    "aws_backup_vault_lock_timestamp_seconds": f"{ACCOUNT} vault_name",
    "aws_backup_vault_min_retention_seconds": f"{ACCOUNT} vault_name",
    "aws_backup_vault_max_retention_seconds": f"{ACCOUNT} vault_name",
    "aws_backup_rule_info": f"{ACCOUNT} plan_id plan_name rule_id rule_name vault_name schedule timezone",
    "aws_backup_rule_next_run_timestamp_seconds": f"{ACCOUNT} plan_id plan_name rule_id",
    "aws_backup_rule_interval_seconds": f"{ACCOUNT} plan_id plan_name rule_id",
    "aws_backup_rule_vault_exists": f"{ACCOUNT} plan_id plan_name rule_id vault_name",
    "aws_backup_plan_last_execution_timestamp_seconds": f"{ACCOUNT} plan_id plan_name",
    "aws_backup_plan_selections": f"{ACCOUNT} plan_id plan_name",
    "aws_backup_plan_opted_out_type_info": f"{ACCOUNT} plan_id plan_name resource_type",
    "aws_backup_region_opt_in": f"{ACCOUNT} resource_type",
    "aws_backup_restore_testing_plan_last_execution_timestamp_seconds": f"{ACCOUNT} "
    "restore_testing_plan_arn restore_testing_plan_name",
    "aws_backup_restore_testing_plan_next_run_timestamp_seconds": f"{ACCOUNT} restore_testing_plan_arn "
    "restore_testing_plan_name",
    "aws_backup_restore_testing_plan_interval_seconds": f"{ACCOUNT} restore_testing_plan_arn "
    "restore_testing_plan_name",
    "aws_backup_framework_info": f"{ACCOUNT} framework_name deployment_status",
    "aws_backup_rule_last_run_timestamp_seconds": f"{ACCOUNT} plan_id plan_name rule_id",
    "aws_backup_rule_last_run_jobs": f"{ACCOUNT} plan_id plan_name rule_id",
    "aws_backup_rule_ran_empty": f"{ACCOUNT} plan_id plan_name rule_id",
}
OF_A_SCOPE = {
    "aws_backup_up": "target aws_region collector",
    "aws_backup_last_refresh_timestamp_seconds": "target aws_region collector",
    "aws_backup_exporter_api_requests_total": "target aws_region operation code",
    "aws_backup_exporter_malformed_values_total": "target aws_region operation",
    "aws_backup_exporter_jobs": "target aws_region kind phase",
    "aws_backup_exporter_jobs_dropped": "target aws_region kind",
    "aws_backup_exporter_items_dropped": "target aws_region kind",
    "aws_backup_exporter_job_errors": "target aws_region job_id code",
}
OF_THE_EXPORTER = {
    "aws_backup_exporter_api_request_duration_seconds": "operation",
    "aws_backup_exporter_refresh_duration_seconds": "",
    "aws_backup_exporter_config_last_reload_successful": "",
    "aws_backup_exporter_config_last_reload_success_timestamp_seconds": "",
    "aws_backup_exporter_build_info": "version python_version boto3_version",
}
HISTOGRAMS = [name for name in OF_THE_EXPORTER if name.endswith("_duration_seconds")]


def labels(families: tuple[Family, ...]) -> dict[str, str]:
    """Give the labels of metrics, by name."""
    return {family.name: " ".join(family.labels) for family in families}


def of_samples(group: Group) -> dict[str, str]:
    """Give the labels that samples really have, by the name of their metric."""
    return {family: " ".join(name for name, _ in (*group.labels, *own)) for family, own, _ in group.samples}


def full_ledger() -> Ledger:
    """Make a ledger of which there is something to tell in every metric."""
    ledger = with_configured(["gone"], collectors=["backup_jobs"])
    ledger.set_health("backup_jobs", Health(up=True, last_success=NOW))
    ledger.count_call("ListBackupJobs", "ok")
    ledger.count_malformed("ListBackupJobs", 1)
    ledger.configured.refused("gone", ledger.scope.region, NOW, Fault("ResourceNotFoundException", "", ""))
    return ledger


def test_a_scope_that_nothing_scraped_has_no_health() -> None:
    """Whether its collectors are up is not known: aws_backup_up is absent, not 0."""
    ledger = full_ledger()
    of_health = {"aws_backup_up", "aws_backup_last_refresh_timestamp_seconds"}
    before = of_samples(exporter_group(ledger)).keys()
    ledger.is_paused = True
    assert before - of_samples(exporter_group(ledger)).keys() == of_health


def test_the_metrics_of_a_job() -> None:
    """A backup job has these metrics with these labels, and no others."""
    assert labels(job_families(BACKUP)) == OF_A_JOB


def test_the_metrics_of_a_running_job() -> None:
    """A running backup job also has these metrics with these labels; other kinds of jobs have none."""
    assert labels(running_families(BACKUP)) == OF_A_RUNNING_JOB
    assert [running_families(kind) for kind in KINDS if kind is not BACKUP] == [()] * (len(KINDS) - 1)


def test_the_metrics_of_the_fleet() -> None:
    """Backup jobs are counted in these metrics with these labels."""
    assert labels(fleet_families(BACKUP)) == OF_THE_FLEET


def test_the_metrics_of_resources() -> None:
    """A resource has these metrics with these labels: of each kind of job, of rules and recovery points."""
    assert labels(RESOURCE_FAMILIES) == OF_A_RESOURCE


def test_the_metrics_of_an_account() -> None:
    """Vaults, plans, rules, settings, restore testing plans and frameworks have these metrics and labels."""
    assert labels((*INVENTORY_FAMILIES, *RUN_FAMILIES)) == OF_AN_ACCOUNT


def test_the_metrics_of_the_exporter() -> None:
    """The exporter tells of itself in these metrics with these labels."""
    assert labels(SCOPE_FAMILIES) == OF_A_SCOPE
    assert labels(self_metrics.families()) == OF_THE_EXPORTER


def test_all_of_them_are_written() -> None:
    """Whatever is documented is among the metrics that are written, once."""
    names = [family.name for family in metrics.families()]
    assert {*OF_A_JOB, *OF_A_RUNNING_JOB, *OF_THE_FLEET, *OF_A_RESOURCE, *OF_AN_ACCOUNT, *OF_A_SCOPE} <= set(
        names
    )
    assert len(names) == len(set(names))
    assert not set(names) & set(OF_THE_EXPORTER)


def test_the_samples_of_a_job() -> None:
    """A job of which AWS tells everything has a sample of every metric, with exactly its labels."""
    numbers = {gauge.suffix: 1 for gauge in BACKUP.gauges}
    told = job(numbers=numbers, child_states=[("RUNNING", 1)], message="why", category="FAILED")
    assert of_samples(job_group(BACKUP, told, full_ledger())) == OF_A_JOB


def test_the_samples_of_a_running_job() -> None:
    """A running job of which AWS tells everything has a sample of each of its metrics, with their labels."""
    running = RunningJob("1", "arn:volume", "volume", "EBS", "prod", NOW + HOUR, NOW)
    assert of_samples(running_group(BACKUP, "a", running, full_ledger())) == OF_A_RUNNING_JOB


def test_the_samples_of_the_fleet() -> None:
    """The counts of a vault and resource type have exactly their labels."""
    made = store()
    made.update(job(), NOW, described=True)
    [tally] = made.tallies(NOW)
    assert of_samples(tally_group(BACKUP, tally, full_ledger())) == OF_THE_FLEET


def test_the_samples_of_the_exporter() -> None:
    """What a scope tells of itself has exactly its labels."""
    ledger = full_ledger()
    assert (
        of_samples(exporter_group(ledger)) | of_samples(items_group(item_counts(ledger), ledger))
        == OF_A_SCOPE
    )


def test_the_samples_of_the_process() -> None:
    """On /metrics there is what the process tells of itself beside the documented, and nothing else."""
    told = self_metrics.Telemetry()
    told.observe_request("ListBackupJobs", 0.1)
    told.observe_refresh(0.1)
    told.configuration_read(NOW)
    found: dict[str, set[str]] = {}
    for family, lines in told.lines():
        of_labels = {re.sub(r'="[^"]*"', "", line).split("} ")[0] for line in lines.decode().splitlines()}
        found[family.name] = {re.sub(r"^\w+\{?|,?le$| \S+$", "", each) for each in of_labels}
    others = {name for name in found if name.startswith(("process_", "python_"))}
    assert {name: found[name] for name in found.keys() - others} == {
        name: {of_name.replace(" ", ",")} for name, of_name in OF_THE_EXPORTER.items()
    }
    assert {"process_cpu_seconds_total", "python_info"} <= others


def test_static_labels_come_with_every_series() -> None:
    """The labels of a target are on each of its series, beside those of the metric."""
    ledger = with_configured(["gone"], collectors=["backup_jobs"], labels={"team": "a", "env": "b"})
    made = store()
    made.update(job(), NOW, described=True)
    [tally] = made.tallies(NOW)
    for group in (
        job_group(BACKUP, job(), ledger),
        tally_group(BACKUP, tally, ledger),
        exporter_group(ledger),
        items_group(item_counts(ledger), ledger),
    ):
        lines = b"".join(render(group).values()).splitlines()
        assert lines
        assert all(b',env="b",team="a"' in line for line in lines)


def test_one_state_a_job() -> None:
    """A job has one state series, the state it is in; without a state it has none."""
    for state in (*BACKUP.states, "NOVEL"):
        lines = render(job_group(BACKUP, job(state=state), full_ledger()))["aws_backup_job_state"]
        assert lines.decode().splitlines() == [
            'aws_backup_job_state{job_id="a",aws_account_id="123456789012",aws_region="eu-west-1",'
            f'state="{state}"}} 1'
        ]
    assert "aws_backup_job_state" not in render(job_group(BACKUP, job(state=""), full_ledger()))


def test_what_aws_does_not_give_is_absent() -> None:
    """A job of which AWS tells nothing but its id has its info series, no zero and no NaN."""
    told = job(state="", created=None)
    assert set(render(job_group(BACKUP, told, full_ledger()))) == {"aws_backup_job_info"}


def test_status_is_told_when_there_is_something_to_tell() -> None:
    """A job tells why it is as it is when there is a message, or a category that is not success."""
    for message, category, told in (
        ("", "", False),
        ("", "SUCCESS", False),
        ("", "Success", False),
        ("odd", "SUCCESS", True),
        ("", "AGGREGATED_FAILURE", True),
        ("odd", "", True),
    ):
        lines = render(job_group(BACKUP, job(message=message, category=category), full_ledger()))
        assert ("aws_backup_job_status_info" in lines) is told, (message, category)


def test_an_assumed_account_is_for_jobs_that_tell_none() -> None:
    """The target's account stands in for a job that tells none, and gives way to one that does."""
    ledger = with_configured([], account_id="999999999999")
    assert job_group(BACKUP, job(account_id=""), ledger).labels[1] == ("aws_account_id", "999999999999")
    assert job_group(BACKUP, job(account_id="1"), ledger).labels[1] == ("aws_account_id", "1")


def test_help_is_one_line_that_ends() -> None:
    """Each metric has a HELP of one line that ends with a full stop and needs no escapes."""
    for family in (*metrics.families(), *self_metrics.families()):
        assert re.fullmatch(r'[^\n\\"]+\.', family.help), family.name


UNITS = {
    "_timestamp_seconds": "Unix timestamp",
    "_seconds": "seconds",
    "_bytes": "bytes",
    "_ratio": "from 0 to 1",
}


def test_help_gives_the_unit() -> None:
    """HELP gives the unit: a Unix timestamp, seconds, bytes or a ratio from 0 to 1."""
    for family in (*metrics.families(), *self_metrics.families()):
        unit = next((unit for ending, unit in UNITS.items() if family.name.endswith(ending)), "")
        assert unit in family.help, family.name
    assert [family.name for family in self_metrics.families() if family.type == "histogram"] == HISTOGRAMS

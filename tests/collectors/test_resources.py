"""What is published of a resource, however its jobs come, end and age."""

from typing import Any

import pytest

from exporter.config import COLLECTORS, Discovery, Expectation
from exporter.simulator.errors import ApiError
from exporter.simulator.jobs import Course, Scripted
from tests.support.harness import REGION, START, Bench, Series, Watch, job

HOUR, DAY = 3600.0, 86400.0
ARN = f"arn:aws:ec2:{REGION}:123456789012:volume/vol-1"
STACK = f"arn:aws:cloudformation:{REGION}:123456789012:stack/shop/1"


def backup(job_id: str, state: str = "COMPLETED", *, created: float, **fields: Any) -> Any:
    """A backup job of the one resource that these tests are about, an hour long when it ended."""
    ended = {} if state == "RUNNING" else {"CompletionDate": created + HOUR}
    told = {"ResourceArn": ARN, "ResourceName": "orders", "BackupSizeInBytes": 5} | ended | fields
    return job(job_id, state, created=created, **told)


def last_success(series: Series) -> float:
    """When the resource's newest success ended."""
    return series.value("aws_backup_resource_last_success_timestamp_seconds", resource_arn=ARN)


def the_state(series: Series) -> str:
    """The one state of nine that is 1."""
    found = series.find("aws_backup_resource_last_job_state", resource_arn=ARN)
    assert len(found) == 9
    [state] = [labels["state"] for labels, value in found if value]
    return state


def test_a_failing_resource_with_fresh_attempts_is_not_fresh(aws: Bench) -> None:
    """Attempts do not count as successes, however recent they are."""
    aws.account.put(backup("ok", created=START - 3 * DAY))
    for day in (2, 1, 0):
        aws.account.put(backup(f"f{day}", "FAILED", created=START - day * DAY - HOUR))
    watch = aws.watch(collectors=COLLECTORS)
    watch.catch_up()
    series = watch.scrape()
    assert last_success(series) == START - 3 * DAY + HOUR
    assert series.value("aws_backup_resource_last_attempt_timestamp_seconds") == START - HOUR
    assert the_state(series) == "FAILED"


def test_a_failure_after_a_success_keeps_the_success(aws: Bench) -> None:
    """A success is remembered when a later job fails, with its size and duration."""
    aws.account.put(backup("ok", created=START - 2 * HOUR))
    watch = aws.watch(collectors=COLLECTORS)
    watch.scrape()
    aws.clock.advance(60)
    aws.account.put(backup("bad", "FAILED", created=START + 30, BackupSizeInBytes=1))
    series = watch.scrape()
    assert last_success(series) == START - HOUR
    assert series.value("aws_backup_resource_last_success_size_bytes") == 5
    assert series.value("aws_backup_resource_last_success_duration_seconds") == HOUR
    assert the_state(series) == "FAILED"


def test_newest_means_newest_in_whatever_order_jobs_are_listed(aws: Bench) -> None:
    """An older job that is listed later takes nothing from a newer one."""
    aws.account.put(backup("new", created=START - HOUR))
    watch = aws.watch(collectors=COLLECTORS)
    watch.scrape()
    aws.account.put(backup("late", "FAILED", created=START - 600 - HOUR))
    aws.account.put(backup("late-success", created=START - 600 - HOUR))
    watch.catch_up()
    aws.clock.advance(15)
    series = watch.scrape()
    assert last_success(series) == START
    assert the_state(series) == "COMPLETED"


def test_a_job_that_is_listed_late_counts(aws: Bench) -> None:
    """A success that AWS lists minutes after it was created moves the resource on."""
    aws.account.put(backup("old", created=START - 5 * HOUR))
    watch = aws.watch(collectors=COLLECTORS)
    watch.scrape()
    aws.clock.advance(600)
    aws.account.put(backup("late", created=START, CompletionDate=START + 300))
    assert last_success(watch.scrape()) == START + 300


def test_a_resource_backed_up_to_two_vaults_is_one_resource(aws: Bench) -> None:
    """Two rules, two vaults, one resource: the newest of all its jobs counts, and there is one series."""
    aws.account.put(backup("a", created=START - 5 * HOUR))
    aws.account.put(backup("b", created=START - 3 * HOUR, BackupVaultName="weekly"))
    series = aws.watch(collectors=COLLECTORS).scrape()
    assert last_success(series) == START - 2 * HOUR


def test_partial_is_no_success_and_completed_with_issues_is(aws: Bench) -> None:
    """Only COMPLETED protects; a warning does not take that away."""
    aws.account.put(
        backup("warned", created=START - 5 * HOUR, MessageCategory="VSS", StatusMessage="warning")
    )
    aws.account.put(backup("partial", "PARTIAL", created=START - 2 * HOUR))
    series = aws.watch(collectors=COLLECTORS).scrape()
    assert last_success(series) == START - 4 * HOUR
    assert the_state(series) == "PARTIAL"


def test_a_child_counts_for_its_own_resource(aws: Bench) -> None:
    """A volume that is backed up only as a part of a stack has a last success, and the stack's interval."""
    daily = _rule("cron(0 5 ? * * *)")
    stack = {"ResourceArn": STACK, "ResourceType": "CloudFormation", "CreatedBy": daily}
    aws.account.put(backup("p", "PARTIAL", created=START - 2 * HOUR, IsParent=True, **stack))
    aws.account.put(backup("child", created=START - HOUR, ParentJobId="p", CreatedBy=daily))
    series = aws.watch(collectors=COLLECTORS).scrape()
    assert last_success(series) == START
    assert series.value("aws_backup_resource_expected_interval_seconds", resource_arn=ARN) == DAY
    labels = series.labels("aws_backup_resource_parent_info", resource_arn=ARN)
    assert labels["parent_resource_arn"] == STACK
    assert series.find("aws_backup_resource_last_success_timestamp_seconds", resource_arn=STACK) == []
    counted = [(labels["state"], value) for labels, value in series.find("aws_backup_jobs") if value]
    assert counted == [("PARTIAL", 1)]


def test_a_child_does_not_stand_for_its_parent(aws: Bench) -> None:
    """A child that completed does not make a success of its parent's resource where both have one ARN."""
    aws.account.put(backup("p", "FAILED", created=START - 2 * HOUR, IsParent=True))
    aws.account.put(backup("child", created=START - HOUR, ParentJobId="p"))
    series = aws.watch(collectors=COLLECTORS).scrape()
    assert series.find("aws_backup_resource_last_success_timestamp_seconds") == []
    assert the_state(series) == "FAILED"


def test_of_two_jobs_of_the_same_moment_always_the_same_counts(aws: Bench) -> None:
    """Which of two jobs with equal dates is the newest does not depend on which was listed first."""
    jobs = {"a": backup("a", "FAILED", created=START - 60), "b": backup("b", created=START - 60)}
    seen = set()
    for first, second in ("ab", "ba"):
        watch = aws.watch(collectors=COLLECTORS)
        for job_id in (first, second):
            aws.account.put(jobs[job_id])
            watch.scrape()
        seen.add(the_state(watch.scrape()))
        for job_id in jobs:
            aws.account.forget(job_id)
    assert seen == {"COMPLETED"}


def test_a_job_that_ends_as_it_is_listed_counts(aws: Bench) -> None:
    """A job whose end falls into the very moment of the scrape is a success on that scrape."""
    fields = {"ResourceArn": ARN, "ResourceType": "EBS", "BackupVaultName": "prod"}
    aws.account.add(Scripted("a", START, Course(pends=1, runs=2, ends=60), fields))
    watch = aws.watch(collectors=COLLECTORS)
    watch.scrape()
    aws.clock.advance(59)  # a wait for the request budget may let a millisecond pass
    assert watch.scrape().state("a") == "RUNNING"
    aws.clock.advance(1)
    series = watch.scrape()
    assert series.state("a") == "COMPLETED"
    assert last_success(series) == START + 60


def test_a_renamed_resource_keeps_one_series(aws: Bench) -> None:
    """The name is that of the newest job; the old one's series ends."""
    aws.account.put(backup("a", created=START - 5 * HOUR, ResourceName="before"))
    watch = aws.watch(collectors=COLLECTORS)
    watch.scrape()
    aws.clock.advance(15)
    aws.account.put(backup("b", "RUNNING", created=START + 10, ResourceName="after"))
    series = watch.scrape()
    labels = series.labels("aws_backup_resource_last_success_timestamp_seconds", resource_arn=ARN)
    assert labels["resource_name"] == "after"


def test_a_resource_outlives_its_jobs(aws: Bench) -> None:
    """When the last job has left the window and the look-back, the success is still known."""
    aws.account.put(backup("ok", created=START - HOUR))
    watch = aws.watch(collectors=COLLECTORS)
    watch.scrape()
    aws.clock.advance(20 * DAY)
    series = watch.scrape()
    assert series.find("aws_backup_job_state") == []
    assert last_success(series) == START


def test_a_restart_gives_the_same_answers(aws: Bench) -> None:
    """What the look-back tells is what a process that saw it happen knows."""
    watch = aws.watch(collectors=COLLECTORS)
    for day in range(5):
        state = "COMPLETED" if day < 3 else "FAILED"
        aws.account.put(backup(f"d{day}", state, created=START + day * DAY))
        aws.clock.advance(2 * HOUR)
        watch.scrape()
        aws.clock.advance(22 * HOUR)
    before = _of_resources(watch.scrape())
    restarted = aws.watch(collectors=COLLECTORS)
    restarted.catch_up()
    assert _of_resources(restarted.scrape()) == before
    assert before


def test_without_the_collector_there_are_no_resource_series(aws: Bench) -> None:
    """Switched off, the look-back is not read and no resource is published."""
    aws.account.put(backup("ok", created=START - HOUR))
    watch = aws.watch()
    watch.catch_up()
    assert _of_resources(watch.scrape()) == {}


def test_a_protected_resource_without_recent_jobs_is_known(aws: Bench) -> None:
    """What is older than the look-back comes from the list of protected resources."""
    aws.account.protected.put({"ResourceArn": ARN, "ResourceType": "EBS", "LastBackupTime": START - 90 * DAY})
    watch = aws.watch(collectors=COLLECTORS)
    watch.catch_up()
    series = watch.scrape()
    name = "aws_backup_resource_last_recovery_point_timestamp_seconds"
    assert series.value(name, resource_arn=ARN) == START - 90 * DAY
    assert series.find("aws_backup_resource_last_success_timestamp_seconds") == []


def test_only_the_chosen_types_and_vaults_are_listed(aws: Bench) -> None:
    """discovery.resource_types and discovery.vaults narrow the protected resources too."""
    for type_, vault in (("EBS", "prod"), ("RDS", "prod"), ("EBS", "dev")):
        aws.account.protected.put(
            {
                "ResourceArn": f"{ARN}-{type_}-{vault}",
                "ResourceType": type_,
                "LastBackupTime": START,
                "LastBackupVaultArn": f"arn:aws:backup:{REGION}:123456789012:backup-vault:{vault}",
            }
        )
    found = Discovery(resource_types=("EBS",), vaults=("prod",))
    watch = aws.watch(collectors=COLLECTORS, discovery=found)
    watch.catch_up()
    labels = watch.scrape().labels("aws_backup_resource_last_recovery_point_timestamp_seconds")
    assert labels["resource_arn"] == f"{ARN}-EBS-prod"


@pytest.mark.slow
def test_a_stopped_backup_is_told_after_its_last_recovery_point_expired(aws: Bench) -> None:
    """AWS drops a weekly from its list when nothing is left of it: its overdue backup stays visible."""
    weekly = _rule("cron(0 5 ? * SUN *)")
    aws.account.put(backup("w", created=START - HOUR, CreatedBy=weekly))
    watch = aws.watch(collectors=COLLECTORS)
    watch.catch_up()
    aws.account.protected.remove(ARN)
    for _ in range(20):
        aws.clock.advance(DAY)
        watch.catch_up()
    assert last_success(watch.scrape()) == START
    aws.clock.advance(60 * DAY)
    watch.catch_up()
    assert _of_resources(watch.scrape()) == {}


def test_the_newest_job_tells_the_schedule_in_force(aws: Bench) -> None:
    """A rule whose schedule was changed counts as it is now, also when the plans are not read."""
    watch = aws.watch(collectors=("backup_jobs", "resources"))
    name = "aws_backup_resource_expected_interval_seconds"
    aws.account.put(backup("d", created=START - 2 * HOUR, CreatedBy=_rule("cron(0 5 ? * * *)")))
    assert watch.scrape().value(name, resource_arn=ARN) == DAY
    aws.account.put(backup("w", created=START, CreatedBy=_rule("cron(0 5 ? * SUN *)")))
    aws.clock.advance(60)
    assert watch.scrape().value(name, resource_arn=ARN) == 7 * DAY


def test_a_resource_that_aws_no_longer_knows_vanishes(aws: Bench) -> None:
    """Removed from the protected resources, and without a job in the look-back, its series end."""
    aws.account.protected.put({"ResourceArn": ARN, "ResourceType": "EBS", "LastBackupTime": START - 9 * DAY})
    watch = aws.watch(collectors=COLLECTORS)
    watch.catch_up()
    assert _of_resources(watch.scrape())
    aws.account.protected.remove(ARN)
    aws.clock.advance(301)
    watch.catch_up()
    assert _of_resources(watch.scrape()) == {}


def test_an_expected_resource_is_published_though_aws_never_heard_of_it(aws: Bench) -> None:
    """A resource named in expectations has its interval from the first scrape, and never a success."""
    watch = aws.watch(collectors=COLLECTORS, expectations=(Expectation(resource_arn=ARN, within=26 * HOUR),))
    series = watch.scrape()
    name = "aws_backup_resource_expected_interval_seconds"
    assert series.value(name, resource_arn=ARN) == 26 * HOUR
    labels = series.labels(name, resource_arn=ARN)
    assert (labels["resource_name"], labels["aws_account_id"]) == ("vol-1", "123456789012")
    assert series.find("aws_backup_resource_last_success_timestamp_seconds") == []


def test_the_configured_interval_goes_before_the_rule(aws: Bench) -> None:
    """Who writes down an expectation means it."""
    aws.account.put(backup("a", created=START - HOUR, CreatedBy=_rule("cron(0 5 ? * * *)")))
    watch = aws.watch(collectors=COLLECTORS, expectations=(Expectation(resource_arn=ARN, within=7 * DAY),))
    watch.catch_up()
    found = watch.scrape().value("aws_backup_resource_expected_interval_seconds", resource_arn=ARN)
    assert found == 7 * DAY


def test_the_shortest_rule_that_makes_jobs_for_a_resource_counts(aws: Bench) -> None:
    """A daily and a monthly rule: the daily one says how often a backup should succeed."""
    monthly = _rule("cron(0 5 1 * ? *)", "monthly")
    aws.account.put(backup("m", created=START - 2 * DAY, CreatedBy=monthly))
    watch = aws.watch(collectors=COLLECTORS)
    watch.catch_up()
    name = "aws_backup_resource_expected_interval_seconds"
    assert watch.scrape().value(name, resource_arn=ARN) == 31 * DAY
    aws.account.put(backup("d", created=START + 30, CreatedBy=_rule("cron(0 5 ? * * *)", "daily")))
    aws.clock.advance(60)
    assert watch.scrape().value(name, resource_arn=ARN) == DAY


NIGHTLY, EVERY_HOUR = ("daily", "cron(0 5 ? * * *)"), ("hourly", "cron(0 * ? * * *)")
INTERVAL = "aws_backup_resource_expected_interval_seconds"


def put_plan(aws: Bench, *rules: tuple[str, str]) -> None:
    """Put a plan with these rules, in the place of the one before."""
    told = [{"RuleId": rule_id, "ScheduleExpression": schedule} for rule_id, schedule in rules]
    aws.account.plans.put({"BackupPlanId": "p", "BackupPlan": {"BackupPlanName": "p", "Rules": told}})


def backed_up_by_two_rules(aws: Bench) -> Watch:
    """Watch a resource that an hourly and a daily rule of a plan have backed up."""
    put_plan(aws, NIGHTLY, EVERY_HOUR)
    for place, (rule_id, schedule) in enumerate((NIGHTLY, EVERY_HOUR)):
        created = START - (2 - place) * HOUR
        aws.account.put(backup(rule_id, created=created, CreatedBy=_rule(schedule, rule_id)))
    watch = aws.watch(collectors=COLLECTORS)
    watch.catch_up()
    assert watch.scrape().value(INTERVAL, resource_arn=ARN) == HOUR
    return watch


def read_plans_again(aws: Bench, watch: Watch) -> float:
    """Let the plans be read again, and give the interval of the resource."""
    aws.clock.advance(301)
    watch.catch_up()
    return watch.scrape().value(INTERVAL, resource_arn=ARN)


def test_a_rule_that_is_gone_counts_no_longer(aws: Bench) -> None:
    """When the hourly rule is removed the daily one counts; when that is, the last known interval stays."""
    watch = backed_up_by_two_rules(aws)
    put_plan(aws, NIGHTLY)
    assert read_plans_again(aws, watch) == DAY
    aws.account.plans.remove("p")
    assert read_plans_again(aws, watch) == DAY


def test_what_cannot_be_read_is_not_gone(aws: Bench) -> None:
    """While a plan, or the list of plans, cannot be read, its rules count."""
    watch = backed_up_by_two_rules(aws)
    for operation in ("GetBackupPlan", "ListBackupPlans"):
        aws.account.fail(operation, ApiError("AccessDeniedException", 403, "no"))
        assert read_plans_again(aws, watch) == HOUR
        aws.account.recover()
        assert read_plans_again(aws, watch) == HOUR


@pytest.mark.slow
def test_after_a_restart_the_jobs_tell_of_rules_that_are_gone(aws: Bench) -> None:
    """A process that starts when no plan is left takes the interval of the rule of the newest job."""
    backed_up_by_two_rules(aws)
    aws.account.plans.remove("p")
    restarted = aws.watch(collectors=COLLECTORS)
    restarted.catch_up()
    assert restarted.scrape().value(INTERVAL, resource_arn=ARN) == HOUR


def test_a_weekday_rule_rests_at_weekends(aws: Bench) -> None:
    """The expected interval of a rule is the largest gap between its runs."""
    aws.account.put(backup("a", created=START - HOUR, CreatedBy=_rule("cron(0 5 ? * MON-FRI *)")))
    watch = aws.watch(collectors=COLLECTORS)
    watch.catch_up()
    found = watch.scrape().value("aws_backup_resource_expected_interval_seconds", resource_arn=ARN)
    assert found == 3 * DAY


def test_the_lookback_bounds_what_is_read_at_the_start(aws: Bench) -> None:
    """A job older than the look-back is not read."""
    aws.account.put(backup("old", created=START - 3 * DAY))
    watch = aws.watch(collectors=COLLECTORS, discovery=Discovery(lookback=2 * DAY))
    watch.catch_up()
    assert _of_resources(watch.scrape()) == {}


def _rule(schedule: str, rule_id: str = "r") -> dict[str, str]:
    return {"BackupPlanId": "p", "BackupRuleId": rule_id, "BackupRuleCron": schedule}


def _of_resources(series: Series) -> dict[tuple[str, str], float]:
    return {
        (name, str(sorted(labels.items()))): value
        for name, labels, value in series.samples
        if name.startswith("aws_backup_resource_")
    }

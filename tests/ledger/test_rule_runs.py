"""When a rule last ran, how many jobs that run has made, and whether one ran empty."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from exporter.ledger.rule_runs import KEPT_WITHOUT_PLANS, MOST_JOBS, RuleRuns
from exporter.model import Health, Plan, PlannedRule, RuleRun, longest_gap
from exporter.model.job_kinds import BACKUP
from tests.ledger.facts import DAY, by, told
from tests.support.makers import ACCOUNT, HOUR

KEY = ("p", "daily")
HALF_PAST_FIVE = "2026-09-21T05:30:00+00:00"  # a Monday
DAILY = "cron(0 5 ? * * *)"


def at(text: str) -> float:
    """Read a time."""
    return datetime.fromisoformat(text).timestamp()


def planned(schedule: str = DAILY, *, changed: float = 0.0, **fields: Any) -> Plan:
    """Make a plan of long ago with one rule, whose jobs must start within an hour."""
    timezone = fields.get("timezone") or None
    gap = longest_gap(schedule, timezone, at(HALF_PAST_FIVE))
    rule = PlannedRule("daily", None, gap, schedule=schedule, **({"start_window": HOUR} | fields))
    return Plan("p", "p", ACCOUNT, None, (rule,), changed=changed)


class Runs:
    """Runs of a rule, of which all jobs of the last 30 days were read."""

    def __init__(self, now: str, *, since: float | None = 30 * DAY) -> None:
        self.now = at(now)
        self.runs = RuleRuns()
        self.runs.mark_read("backup_jobs", None if since is None else self.now - since)

    def made(self, *times: str, **fields: Any) -> None:
        """Tell of jobs that the rule made."""
        for time in times:
            self.runs.record(told(BACKUP, time, "RUNNING", at(time), **(by("daily") | fields)))

    def of(self, plan: Plan, *, asked: float = 0.0) -> RuleRun:
        """Give the last run; jobs were last asked for so many seconds ago."""
        health = {"backup_jobs": Health(up=not asked, last_success=self.now - asked)}
        return self.runs.at(self.now, [plan], health)[KEY]


def test_jobs_of_the_last_run_are_counted() -> None:
    """The last run has made the jobs that were created since, child jobs and other runs' not counted."""
    runs = Runs("2026-09-21T05:30:00+00:00")
    runs.made("2026-09-20T05:00:00+00:00", "2026-09-21T05:00:00+00:00", "2026-09-21T05:10:00+00:00")
    runs.made("2026-09-21T05:11:00+00:00", ParentJobId="parent")
    assert runs.of(planned()) == RuleRun(at("2026-09-21T05:00:00+00:00"), 2, False)


def test_a_job_that_is_reported_again_is_no_change() -> None:
    """AWS reports a job many times; only the first report is recorded."""
    runs = Runs("2026-09-21T05:30:00+00:00")
    runs.made("2026-09-21T05:00:00+00:00")
    before = runs.runs.version
    runs.made("2026-09-21T05:00:00+00:00")
    assert runs.runs.version == before


@pytest.mark.parametrize(
    ("now", "is_empty"),
    [
        ("2026-09-21T05:59:59+00:00", False),
        ("2026-09-21T06:00:00+00:00", True),
        ("2026-09-22T04:00:00+00:00", True),
    ],
)
def test_a_run_is_empty_when_its_start_window_has_ended(now: str, is_empty: bool) -> None:
    """Until a job can no longer start, the run before is the newest that nothing more can come of."""
    runs = Runs(now)
    runs.made("2026-09-20T05:00:00+00:00")
    found = runs.of(planned())
    assert (found.jobs, found.is_empty) == (0, is_empty)


def test_without_a_start_window_it_is_aws_default() -> None:
    """A rule that names none has eight hours."""
    for now, is_empty in (("2026-09-21T12:59:00+00:00", False), ("2026-09-21T13:00:00+00:00", True)):
        runs = Runs(now)
        runs.made("2026-09-20T05:00:00+00:00")
        assert runs.of(planned(start_window=None)).is_empty is is_empty


@pytest.mark.parametrize(
    ("now", "is_empty"), [("2026-09-21T10:20:00+00:00", False), ("2026-09-21T10:30:00+00:00", True)]
)
def test_an_hourly_rule_with_a_window_of_an_hour(now: str, is_empty: bool) -> None:
    """A run that the next one follows before its window has ended is empty half an hour after it."""
    runs = Runs(now)
    runs.made("2026-09-21T09:00:00+00:00")
    found = runs.of(planned("cron(0 * ? * * *)"))
    assert found == RuleRun(at("2026-09-21T10:00:00+00:00"), 0, is_empty)


def test_an_hourly_rule_that_runs_is_never_empty() -> None:
    """Minute by minute, an hourly rule that makes a job at each run has none that is empty."""
    runs = Runs("2026-09-21T10:00:00+00:00")
    for minute in range(180):
        if minute % 60 == 2:
            runs.made(datetime.fromtimestamp(runs.now).astimezone().isoformat())
        assert runs.of(planned("cron(0 * ? * * *)")).is_empty in ((None, False) if minute > 1 else (True,))
        runs.now += 60


def test_a_weekly_rule_is_told_all_week() -> None:
    """An empty run of a weekly rule is told until the next run's window has ended."""
    weekly = planned("cron(0 5 ? * MON *)")
    runs = Runs("2026-09-27T23:00:00+00:00")
    assert runs.of(weekly) == RuleRun(at("2026-09-21T05:00:00+00:00"), 0, True)
    runs.now = at("2026-09-28T05:30:00+00:00")
    runs.made("2026-09-28T05:05:00+00:00")
    assert runs.of(weekly) == RuleRun(at("2026-09-28T05:00:00+00:00"), 1, False)


@pytest.mark.parametrize(
    ("zone", "first", "offsets"),
    [
        ("Europe/Berlin", "2026-03-26T12:00:00+00:00", ("+01:00", "+02:00")),
        ("Europe/Berlin", "2026-10-22T12:00:00+00:00", ("+02:00", "+01:00")),
        ("America/New_York", "2026-03-05T12:00:00+00:00", ("-05:00", "-04:00")),
        ("America/New_York", "2026-10-29T12:00:00+00:00", ("-04:00", "-05:00")),
    ],
)
@pytest.mark.parametrize("schedule", ["cron(30 2 ? * * *)", "cron(30 1 ? * * *)", "cron(0 * ? * * *)"])
def test_a_change_of_clocks_makes_no_run_empty(
    zone: str, first: str, offsets: tuple[str, str], schedule: str
) -> None:
    """Through the days around a change of clocks, a rule that runs as scheduled is never empty."""
    assert offsets[0] != offsets[1]
    plan = planned(schedule, timezone=zone)
    runs = Runs(first)
    known: set[float] = set()
    told_of = []
    for _ in range(6 * 48):
        run = runs.of(plan)
        if run.at is not None and run.at not in known:
            known.add(run.at)
            runs.made(datetime.fromtimestamp(run.at + 60).astimezone().isoformat())
        told_of.append(runs.of(plan).is_empty)
        runs.now += HOUR / 2
    settled = told_of[2 * 48 :]
    assert True not in settled
    assert settled.count(False) > 100


@pytest.mark.parametrize("changed", ["2026-09-20T05:00:01+00:00", "2026-09-21T04:59:00+00:00"])
def test_a_plan_that_is_new_or_changed_has_a_day(changed: str) -> None:
    """Runs within a day of a new version of the plan are never called empty."""
    plan = planned(changed=at(changed))
    runs = Runs("2026-09-21T09:00:00+00:00")
    assert runs.of(plan).is_empty is None
    runs.now += 2 * DAY
    assert runs.of(plan).is_empty is True


def test_a_run_of_before_the_plan_is_not_counted() -> None:
    """The schedule of a new plan says when it would have run; of a run before the plan nothing is told."""
    runs = Runs("2026-09-21T04:00:00+00:00")
    found = runs.of(planned(changed=at("2026-09-21T03:00:00+00:00")))
    assert found == RuleRun(at("2026-09-20T05:00:00+00:00"), None, None)


@pytest.mark.parametrize("schedule", ["rate(1 day)", "nonsense", ""])
def test_of_a_rule_whose_runs_nobody_knows_nothing_is_told(schedule: str) -> None:
    """A rate counts from a moment that AWS keeps to itself."""
    assert Runs(HALF_PAST_FIVE).of(planned(schedule)) == RuleRun()


def test_a_continuous_rule_makes_no_job_at_each_run() -> None:
    """A rule with continuous backups has a schedule, but its runs need not make jobs."""
    found = Runs("2026-09-21T09:00:00+00:00").of(planned(continuous=True))
    assert found == RuleRun(at("2026-09-21T05:00:00+00:00"), None, None)


@pytest.mark.parametrize(
    ("asked", "jobs", "is_empty"),
    [(0.0, 0, True), (2.9 * HOUR, 0, True), (3.5 * HOUR, 0, None), (5 * HOUR, None, None)],
)
def test_while_aws_is_down_no_run_is_empty(asked: float, jobs: int | None, is_empty: bool | None) -> None:
    """A run is empty only if jobs were asked for after its start window, and counted if after it began."""
    found = Runs("2026-09-21T09:00:00+00:00").of(planned(), asked=asked)
    assert (found.jobs, found.is_empty) == (jobs, is_empty)


@pytest.mark.parametrize("since", [None, 2 * HOUR])
def test_what_was_not_read_is_not_told(since: float | None) -> None:
    """With filters in discovery, or for a run of before the look-back, nobody can tell."""
    found = Runs("2026-09-21T09:00:00+00:00", since=since).of(planned())
    assert (found.jobs, found.is_empty) == (None, None)


def test_before_the_jobs_were_read_nothing_is_told() -> None:
    """After a restart, the run is told when the jobs of before the start have been read."""
    runs = RuleRuns()
    now = at("2026-09-21T09:00:00+00:00")
    health = {"backup_jobs": Health(up=True, last_success=now)}
    assert runs.at(now, [planned()], health)[KEY].is_empty is None
    runs.mark_read("backup_jobs", now - 7 * DAY)
    assert runs.at(now, [planned()], health)[KEY].is_empty is True
    assert runs.at(now, [planned()], {})[KEY].is_empty is None


def test_jobs_of_a_plan_that_is_read_later_count() -> None:
    """A job that a new plan made before it was read is counted when it is."""
    runs = Runs("2026-09-21T05:30:00+00:00")
    runs.made("2026-09-21T05:00:00+00:00")
    other = replace(planned(), id="other")
    runs.runs.at(runs.now, [other], {})
    assert runs.of(planned()).jobs == 1


def test_jobs_that_were_forgotten_make_no_run_empty() -> None:
    """When plans can be read again after weeks, runs whose jobs were forgotten are not called empty."""
    runs = Runs("2026-09-21T09:00:00+00:00", since=400 * DAY)
    runs.made("2026-07-01T05:00:00+00:00")
    quarterly = planned("cron(0 5 1 1,4,7,10 ? *)")
    assert at("2026-07-01T05:00:00+00:00") < runs.now - KEPT_WITHOUT_PLANS
    assert runs.of(quarterly) == RuleRun(at("2026-07-01T05:00:00+00:00"), 1, False)
    runs.runs.at(runs.now, [], {})
    assert runs.of(quarterly) == RuleRun(at("2026-07-01T05:00:00+00:00"), None, None)


def test_the_newest_jobs_are_kept_of_too_many() -> None:
    """A rule that makes more jobs than are kept is not empty, in whatever order they are listed."""
    runs = Runs("2026-09-21T09:00:00+00:00")
    last = at("2026-09-21T05:00:00+00:00")
    jobs = [told(BACKUP, f"{number}", "RUNNING", last - number, **by("daily")) for number in range(MOST_JOBS)]
    for job in (*jobs, told(BACKUP, "last", "RUNNING", last + 60, **by("daily"))):
        runs.runs.record(job)
    assert runs.of(planned()).is_empty is False

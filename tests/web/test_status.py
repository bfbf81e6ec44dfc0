"""The status page: what it says of what is known."""

from collections.abc import Callable

import pytest
import yaml

from exporter.config import Api, Config
from exporter.ledger.configured_job_ids import ConfiguredIds
from exporter.model.job_kinds import KINDS
from exporter.model.records import Fault, Health, Reload
from exporter.web.status import Status, status_page
from exporter.web.status.html import MAX_PLACES, MAX_UNCOLLAPSED
from exporter.web.status.status import HOURLY_STALE_AFTER, STALE_AFTER, Condition
from exporter.web.status.summary import summarize
from tests.docs.markdown import document
from tests.support.makers import NOW
from tests.web.pages import (
    CONFIG,
    DENIED,
    FAILING,
    OLD,
    PENDING,
    REFUSED,
    ScopeSeries,
    fleet,
    ledger,
    page,
    paused,
    refusing,
    status,
    with_dropped,
)


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        (lambda: status(), "Healthy: production in eu-west-1 is up."),
        (lambda: status(*fleet(2)), "Healthy: 2 of 2 targets and Regions are up."),
        (lambda: status(ledger(region="")), "Healthy: production (no Region) is up."),
        (lambda: status(*fleet(1200)), "Healthy: 1,200 of 1,200 targets and Regions are up."),
        (
            lambda: status(ledger(vaults=PENDING), started=NOW),
            "Starting: production in eu-west-1 has not been refreshed yet.",
        ),
        (
            lambda: status(*fleet(2, vaults=PENDING), ledger(), started=NOW),
            "Starting: 2 of 3 targets and Regions have not been refreshed yet.",
        ),
        (lambda: status(ledger(vaults=FAILING), *fleet(2)), "Unhealthy: production in eu-west-1 is failing."),
        (lambda: status(*fleet(3, vaults=FAILING)), "Unhealthy: 3 of 3 targets and Regions are failing."),
        (lambda: status(ledger(vaults=OLD)), "Unhealthy: production in eu-west-1 is stale."),
        (lambda: status(reload=REFUSED), "Unhealthy: the last configuration reload failed."),
        (lambda: status(*refusing("eu-west-1")), "Unhealthy: AWS rejects 1 of 2 configured job ids."),
        (lambda: status(with_dropped()), "Unhealthy: 2 jobs have no series."),
        (
            lambda: status(
                *fleet(2, vaults=FAILING), *fleet(1, plans=OLD, vaults=OLD), ledger(), reload=REFUSED
            ),
            "Unhealthy: 2 of 4 targets and Regions are failing; target-0 in eu-west-1 is stale; "
            "the last configuration reload failed.",
        ),
    ],
)
def test_one_sentence_tells_whether_all_is_well(shown: Callable[[], Status], told: str) -> None:
    """The first sentence says whether all is well, and if not, everything that is not."""
    found = ScopeSeries(status_page(shown()))
    assert told in found.within("p")
    assert found.within("title") == f"{told.split(':')[0]}: AWS Backup exporter"


def test_the_tab_tells_it_too() -> None:
    """The icon differs between well and not, and is in the page: no browser asks for /favicon.ico."""
    icons = [
        [attributes["href"] for tag, attributes in found.elements if tag == "link"]
        for found in (page(), page(ledger(vaults=FAILING)), page(ledger(vaults=OLD)))
    ]
    assert all((icon or "").startswith("data:image/svg+xml,") for [icon] in icons)
    assert len({icon for [icon] in icons}) == 3


def test_it_tells_version_and_uptime() -> None:
    """The version, for how long it is up and since when, and the time of the page are there."""
    found = page()
    assert "Version 1.2.3, up for 3 h 12 min . As of 2026-09-21 14:13:20 UTC" in found.within("header")
    assert "since 2026-09-21 11:01:20 UTC" in found.attributes("title")


@pytest.mark.parametrize(
    ("age", "told"),
    [(-5, "0 s"), (59.9, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h 0 min"), (187_200, "2 d 4 h")],
)
def test_ages(age: float, told: str) -> None:
    """An age is told in the units that people use, and a clock that went back gives none below zero."""
    read = Reload(True, NOW - age)
    assert f"{told} ago, at 2026-09-" in page(reload=read).within("dd")


def test_a_collector_that_is_up() -> None:
    """It tells how long ago it was refreshed, and the time itself."""
    found = page()
    assert found.row("production eu-west-1")[:-1] == [
        *(["12 s ago 0 active, 0 finished"] * len(KINDS)),
        "12 s ago",
    ]
    assert "2026-09-21 14:13:08 UTC" in found.attributes("title")


def test_a_collector_that_is_not() -> None:
    """Failing, stale and not yet refreshed are told in words."""
    never = Health(fault=DENIED)
    of = ledger(backup_jobs=FAILING, copy_jobs=OLD, restore_jobs=never)
    jobs = "0 active, 0 finished"
    assert page(of).row("production eu-west-1")[:3] == [
        f"failing refreshed 1 h 0 min ago {jobs}",
        f"stale refreshed 15 min ago {jobs}",
        f"failing never refreshed {jobs}",
    ]
    new = status(ledger(vaults=PENDING), started=NOW)
    assert ScopeSeries(status_page(new)).row("production eu-west-1")[-2] == "pending"


def test_what_was_never_refreshed_grows_stale() -> None:
    """A collector that has not been refreshed a quarter of an hour after the start does not just start."""
    assert summarize(status(ledger(vaults=PENDING))).sentence == "production in eu-west-1 is stale."
    just_added = Reload(True, NOW - 60)
    assert summarize(status(ledger(vaults=PENDING), reload=just_added)).headline == "Starting"


def test_stale_is_what_the_alert_calls_stale() -> None:
    """The page and the alert AwsBackupDataStale have the same patience."""
    rules = yaml.safe_load(document("prometheus/rules/aws-backup-alerts.yml"))
    [alert] = [
        rule
        for group in rules["groups"]
        for rule in group["rules"]
        if rule.get("alert") == "AwsBackupDataStale"
    ]
    assert f"> {STALE_AFTER:g}\n" in alert["expr"]


def test_what_is_read_once_an_hour_is_stale_later() -> None:
    """Recovery points, which are read once an hour, are stale after three hours."""
    of = ledger()
    for age, condition in ((HOURLY_STALE_AFTER - 1, Condition.UP), (HOURLY_STALE_AFTER + 1, Condition.STALE)):
        of.set_health("recovery_points", Health(up=True, last_success=NOW - age))
        assert status(of).scopes[0].condition is condition
    assert "more than 3 hours" in page(of).within("dd")


def test_stale_has_a_remedy() -> None:
    """Jobs are refreshed on a scrape, the rest by itself: so what to do differs."""
    assert "check that Prometheus scrapes" in page(ledger(copy_jobs=OLD)).within("dd")
    assert "check that the exporter gets enough CPU time" in page(ledger(vaults=OLD)).within("dd")


def test_the_last_error_and_what_to_do() -> None:
    """What failed where, AWS's code and words, the remedy, and when it last went well are told."""
    found = page(ledger(copy_jobs=FAILING), *fleet(2))
    assert found.within("h3") == "Copy jobs of production in eu-west-1: AccessDeniedException"
    assert found.within("dd").startswith(
        'ListCopyJobs: not authorized allow backup:ListCopyJobs on "*" '
        "1 h 0 min ago, at 2026-09-21 13:13:20 UTC"
    )


def test_an_error_without_a_remedy() -> None:
    """Where no remedy is known, the doctor is."""
    nobody_knows = Health(fault=Fault("InternalFailure", "ListBackupVaults: HTTP 500", ""))
    found = page(ledger(vaults=nobody_knows)).within("dd")
    assert "ListBackupVaults: HTTP 500 run aws-backup-exporter doctor for details" in found
    assert "never" in found


def test_what_one_remedy_mends_is_told_once() -> None:
    """Collectors and targets that need the same remedy share one entry, which names the others."""
    others = MAX_PLACES + 2
    found = page(ledger(backup_jobs=FAILING, copy_jobs=FAILING), *fleet(others, copy_jobs=FAILING))
    assert found.within("h3") == (
        f"Backup jobs, copy jobs of production in eu-west-1 and {others} more: AccessDeniedException"
    )
    assert found.within("dd").count("allow backup:ListCopyJobs") == 1
    summary = found.within("summary")
    assert [number for number in range(others) if f"target-{number} in" in summary] == list(range(MAX_PLACES))
    assert summary.endswith("and 2 more")
    assert found.within("li").count("ListCopyJobs: not authorized") == others


def test_two_remedies_are_told_apart() -> None:
    """Each remedy has an entry of its own."""
    other = Health(
        fault=Fault("AccessDeniedException", "ListBackupVaults: no", "allow backup:ListBackupVaults")
    )
    found = page(ledger(copy_jobs=FAILING, vaults=other))
    assert found.within("h3").count("AccessDeniedException") == 2
    assert "allow backup:ListBackupVaults" in found.within("dd")


def test_those_that_fare_worst_come_first() -> None:
    """Failing before stale before not yet before up; otherwise as configured."""
    last = ledger("up"), ledger("up-too")
    mixed = (
        last[0],
        ledger("pending", vaults=PENDING),
        ledger("stale", vaults=OLD),
        ledger("failing", vaults=FAILING),
        last[1],
    )
    shown = ScopeSeries(status_page(status(*mixed, started=NOW)))
    order = ["failing", "stale", "pending", "up", "up-too"]
    assert shown.rows() == [f"{name} eu-west-1" for name in order]
    assert shown.within("caption").startswith("1 failing, 1 stale, 1 pending, 2 up")


def test_many_that_are_up_are_folded() -> None:
    """Beyond a dozen those that are up wait folded, and those that are not stand in the open."""
    found = page(*fleet(MAX_UNCOLLAPSED + 1), ledger(vaults=FAILING))
    assert found.within("summary") == f"{MAX_UNCOLLAPSED + 1} up"
    assert "production" not in found.within("details")
    assert "target-0" in found.within("details")
    assert not page(*fleet(MAX_UNCOLLAPSED), ledger(vaults=FAILING)).within("summary")


def test_jobs_by_kind() -> None:
    """Active, finished and dropped jobs are told for each target and Region, and all together."""
    found = page(with_dropped(), ledger(region="us-east-1"))
    assert found.row("production eu-west-1")[0] == "12 s ago 1 active, 1 finished, 2 dropped"
    assert found.row("Backup jobs") == ["1", "1", "2"]
    assert found.row("Copy jobs") == ["0", "0", "0"]
    assert "increase limits.max_jobs" in found.within("dd")


def test_calls_to_aws() -> None:
    """Calls are told by operation and by how they ended, with those that AWS throttled and the budget."""
    of, other = ledger(), ledger(region="us-east-1")
    for code, count in {"ok": 1998, "ThrottlingException": 3, "timeout": 1}.items():
        for _ in range(count):
            of.count_call("ListBackupJobs", code)
    other.count_call("GetBackupPlan", "Throttling")
    found = page(of, other, config=Config(targets=CONFIG.targets, api=Api(requests_per_second=0.5)))
    assert found.row("production eu-west-1")[-1] == "2,002 3 ThrottlingException 1 timeout"
    assert found.row("ListBackupJobs 3 ThrottlingException 1 timeout") == ["2,002"]
    assert found.row("GetBackupPlan 1 Throttling") == ["1"]
    assert "4 of 2,003 calls" in found.within("dd")
    assert "0.5 calls per second for each target and Region" in found.within("dd")


def test_a_refused_configuration() -> None:
    """Why it was refused, what to do, and since when the one before is in force are told."""
    found = page(reload=REFUSED).within("dd")
    assert "config.yaml:1:5: no such key config.yaml:7:1: no number" in found
    assert "fix the file, then send SIGHUP" in found
    assert "loaded 3 h 12 min ago, at 2026-09-21 11:01:20 UTC" in found
    assert "failed" in found
    assert "The configuration reload failed" not in page().within("main")


def test_a_configured_job_id_that_aws_refuses() -> None:
    """It is told once, with every Region that was asked and what AWS said; how many are configured, too."""
    found = page(*refusing("eu-west-1", "us-east-1", job_ids=("a", "b", "c")))
    assert found.row("a") == [
        "production in eu-west-1, us-east-1",
        "ResourceNotFoundException : DescribeBackupJob: no such job",
    ]
    assert "remove it from job_ids" in found.within("dd")
    assert "3 configured, 1 rejected" in found.within("dd")


def test_a_job_id_of_two_targets() -> None:
    """The same id in two targets is two configured ids."""
    two = [ledger(name, configured=ConfiguredIds(["a"])) for name in ("one", "two")]
    assert "2 configured, 0 rejected" in page(*two).within("dd")


def test_what_nothing_scrapes_is_paused() -> None:
    """Whether it failed, grew old or was never refreshed before: it is paused, which is no problem."""
    of = ledger(backup_jobs=FAILING, copy_jobs=OLD, vaults=PENDING)
    found = page(paused(of), *fleet(1))
    jobs = "0 active, 0 finished"
    assert found.row("production eu-west-1")[:2] == [
        f"paused refreshed 1 h 0 min ago {jobs}",
        f"paused refreshed 15 min ago {jobs}",
    ]
    assert found.row("production eu-west-1")[-2] == "paused never refreshed"
    assert "Problems" not in found.within("h2")


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        (
            status(paused(ledger()), *fleet(2)),
            "Healthy: 2 of 3 targets and Regions are up; production in eu-west-1 is paused.",
        ),
        (
            status(*map(paused, fleet(2)), ledger()),
            "Healthy: production in eu-west-1 is up; 2 of 3 targets and Regions are paused.",
        ),
        (status(*map(paused, fleet(2))), "Paused: no target and Region has been scraped within 10 minutes."),
        (
            status(paused(ledger()), *fleet(2, vaults=FAILING)),
            "Unhealthy: 2 of 3 targets and Regions are failing.",
        ),
    ],
)
def test_the_first_sentence_tells_what_is_paused(shown: Status, told: str) -> None:
    """Targets that nothing scrapes are counted apart: they are neither up nor a problem."""
    assert told in ScopeSeries(status_page(shown)).within("p")


def test_many_that_are_paused_are_folded() -> None:
    """They are folded apart from those that are up."""
    found = page(*map(paused, fleet(MAX_UNCOLLAPSED)), ledger(), ledger("other", vaults=FAILING))
    assert found.within("summary") == f"1 up {MAX_UNCOLLAPSED} paused"
    assert "other" not in found.within("details")

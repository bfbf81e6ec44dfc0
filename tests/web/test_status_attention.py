"""The status page: what it says of backups that need attention."""

from dataclasses import replace
from itertools import product

import pytest

from exporter.ledger import Ledger, Resources
from exporter.model import BACKUP, Attention, AttentionKind, Plan, PlannedRule, Scope
from exporter.runtime import Secrets
from exporter.web.status import Status, status_page
from exporter.web.status.attention import MAX_ROWS, AttentionRow
from exporter.web.status.html import DOCS_URL, MAX_UNCOLLAPSED_ROWS
from tests.docs.markdown import anchors, document
from tests.support.makers import ACCOUNT, HOUR, NOW, job
from tests.web.pages import FAILING, HOSTILE, OLD, PENDING, ScopeSeries, ledger, paused, status

ARN = "arn:aws:ec2:eu-west-1:123456789012:volume/vol-"
WELL = "No backup needs attention"


def failing(
    count: int = 1, target: str = "production", message: str = "no access", name: str = "vol-"
) -> Ledger:
    """A ledger in which the backups of so many resources failed, each an hour before the next."""
    made = ledger(target)
    jobs = [
        replace(
            job(f"job-{number}", "FAILED", created=NOW - number * HOUR, completed=NOW - number * HOUR),
            resource_arn=f"{ARN}{number}",
            resource_name=f"{name}{number}",
            message=message,
        )
        for number in range(count)
    ]
    made.update_jobs(BACKUP, jobs, NOW, described=True)
    return made


def reading() -> Ledger:
    """A ledger whose backup jobs of before the start have not been read yet."""
    return ledger(resources=Resources({}, lambda _: None, awaited=[BACKUP.collector]))


def unwatched() -> Ledger:
    """A ledger without resources."""
    made = ledger()
    made.follows_resources = False
    return made


def shown(of: Status) -> ScopeSeries:
    """The page of a status."""
    return ScopeSeries(status_page(of))


def test_what_needs_attention_is_told_first() -> None:
    """Which resource, where, since when and why come before the exporter's own state, without a scrape."""
    found = shown(status(failing(), ledger("other")))
    where = f"vol-0 EBS in production in eu-west-1 {ARN}0"
    assert found.row(where) == ["Backup unsuccessful Runbook", "0 s ago", "FAILED no access"]
    told = found.within("p")
    assert "1 needs attention: backup unsuccessful: 1. Exporter healthy:" in told
    assert found.within("title") == "1 needs attention: AWS Backup exporter"


def test_it_is_not_healthy() -> None:
    """While something needs attention, or that is not known, the page does not say that all is healthy."""
    for of in (failing(), reading(), unwatched(), ledger(backup_jobs=FAILING), ledger(backup_jobs=OLD)):
        assert "Healthy" not in shown(status(of)).within("p")
        assert WELL not in status_page(status(of))
    assert f"Healthy: production in eu-west-1 is up. {WELL}:" in shown(status()).within("p")


@pytest.mark.parametrize(
    ("of", "told"),
    [
        (reading(), "Starting: the past jobs of production in eu-west-1 are still being read."),
        (ledger(backup_jobs=PENDING), "Starting: the past jobs of production in eu-west-1"),
        (ledger(backup_jobs=FAILING), "Backups not known: the backup jobs of production in eu-west-1 cannot"),
        (ledger(backup_jobs=OLD), "Backups not known: the backup jobs of production in eu-west-1 cannot"),
        (unwatched(), "Backups not known: the collectors of production in eu-west-1 do not include"),
    ],
)
def test_what_is_not_known(of: Ledger, told: str) -> None:
    """Without all of the past, or the backup jobs themselves, the page says that it cannot tell."""
    assert told in shown(status(of, started=NOW)).within("p")


def test_what_is_known_of_others_is_told() -> None:
    """A scope of which nothing is known does not hide what needs attention elsewhere."""
    told = shown(status(failing(), ledger("other", backup_jobs=FAILING))).within("p")
    assert "1 needs attention: backup unsuccessful: 1. This is not complete: the backup jobs of other" in told


def test_what_was_known_before_a_pause_is_not_told() -> None:
    """Of a scope that nothing scrapes any more the page says nothing, and that it does not."""
    told = shown(status(paused(failing()), ledger("other"))).within("p")
    assert (
        f"{WELL}: backups, copies and plans are as expected in the targets and Regions that are scraped."
        in told
    )
    told = shown(status(paused(ledger("other")), failing())).within("p")
    assert (
        "1 needs attention: backup unsuccessful: 1. This is not complete: other in eu-west-1 is paused."
        in told
    )
    told = shown(status(paused(failing()))).within("p")
    assert "Backups not known: no target and Region has been scraped within 10 minutes." in told


def test_a_problem_of_another_collector() -> None:
    """Where another collector fails, the page does not claim that all could be read."""
    told = shown(status(ledger(vaults=FAILING))).within("p")
    assert "Backups partly known: none needs attention as far as is known, but some collectors" in told


def test_history_that_has_been_read() -> None:
    """Once the past has been read, the page may say that nothing needs attention."""
    of = reading()
    of.mark_read(BACKUP.collector, NOW, since=NOW - HOUR)
    assert WELL in shown(status(of)).within("p")


def test_the_worst_of_many() -> None:
    """Of all scopes the worst fifty are shown, the oldest first, most of them folded; all are counted."""
    found = shown(status(failing(40), failing(40, "other")))
    assert "80 need attention: backup unsuccessful: 80." in found.within("p")
    assert f"The worst {MAX_ROWS} of 80" in found.within("caption")
    assert "vol-39" in found.within("th")
    assert found.attributes("class").count("stale") == MAX_ROWS
    assert found.within("summary") == f"{MAX_ROWS - MAX_UNCOLLAPSED_ROWS} more"
    assert "vol-15 " in found.within("th")
    assert "vol-14 " not in found.within("th")


def test_a_plan() -> None:
    """A plan is told by its name, with the vault that its rule misses."""
    of = ledger()
    rule = PlannedRule("r", None, None, "nightly", "gone")
    plan = Plan("p", "legacy", ACCOUNT, None, (rule,))
    of.update_inventory(lambda known: known.with_vaults([], ACCOUNT).with_plans([plan], ACCOUNT))
    assert shown(status(of)).row("legacy Backup plan in production in eu-west-1") == [
        "Vault of a rule missing gone of nightly Runbook",
        "not known",
        "The vault does not exist in this account and Region.",
    ]


def test_no_html_and_no_secret() -> None:
    """Names and messages are text, and what is secret in them is masked."""
    html = status_page(
        status(
            failing(1, HOSTILE, f"{HOSTILE} hush-external-id", HOSTILE), secrets=Secrets(["hush-external-id"])
        )
    )
    assert "<script" not in html
    assert "hush" not in html
    found = ScopeSeries(html)
    assert f"{HOSTILE} ***" in found.within("td")
    assert f"{HOSTILE}0" in found.within("th")


def test_every_runbook_is_there() -> None:
    """Each kind and state leads to a section of the runbooks that exists, or to none."""
    sections = anchors(document("docs/runbooks.md"))
    states = (*BACKUP.terminal, "", "UNHEARD_OF")
    rows = [
        AttentionRow(Scope("t", "r"), Attention(kind, "", state=state))
        for kind, state in product(AttentionKind, states)
    ]
    alerts = {row.alert for row in rows} - {""}
    assert {alert.lower() for alert in alerts} <= sections
    assert {"AwsBackupMissed", "AwsBackupJobFailed", "AwsBackupJobPartial"} <= alerts
    assert f"{DOCS_URL}docs/runbooks.md#awsbackupjobfailed" in shown(status(failing())).attributes("href")

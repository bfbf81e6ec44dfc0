"""A row of the table of kinds is all that there is of a kind of job."""

from collections.abc import Mapping
from typing import Any

import pytest

from exporter.exposition.job_metrics import fleet_families, job_families, running_families
from exporter.exposition.metrics import families
from exporter.ledger.job_store import JobStore
from exporter.ledger.ledger import Ledger
from exporter.ledger.resources import Resources
from exporter.model import Health, Plan, PlannedRule, Protected, RecoveryPoints, Vault
from exporter.model.job_kinds import BACKUP, COPY, KINDS, RESTORE, SCAN
from exporter.model.kind import Kind
from tests.ledger.facts import REMOTE, VOLUME, by, told
from tests.support.makers import ACCOUNT, HOUR, NOW, SCOPE, WINDOW, written

MORE: Mapping[str, dict[str, Any]] = {
    BACKUP.name: by("daily"),
    COPY.name: {"DestinationBackupVaultArn": REMOTE, **by("daily")},
    RESTORE.name: {"CreatedBy": {"RestoreTestingPlanArn": "arn:tests"}},
    SCAN.name: {"ScanResult": {"ScanResultStatus": "THREATS_FOUND"}},
}


def lines(kinds: tuple[Kind, ...]) -> set[str]:
    """Write an account with a job of each kind of a table, a plan, a vault and recovery points."""
    stores = [JobStore(kind, window=WINDOW, since=lambda: NOW) for kind in kinds]
    resources = Resources({}, lambda _: 86400.0, kinds=kinds)
    ledger = Ledger(SCOPE, stores, max_jobs=99, collectors=["vaults", "plans"], resources=resources)
    ledger.set_health("backup_jobs", Health(up=True, last_success=NOW))
    rule = PlannedRule("daily", NOW, 86400.0, "daily", "prod", "cron(0 5 ? * * *)", destinations=(REMOTE,))
    plan = Plan("p", "p", ACCOUNT, NOW, (rule,))
    ledger.update_inventory(
        lambda known: known.with_plans([plan], "").with_vaults([Vault("prod", ACCOUNT, 1, True)], "")
    )
    points = RecoveryPoints(ACCOUNT, "", "EBS", {"COMPLETED": 1}, 5, None, NOW, NOW, NOW, NOW)
    with ledger.open_resources() as known:
        known.set_protected([Protected(VOLUME, "", "EBS", NOW)], now=NOW, lookback=HOUR)
        known.set_plans([plan], unread_plans=(), read_at=NOW)
        known.set_recovery_points("prod", {VOLUME: points})
    for kind in kinds:
        job = told(kind, kind.name, "COMPLETED", NOW, **MORE[kind.name])
        ledger.update_jobs(kind, [job], NOW, described=True)
        ledger.mark_read(kind.collector, NOW, since=NOW - HOUR)
    return set(written(ledger).text().decode().splitlines())


def is_of(kind: Kind, line: str) -> bool:
    """Whether a line is about jobs of a kind or facts that they provide."""
    name = line.removeprefix("# HELP ").removeprefix("# TYPE ").partition("{")[0].partition(" ")[0]
    of_jobs = name.startswith((f"{kind.metric_prefix}_", kind.fleet_prefix))
    return of_jobs or name.startswith(f"{kind.facts.prefix}_") or f'kind="{kind.name}"' in line


@pytest.mark.parametrize("kind", [COPY, RESTORE, SCAN], ids=lambda kind: kind.name)
def test_without_its_row_a_kind_has_no_series(kind: Kind) -> None:
    """Deleting a row removes all series of the kind and its facts, and nothing else."""
    with_all, without = lines(KINDS), lines(tuple(each for each in KINDS if each is not kind))
    assert without <= with_all
    gone = with_all - without
    assert {line for line in gone if not is_of(kind, line)} == set()
    assert {line for line in without if is_of(kind, line)} == set()
    assert any(line.startswith(f"{kind.facts.prefix}_last_ended_job_info") for line in gone)


def test_without_backups_the_others_stay() -> None:
    """Deleting the first row leaves the jobs and facts of the other kinds as they are."""
    with_all, without = lines(KINDS), lines(KINDS[1:])
    assert {line for line in without if is_of(COPY, line)} == {
        line for line in with_all if is_of(COPY, line) and "_interval_" not in line and "_due_" not in line
    }
    for kind in (RESTORE, SCAN):
        of_kind = [{line for line in some if is_of(kind, line)} for some in (with_all, without)]
        assert of_kind[0] == of_kind[1] != set()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_without_its_row_a_kind_has_no_metrics(kind: Kind) -> None:
    """Deleting a row removes the metrics of the kind, of its counts and its facts, and no others."""
    everything = {family.name for family in families()}
    without = {family.name for family in families(tuple(each for each in KINDS if each is not kind))}
    own = {family.name for family in (*job_families(kind), *running_families(kind), *fleet_families(kind))}
    facts = {
        f"{kind.facts.prefix}_{suffix}"
        for suffix in (
            "last_success_timestamp_seconds",
            "expected_interval_seconds",
            "due_timestamp_seconds",
            "last_ended_job_info",
            "last_ended_timestamp_seconds",
        )
    }
    assert everything - without == (own | facts) & everything
    assert without <= everything

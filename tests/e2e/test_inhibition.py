"""A real Alertmanager with the example's rules holds back what another alert says, and nothing else."""

from pathlib import Path

import pytest

from tests.e2e.alertmanager import alertmanager
from tests.e2e.process import until
from tests.e2e.webhook import Told, Webhook, webhook

Labels = dict[str, str]
ORDERS = {
    "aws_account_id": "1",
    "aws_region": "here",
    "resource_arn": "arn:orders",
    "resource_name": "orders",
}
ELSEWHERE = {**ORDERS, "aws_region": "elsewhere"}
OTHER = {**ORDERS, "resource_arn": "arn:other"}
PROD = {"target": "prod", "aws_region": "here"}
VAULT = {"aws_account_id": "1", "aws_region": "here", "vault_name": "vital"}
DAILY = {"aws_account_id": "1", "aws_region": "here", "plan_id": "p1", "rule_id": "daily"}
MONTHLY = {**DAILY, "rule_id": "monthly"}
TO_DR = {**ORDERS, "destination_vault_arn": "arn:dr"}


def alert(name: str, labels: Labels, severity: str = "warning") -> Labels:
    """Give the labels of an alert that fires."""
    return {"alertname": name, "severity": severity, **labels}


CASES: dict[str, tuple[Labels, list[Labels], list[Labels]]] = {
    "no exporter": (
        alert("AwsBackupExporterDown", {}, "critical"),
        [alert("AwsBackupMissed", ORDERS), alert("AwsBackupReloadFailed", {"instance": "a"})],
        [alert("NodeDown", {"instance": "a"})],
    ),
    "nothing gets through": (
        alert("AwsBackupRegionBlind", {"aws_region": "here"}, "none"),
        [
            alert("AwsBackupMissed", ORDERS),
            alert("AwsBackupJobFailed", OTHER),
            alert("AwsBackupRestoreTestOverdue", {"aws_region": "here"}),
            alert("AwsBackupRuleRanEmpty", DAILY),
            alert("AwsBackupResourceUnselected", {"aws_region": "here", "resource_type": "RDS"}),
        ],
        [
            alert("AwsBackupMissed", ELSEWHERE),
            alert("AwsBackupTargetFailing", PROD),
            alert("AwsBackupVaultUnlocked", VAULT),
        ],
    ),
    "a target fails": (
        alert("AwsBackupTargetFailing", PROD, "critical"),
        [alert("AwsBackupCollectorFailing", PROD), alert("AwsBackupDataStale", PROD)],
        [
            alert("AwsBackupDataStale", {**PROD, "target": "test"}),
            alert("AwsBackupMissed", ORDERS),
            alert("AwsBackupSeriesDropped", PROD),
        ],
    ),
    "missed": (
        alert("AwsBackupMissed", ORDERS, "critical"),
        [
            alert("AwsBackupJobFailed", ORDERS),
            alert("AwsBackupJobExpired", ORDERS),
            alert("AwsBackupRuleMissed", {**ORDERS, **DAILY}),
            alert("AwsBackupCopyMissing", TO_DR),
        ],
        [
            alert("AwsBackupJobFailed", OTHER),
            alert("AwsBackupJobFailed", {**ORDERS, "aws_account_id": "2"}),
            alert("AwsBackupCopyFailed", ORDERS),
        ],
    ),
    "copy missing": (
        alert("AwsBackupCopyMissing", TO_DR),
        [alert("AwsBackupCopyFailed", TO_DR)],
        [alert("AwsBackupCopyFailed", {**TO_DR, "destination_vault_arn": "arn:near"})],
    ),
    "no selection": (
        alert("AwsBackupPlanWithoutSelection", {**DAILY, "rule_id": ""}),
        [alert("AwsBackupRuleRanEmpty", DAILY), alert("AwsBackupRuleRanEmpty", MONTHLY)],
        [
            alert("AwsBackupRuleRanEmpty", {**DAILY, "plan_id": "p2"}),
            alert("AwsBackupRuleVaultMissing", DAILY),
        ],
    ),
    "no vault": (
        alert("AwsBackupRuleVaultMissing", DAILY),
        [alert("AwsBackupRuleRanEmpty", DAILY)],
        [alert("AwsBackupRuleRanEmpty", MONTHLY)],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_an_alert_holds_back_what_it_says_already(case: str, tmp_path: Path) -> None:
    """Of alerts that fire together a person hears those that say something of their own, and no others."""
    source, held_back, told = CASES[case]
    with webhook() as hook, alertmanager(tmp_path / "alertmanager", hook.address) as manager:
        manager.post([source])
        until(lambda: len(manager.alerts()) == 1)
        manager.post([*held_back, *told])

        until(lambda: len(_heard(hook, told)) == len(told), or_say=hook.names)

        assert _heard(hook, held_back) == []
        assert len(manager.inhibited()) == len(held_back)


def test_what_only_inhibits_tells_nobody(tmp_path: Path) -> None:
    """An alert of severity none reaches no webhook, while one of severity critical reaches the pager."""
    with webhook() as hook, alertmanager(tmp_path / "alertmanager", hook.address) as manager:
        manager.post([alert("AwsBackupRegionBlind", {"aws_region": "here"}, "none")])
        until(lambda: len(manager.alerts()) == 1)
        paging = alert("AwsBackupTargetFailing", PROD, "critical")
        manager.post([paging])

        [heard] = until(lambda: _heard(hook, [paging]), or_say=hook.names)

        assert heard.path == "/pager"
        assert hook.names() == [("AwsBackupTargetFailing", "firing")]


def _heard(hook: Webhook, alerts: list[Labels]) -> list[Told]:
    """Give what was told of alerts with exactly these labels."""
    return [told for told in hook.all() if told.labels in alerts]

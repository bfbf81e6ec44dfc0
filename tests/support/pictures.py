"""Draws the pictures of the status page in docs/pictures: `python -m tests.support.pictures`."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from exporter import __version__
from exporter.model.attention import Attention, AttentionKind
from exporter.model.job_kinds import BACKUP, KINDS
from exporter.model.records import Fault, Reload, Scope
from exporter.web.status import Status, status_page
from exporter.web.status.attention import AttentionList, AttentionRow
from exporter.web.status.numbers import Calls, Jobs
from exporter.web.status.status import CollectorState, Condition, ScopeState, Visibility
from tests.docs.markdown import ROOT
from tests.support.browser import chromium

PICTURES = ROOT / "docs" / "pictures"
DAY = 86_400.0
NOW = 1_790_046_725.0  # 2026-09-22 03:12:05 UTC
STARTED = NOW - 11 * DAY - 4 * 3600
WORKED = NOW - 2520
ACCOUNT = "111122223333"
FEW = (("production", "eu-west-1"), ("production", "us-east-1"), ("archive", "eu-central-1"))
KNOWN = {
    "backup_jobs": Jobs(7, 1204),
    "copy_jobs": Jobs(2, 310),
    "restore_jobs": Jobs(0, 4),
    "scan_jobs": Jobs(0, 12),
}
COLLECTORS = (
    *(kind.collector for kind in KINDS),
    *("resources", "vaults", "plans", "recovery_points", "settings", "restore_testing", "frameworks"),
)
OPERATIONS = {"ListBackupJobs": 31_680, "DescribeBackupJob": 51_204, "ListCopyJobs": 31_680}
DENIED = Fault(
    "AccessDeniedException",
    f"ListCopyJobs: User: arn:aws:sts::{ACCOUNT}:assumed-role/aws-backup-exporter/aws-backup-exporter "
    "is not authorized to perform: backup:ListCopyJobs "
    "because no identity-based policy allows the backup:ListCopyJobs action",
    'allow backup:ListCopyJobs on "*" for the identity in use',
)
TIMEOUT = Fault(
    "timeout",
    'ListBackupJobs: Connect timeout on endpoint URL: "https://backup.af-south-1.amazonaws.com/backup-jobs"',
    "check the network path to AWS (route, security group, VPC endpoint, proxy), "
    "or raise api.connect_timeout and api.read_timeout",
)


def main() -> None:
    """Draw them all."""
    with TemporaryDirectory() as made, chromium(Path(made) / "profile") as browser:
        for name, status, width, height, dark in _pictures():
            html = Path(made) / f"{name}.html"
            html.write_text(status_page(status), encoding="utf-8")
            scale = 1.5 if width < 600 else 1
            browser.emulate(width, dark=dark, scale=scale)
            browser.open(html.as_uri())
            whole = browser.run("return document.body.scrollHeight")
            browser.emulate(width, height or whole, dark=dark, scale=scale)
            browser.picture(PICTURES / f"{name}.png")


def _pictures() -> Iterator[tuple[str, Status, int, int | None, bool]]:
    attention = replace(_status([_scope(*one) for one in FEW]), attention=_attention())
    failing = _status([_scope(*one, copy_jobs=DENIED if one[0] == "archive" else None) for one in FEW])
    many = [
        _scope(f"account-{number:04}", "af-south-1", backup_jobs=TIMEOUT if number % 400 == 7 else None)
        for number in range(1000)
    ]
    yield "status-attention", attention, 1200, 825, False
    yield "status-failing", failing, 1200, 825, False
    yield "status-many", _status(many), 1200, 825, True
    yield "status-phone", attention, 360, 740, False


def _attention() -> AttentionList:
    where = f"arn:aws:rds:us-east-1:{ACCOUNT}:db"
    copies = "arn:aws:backup:eu-central-1:999988887777:backup-vault:offsite"
    denied = "Insufficient privileges to create a backup. The role does not have kms:CreateGrant on the key."
    found = [
        Attention(
            AttentionKind.NEVER_SUCCEEDED,
            "customers",
            f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/customers",
            "DynamoDB",
            since=NOW - 9 * DAY,
            state="EXPIRED",
            reason="Backup job expired before completion",
        ),
        Attention(
            AttentionKind.OVERDUE,
            "orders",
            f"{where}:orders",
            "RDS",
            since=NOW - 31 * DAY,
            state="FAILED",
            reason=denied,
            last_success=NOW - 33 * DAY,
        ),
        Attention(
            AttentionKind.LAST_POINT_EXPIRES,
            "orders",
            f"{where}:orders",
            "RDS",
            since=NOW - DAY,
            state="FAILED",
            reason=denied,
            last_success=NOW - 33 * DAY,
            expiry=NOW + 2 * DAY,
        ),
        Attention(
            AttentionKind.RULE_OVERDUE,
            "billing",
            f"{where}:billing",
            "RDS",
            part="monthly",
            since=NOW - 12 * DAY,
            last_success=NOW - 44 * DAY,
        ),
        Attention(
            AttentionKind.COPY_OVERDUE,
            "billing",
            f"{where}:billing",
            "RDS",
            part=copies,
            since=NOW - 3 * DAY,
            last_success=NOW - 5 * DAY,
        ),
        Attention(AttentionKind.RAN_EMPTY, "web-servers", part="daily", since=NOW - 11 * 3600),
    ]
    rows = tuple(AttentionRow(Scope("production", "us-east-1"), one) for one in found)
    return AttentionList(rows, {one.kind: 1 for one in found})


def _scope(target: str, region: str, **faults: Fault | None) -> ScopeState:
    collectors = tuple(_collector(name, faults.get(name)) for name in COLLECTORS)
    calls = {(operation, "ok"): count for operation, count in OPERATIONS.items()}
    visibility = Visibility.FAILING if faults.get(BACKUP.collector) else Visibility.COMPLETE
    return ScopeState(Scope(target, region), collectors, Calls(calls), visibility)


def _collector(name: str, fault: Fault | None) -> CollectorState:
    jobs = KNOWN.get(name)
    if fault:
        return CollectorState(name, Condition.FAILING, WORKED, fault, jobs)
    return CollectorState(name, Condition.UP, NOW - (17 if jobs else 143), None, jobs)


def _status(scopes: Sequence[ScopeState]) -> Status:
    return Status(
        version=__version__,
        now=NOW,
        started=STARTED,
        reload=Reload(True, STARTED),
        metrics_path="/metrics",
        requests_per_second=10,
        scopes=tuple(sorted(scopes, key=lambda state: state.condition is Condition.UP)),
        configured_ids=0,
        job_id_problems=(),
    )


if __name__ == "__main__":
    main()

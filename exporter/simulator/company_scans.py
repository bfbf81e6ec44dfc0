"""Generates the malware scans of the simulated company. Only scans of one resource find a threat."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from random import Random
from typing import Any

from exporter.simulator.company_backups import uuid
from exporter.simulator.company_resources import HOUR, INFECTED, UNREADABLE, Rule
from exporter.simulator.job_kinds import SCAN, Answer, Kind
from exporter.simulator.jobs import Course, Job
from exporter.simulator.scans import Scan

_SCANNED_TYPES = ("EBS", "EC2", "S3")
_SCANNED_ONE_IN = 4
"""One in this number of recovery points is scanned, and all of the infected resource."""

_CREATOR_FIELDS = ("BackupPlanId", "BackupPlanArn", "BackupPlanVersion", "BackupRuleId")
_FAILED = "The scanner role does not have permission to read the recovery point"


@dataclass(frozen=True)
class Scanner:
    """Generates the scans that follow backup jobs in one Region; `rules` are their rules by ID."""

    rules: Mapping[str, Rule]

    def jobs(self, backup: Answer) -> Iterator[tuple[Kind, Job]]:
        """Return the scan job that follows a finished backup job, if there is one."""
        rule = self.rules.get(backup.get("CreatedBy", {}).get("BackupRuleId", ""))
        if rule is None or not rule.scanned or not _can_be_scanned(backup):
            return
        rng = Random(f"scan {backup['BackupJobId']}")
        if rng.randrange(_SCANNED_ONE_IN) == 0 or _is_infected(backup):
            yield SCAN, _scan(backup, backup["CompletionDate"] + rng.uniform(1, 5), rng)

    def representative_day(self, backups: Iterable[Answer], now: float) -> Iterator[tuple[Kind, Job]]:
        """Yield scans of the last hour: one that found a threat, if its resource exists, and a failed one."""
        found = sorted(filter(_can_be_scanned, backups), key=itemgetter("CreationDate"))
        for backup in [backup for backup in found if _is_infected(backup)][-1:]:
            yield SCAN, _scan(backup, now - 0.6 * HOUR, Random(f"threat {backup['BackupJobId']}"))
        for backup in [backup for backup in found if backup["ResourceName"] == UNREADABLE.name][-1:]:
            yield (
                SCAN,
                _scan(backup, now - 0.4 * HOUR, Random(f"failed {backup['BackupJobId']}"), failed=True),
            )


def _can_be_scanned(backup: Answer) -> bool:
    return (
        backup["State"] == "COMPLETED"
        and backup["ResourceType"] in _SCANNED_TYPES
        and "CreatedBy" in backup
        and "ParentJobId" not in backup
    )


def _is_infected(backup: Answer) -> bool:
    return bool(backup["ResourceName"] == INFECTED.name)


def _scan(backup: Answer, created: float, rng: Random, *, failed: bool = False) -> Scan:
    fields: dict[str, Any] = {
        "AccountId": backup["AccountId"],
        "BackupVaultArn": backup["BackupVaultArn"],
        "BackupVaultName": backup["BackupVaultName"],
        "CreatedBy": {name: backup["CreatedBy"][name] for name in _CREATOR_FIELDS},
        "IamRoleArn": backup["IamRoleArn"],
        "MalwareScanner": "GUARDDUTY",
        "RecoveryPointArn": backup["RecoveryPointArn"],
        "ResourceArn": backup["ResourceArn"],
        "ResourceName": backup["ResourceName"],
        "ResourceType": backup["ResourceType"],
        "ScanId": uuid(rng),
        "ScanMode": "INCREMENTAL_SCAN",
        "ScannerRoleArn": f"arn:aws:iam::{backup['AccountId']}:role/service-role/AWSBackupGuardDutyRole",
    }
    course = Course(runs=rng.uniform(4, 9), ends=rng.uniform(60, 180))
    if _is_infected(backup):
        return Scan(uuid(rng), created, course, fields, "THREATS_FOUND")
    if failed or rng.random() < 1 / 20:
        course = Course(runs=course.runs, ends=course.ends / 2, outcome="FAILED", message=_FAILED)
    return Scan(uuid(rng), created, course, fields)

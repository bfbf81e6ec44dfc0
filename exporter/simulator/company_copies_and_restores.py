"""Generates the copy jobs of rules, the on-demand restores and the restore tests of the simulated company."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from operator import itemgetter
from random import Random
from typing import Any

from exporter.simulator.arns import recovery_point_arn, restored_arn
from exporter.simulator.company_backups import uuid
from exporter.simulator.company_resources import COPIES, HOUR, STACK_PARTS, Destination, Rule, Site
from exporter.simulator.copies import CompositeCopy, Copy
from exporter.simulator.job_kinds import COPY, RESTORE, Answer, Kind
from exporter.simulator.jobs import Course, Job
from exporter.simulator.restores import Restore, Trial

_UNCOPIED = (
    ("Access Denied trying to call AWS Backup service", "AccessDenied"),
    (
        "Copy job failed because the destination Backup vault is encrypted with the default Backup service "
        "managed key. The contents of this vault cannot be copied.",
        "FAILURE",
    ),
)
_UNRESTORED = (
    "Access denied trying to call {service}. Check that the IAM role has the permissions to restore",
    "The subnet of the restored resource does not have enough free addresses",
)
_WELL_RESTORED = Course(runs=5, ends=90)
_DOUBTFUL = Trial("FAILED", "The restored database does not contain the rows of the last hour")
_MEANT_FOR_ONE_IN = 25
"""One in this number of backups is restored on demand."""


@dataclass(frozen=True)
class FollowUpGenerator:
    """Generates the jobs that follow backup jobs in one Region; `rules` are their rules by ID."""

    site: Site
    rules: Mapping[str, Rule]
    testing_id: str

    @property
    def testing_arn(self) -> str:
        """The ARN of the restore testing plan."""
        region, account_id = self.site.region, self.site.account_id
        return f"arn:aws:backup:{region}:{account_id}:restore-testing-plan:proof-{self.testing_id}"

    def jobs(self, backup: Answer) -> Iterator[tuple[Kind, Job]]:
        """Yield the jobs that follow a finished backup job."""
        if backup["State"] != "COMPLETED" or "ParentJobId" in backup:
            return
        rng = Random(backup["BackupJobId"])
        rule = self.rules.get(backup.get("CreatedBy", {}).get("BackupRuleId", ""))
        if rule is not None and rule.copies_to is not None:
            course = _copying(rng, may_fail=rule.may_fail(backup["CreationDate"]))
            yield from ((COPY, job) for job in self._copies(backup, rule.copies_to, course, rng))
        tried = backup["ResourceArn"] == self._tried_arn
        if tried or (rng.randrange(_MEANT_FOR_ONE_IN) == 0 and not backup["IsParent"]):
            yield RESTORE, self._restore(backup, rng, test=tried and rng.random() < 0.6)

    def representative_day(self, backups: Iterable[Answer], now: float) -> Iterator[tuple[Kind, Job]]:
        """Yield a failed copy, a failed restore, and a restore test with a failed validation."""
        tried = (job for job in backups if job["ResourceArn"] == self._tried_arn)
        completed = (job for job in tried if job["State"] == "COMPLETED")
        backup = max(completed, key=itemgetter("CreationDate"))
        rng = Random(backup["BackupJobId"])
        course = _uncopied(_copying(rng, may_fail=False), rng)
        fields = _copied(backup, COPIES.arn(self.site.account_id)) | _size(backup)
        fields["CreatedByBackupJobId"] = backup["BackupJobId"]
        yield COPY, Copy(uuid(rng), now - 0.8 * HOUR, course, fields)
        restore, test = (self._restore(backup, rng, test=test) for test in (False, True))
        course = _unrestored(restore.course, rng, backup["ResourceType"])
        yield RESTORE, replace(restore, created=now - 0.7 * HOUR, course=course)
        yield RESTORE, replace(test, created=now - 0.5 * HOUR, course=_WELL_RESTORED, trial=_DOUBTFUL)

    @property
    def _tried_arn(self) -> str | None:
        tried = self.site.tried
        return None if tried is None else tried.arn(self.site.region, self.site.account_id)

    def _copies(self, backup: Answer, destination: Destination, course: Course, rng: Random) -> Iterator[Job]:
        """Yield the copy job of a recovery point. The job of a composite has a child job for each part.

        The course applies to the job, or to its first child job; the other child jobs complete.
        """
        by_rule = {"CreatedBy": dict(backup["CreatedBy"]), "CreatedByBackupJobId": backup["BackupJobId"]}
        fields = _copied(backup, destination.arn(self.site.account_id)) | _size(backup) | by_rule
        parent_id = uuid(rng)
        created = backup["CompletionDate"] + rng.uniform(0.5, 2)
        made = self._made(backup["ResourceArn"], destination, parent_id)
        if not backup["IsParent"]:
            yield Copy(parent_id, created, course, fields, made)
            return
        children = []
        for part in STACK_PARTS:
            arn, job_id = part.arn(self.site.region, self.site.account_id), uuid(rng)
            source = recovery_point_arn(arn, self.site.region, self.site.account_id, uuid(rng))
            own = fields | {
                "ResourceArn": arn,
                "ResourceName": part.name,
                "ResourceType": part.type,
                "SourceRecoveryPointArn": source,
                "BackupSizeInBytes": part.size,
                "CompositeMemberIdentifier": part.name,
            }
            copied = self._made(arn, destination, job_id)
            children.append(Copy(job_id, created, course, own, copied, parent_id))
            course = _copying(rng, may_fail=False)
        yield CompositeCopy(parent_id, created, max(child.ends for child in children), fields, made)
        yield from children

    def _made(self, arn: str, destination: Destination, job_id: str) -> dict[str, str]:
        """Return the fields of a copy job about the copy of a resource's recovery point."""
        account_id = destination.account_id or self.site.account_id
        point = recovery_point_arn(arn, destination.region, account_id, job_id)
        return {"DestinationRecoveryPointArn": point}

    def _restore(self, backup: Answer, rng: Random, *, test: bool) -> Restore:
        job_id = uuid(rng)
        fields = {
            "AccountId": self.site.account_id,
            "RecoveryPointArn": backup["RecoveryPointArn"],
            "RecoveryPointCreationDate": backup["CreationDate"],
            "SourceResourceArn": backup["ResourceArn"],
            "BackupVaultArn": backup["BackupVaultArn"],
            "IamRoleArn": backup["IamRoleArn"],
            "ExpectedCompletionTimeMinutes": 2,
            "ResourceType": backup["ResourceType"],
        }
        fields |= _size(backup)
        if test:
            fields["CreatedBy"] = {"RestoreTestingPlanArn": self.testing_arn}
        made = {"CreatedResourceArn": restored_arn(backup["ResourceArn"], job_id)}
        created = backup["CompletionDate"] + rng.uniform(1, 5)
        course = _restoring(rng, backup["ResourceType"])
        return Restore(job_id, created, course, fields, made, _trial(rng) if test else None)


def _copied(backup: Answer, destination: str) -> dict[str, Any]:
    """Return the fields of a copy job about its source and destination."""
    lifecycle = backup.get("RecoveryPointLifecycle")
    own_lifecycle = {} if lifecycle is None else {"DestinationRecoveryPointLifecycle": lifecycle}
    return own_lifecycle | {
        "AccountId": backup["AccountId"],
        "SourceBackupVaultArn": backup["BackupVaultArn"],
        "SourceRecoveryPointArn": backup["RecoveryPointArn"],
        "DestinationBackupVaultArn": destination,
        "DestinationVaultType": "BACKUP_VAULT",
        "ResourceArn": backup["ResourceArn"],
        "ResourceName": backup["ResourceName"],
        "ResourceType": backup["ResourceType"],
        "IamRoleArn": backup["IamRoleArn"],
    }


def _size(backup: Answer) -> dict[str, int]:
    """Return the size field of a recovery point, if AWS reports it."""
    return {name: backup[name] for name in ("BackupSizeInBytes",) if name in backup}


def _copying(rng: Random, *, may_fail: bool) -> Course:
    """Return a random course of a copy: one in four fails if `may_fail`."""
    course = Course(runs=rng.uniform(2, 5), ends=rng.uniform(60, 120))
    return _uncopied(course, rng) if may_fail and rng.random() < 1 / 4 else course


def _uncopied(course: Course, rng: Random) -> Course:
    message, category = rng.choice(_UNCOPIED)
    return Course(course.runs, course.runs, course.ends / 2, "FAILED", message=message, category=category)


def _restoring(rng: Random, service: str) -> Course:
    """Return a random course of a restore: one in eight fails."""
    course = Course(runs=rng.uniform(4, 9), ends=rng.uniform(60, 120))
    return course if rng.random() >= 1 / 8 else _unrestored(course, rng, service)


def _unrestored(course: Course, rng: Random, service: str) -> Course:
    message = rng.choice(_UNRESTORED).format(service=service)
    return Course(course.runs, course.runs, course.ends / 2, "FAILED", message=message)


def _trial(rng: Random) -> Trial:
    """Return a random validation of a restore test: one in five fails."""
    if rng.random() < 0.8:
        return Trial(message="The restored resource responded as expected")
    return _DOUBTFUL

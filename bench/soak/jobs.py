"""The jobs of the accounts in the soak test: finished before the start, or created during the test."""

from collections.abc import Iterator
from itertools import count
from random import Random
from typing import Any
from uuid import UUID

from bench.jobs import REGION, finished
from exporter.simulator.account import Account
from exporter.simulator.arns import recovery_point_arn, vault_arn
from exporter.simulator.copies import Copy
from exporter.simulator.job_kinds import BACKUP, COPY, RESTORE, Answer, Kind
from exporter.simulator.jobs import GIB, Composite, Course, Job, Scripted
from exporter.simulator.restores import Restore, Trial

HOUR, DAY = 3600.0, 86400.0
HISTORY = 300  # finished jobs in the window
OLDER = 40  # and in the rest of the look-back
EARLIER_PARENTS = 5
CHILDREN = 3
SOONEST_END = 60.0  # seconds before which no job ends: what ends is counted from the exporter's start on
LAST_FOR = (40.0, 220.0)  # seconds that a job runs, at least and at most
COMPOSITE_EVERY, RESTORE_EVERY = 61.0, 37.0  # seconds
BEGUN = 130.0  # seconds before the start at which the first of the jobs to come begins
VAULTS = ("prod-daily", "dev")

_ENDS = (
    *(Course() for _ in range(7)),
    Course(outcome="FAILED", message="Access denied when calling the service", category="AccessDenied"),
    Course(outcome="ABORTED", message="Backup job was stopped by the user"),
    Course(outcome="EXPIRED", message="Backup job expired before completion"),
)


def fill(account: Account, now: float, every: float, seed: int) -> None:
    """Return an account its past, and its jobs to come: a backup starts every so many seconds."""
    made = _Made(account.account_id, Random(seed))
    for job in finished(HISTORY, now, account.account_id):
        account.put(job)
    for job in made.older(now):
        account.put(job)
    for job in made.earlier_composites(now):
        account.put(job)
    account.schedule(made.backups(now, every), BACKUP)
    account.schedule(made.composites(now), BACKUP)
    account.schedule(made.restores(now), RESTORE)
    account.follow(made.copies)


class _Made:
    """Makes the jobs of one account."""

    def __init__(self, account_id: str, rng: Random) -> None:
        self._account_id = account_id
        self._rng = rng

    def older(self, now: float) -> Iterator[dict[str, Any]]:
        """Yield finished jobs from before the window, of resources that had none since."""
        for number in range(OLDER):
            created = now - 26 * HOUR - number * 3 * HOUR
            fields = self._fields("old", number)
            yield fields | self._ended(created, "COMPLETED" if number % 4 else "FAILED")

    def earlier_composites(self, now: float) -> Iterator[dict[str, Any]]:
        """Yield composite jobs of the window that ended before the start."""
        for number in range(EARLIER_PARENTS):
            created = now - (2 + 4 * number) * HOUR - 100.0
            parent = self._fields("stack", number) | self._ended(created, "COMPLETED") | {"IsParent": True}
            yield parent | {"NumberOfChildJobs": CHILDREN, "ChildJobsInState": {"COMPLETED": CHILDREN}}
            for child in range(CHILDREN):
                fields = self._fields("part", CHILDREN * number + child)
                own = {"ParentJobId": parent["BackupJobId"]}
                yield fields | self._ended(created + 1 + child, "COMPLETED") | own

    def backups(self, now: float, every: float) -> Iterator[Job]:
        """Yield single jobs without end; some run already at the start."""
        for number in count():
            created = now - BEGUN + number * every + self._rng.uniform(0.0, every / 2)
            course = self._course(created, now)
            yield self._scripted(created, course, self._fields("volume", number % 40))

    def composites(self, now: float) -> Iterator[Job]:
        """Yield parents and their children indefinitely."""
        for number in count():
            created = now - 10.0 + number * COMPOSITE_EVERY
            fields = self._fields("stack", number % 7)
            children = [
                self._scripted(
                    created + 0.2 * (child + 1),
                    self._course(created, now),
                    self._fields("part", (CHILDREN * number + child) % 21),
                    fields["BackupJobId"],
                )
                for child in range(CHILDREN)
            ]
            yield Composite(fields["BackupJobId"], created, max(child.ends for child in children), fields)
            yield from children

    def restores(self, now: float) -> Iterator[Job]:
        """Yield restore jobs without end, every other one a restore test."""
        for number in count():
            created = now - 5.0 + number * RESTORE_EVERY
            source = self._fields("volume", number % 40)
            fields = {
                "AccountId": self._account_id,
                "SourceResourceArn": source["ResourceArn"],
                "ResourceType": source["ResourceType"],
                "BackupVaultArn": source["BackupVaultArn"],
                "RecoveryPointArn": source["RecoveryPointArn"],
                "BackupSizeInBytes": 8 * GIB,
            }
            course = self._course(created, now, outcome="COMPLETED" if number % 5 else "FAILED")
            yield Restore(self._id(), created, course, fields, trial=Trial() if number % 2 else None)

    def copies(self, backup: Answer) -> Iterator[tuple[Kind, Job]]:
        """Yield the copy of a backup: every third has one."""
        if backup["State"] != "COMPLETED" or "ParentJobId" in backup or self._rng.randrange(3):
            return
        fields = {
            "AccountId": self._account_id,
            "ResourceArn": backup["ResourceArn"],
            "ResourceType": backup["ResourceType"],
            "SourceBackupVaultArn": backup["BackupVaultArn"],
            "DestinationBackupVaultArn": vault_arn("eu-central-1", self._account_id, "far"),
            "SourceRecoveryPointArn": backup["RecoveryPointArn"],
            "CreatedByBackupJobId": backup["BackupJobId"],
            "BackupSizeInBytes": backup["BackupSizeInBytes"],
        }
        course = Course(runs=2.0, ends=self._rng.uniform(*LAST_FOR))
        yield COPY, Copy(self._id(), backup["CompletionDate"] + 0.5, course, fields)

    def _course(self, created: float, now: float, outcome: str | None = None) -> Course:
        """Return a job its course; none ends so early that the exporter may not have been there."""
        like = Course(outcome=outcome) if outcome else self._rng.choice(_ENDS)
        ends = max(self._rng.uniform(*LAST_FOR), now + SOONEST_END - created + self._rng.uniform(0.0, 10.0))
        size = self._rng.randrange(GIB, 64 * GIB)
        return Course(
            runs=self._rng.uniform(1.5, 6.0),
            ends=ends,
            outcome=like.outcome,
            size=size,
            transferred=size,
            message=like.message,
            category=like.category,
        )

    def _scripted(
        self, created: float, course: Course, fields: dict[str, Any], parent_id: str | None = None
    ) -> Scripted:
        return Scripted(fields["BackupJobId"], created, course, fields, parent_id=parent_id)

    def _fields(self, name: str, number: int) -> dict[str, Any]:
        """Return what is known of a job from its creation."""
        job_id, vault = self._id(), VAULTS[number % len(VAULTS)]
        kind = "volume" if name != "stack" else "stack"
        resource = (
            f"arn:aws:ec2:{REGION}:{self._account_id}:volume/vol-{name}-{number:04}"
            if kind == "volume"
            else f"arn:aws:cloudformation:{REGION}:{self._account_id}:stack/{name}-{number:04}/1"
        )
        return {
            "BackupJobId": job_id,
            "AccountId": self._account_id,
            "BackupVaultName": vault,
            "BackupVaultArn": vault_arn(REGION, self._account_id, vault),
            "ResourceArn": resource,
            "ResourceName": f"{name}-{number}",
            "ResourceType": "EBS" if kind == "volume" else "CloudFormation",
            "RecoveryPointArn": recovery_point_arn(resource, REGION, self._account_id, job_id),
            "IamRoleArn": f"arn:aws:iam::{self._account_id}:role/backup",
        }

    def _ended(self, created: float, state: str) -> dict[str, Any]:
        size = self._rng.randrange(GIB, 64 * GIB)
        return {
            "State": state,
            "CreationDate": round(created, 3),
            "CompletionDate": round(created + self._rng.uniform(300.0, 900.0), 3),
            "PercentDone": "100.0",
            "BackupSizeInBytes": size,
            "BytesTransferred": size,
            "IsParent": False,
        }

    def _id(self) -> str:
        return str(UUID(int=self._rng.getrandbits(128)))

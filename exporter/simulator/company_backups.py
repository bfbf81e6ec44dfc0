"""Generates the backup jobs of the simulated company: past jobs, and an endless sequence of new ones."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from heapq import merge
from itertools import count, cycle, takewhile
from operator import attrgetter, itemgetter
from random import Random
from typing import Any
from uuid import UUID

from exporter.simulator.arns import recovery_point_arn, vault_arn
from exporter.simulator.company_resources import (
    BIG,
    FORMER_NAME,
    HOUR,
    NEVER_SUCCEEDS,
    RENAMED,
    RENAMED_FOR,
    SPREAD,
    STACK,
    STACK_PARTS,
    STOPPED,
    STOPPED_FOR,
    WEB,
    Activity,
    Resource,
    Rule,
    Site,
)
from exporter.simulator.jobs import GIB, Composite, Course, Job, Scripted

_FAILURES = (
    ("Access denied when trying to call AWS Backup service", "AccessDenied"),
    ("IAM Role {role} has insufficient privileges to back up {name}", "AccessDenied"),
    ("Backup job failed because there was a running job for the same resource", "FAILURE"),
    ("The resource {name} is not in a valid state to be backed up", "INVALIDPARAMETERS"),
)
_VSS = Course(
    message="Windows VSS Backup Job Error encountered, trying for regular backup", category="WindowsVSS"
)
_EXPIRED = "Backup job expired before completion"
_ABORTED = "Backup job was stopped by the user"


@dataclass(frozen=True)
class BackupGenerator:
    """Generates the backup jobs in one Region, before and after `now`.

    `creators` is the CreatedBy of the jobs of each rule. `lifecycle`, if set, replaces the lifecycle that the
    rules define for recovery points.
    """

    site: Site
    creators: Mapping[Rule, Mapping[str, Any]]
    rng: Random
    now: float
    lifecycle: Mapping[str, int] | None = None

    def past(self) -> Iterator[Job]:
        """Yield the jobs that the plans created before `now`; with activity, some with every final state."""
        jobs = [
            job
            for plan in self.site.plans
            for rule in plan.rules
            for run in takewhile(lambda run: run < self.now, rule.runs(self.now - rule.past))
            for resource in rule.resources
            for job in self._ran(rule, resource, run)
        ]
        eventful = self._eventful_day() if self.site.activity else ()
        return iter(sorted([*jobs, *eventful], key=_created))

    def planned(self) -> Iterator[Job]:
        """Yield the jobs that the plans create after `now`, indefinitely."""
        each = (plan.runs(self.now) for plan in self.site.plans)
        for run, rule in merge(*each, key=itemgetter(0)):
            jobs = (job for resource in rule.resources for job in self._ran(rule, resource, run))
            yield from sorted(jobs, key=_created)

    def _ran(self, rule: Rule, resource: Resource, run: float) -> Iterator[Job]:
        """Yield the job that a run of a rule created for a resource, and its child jobs."""
        created = run + self.rng.uniform(0, SPREAD)
        if resource == STOPPED and created > self.now - STOPPED_FOR:
            return
        if resource == STACK:
            broken = rule.may_fail(created) and self.rng.random() < 0.2
            yield from self._stack(created, rule, 600, broken=broken)
            return
        length = self.rng.uniform(0.8, 1.2) * min(20 * HOUR, 120 + resource.size / GIB * 8)
        course = Course(pends=20, runs=60, ends=60 + length)
        if resource == NEVER_SUCCEEDS:
            course = self._failed(
                replace(course, pends=1, runs=2, ends=3), resource, 0
            )  # it fails immediately
        elif resource not in (STOPPED, *BIG) and rule.may_fail(created) and self.rng.random() < 0.12:
            course = self._trouble(course, resource)
        yield self._job(resource, created, course, rule)

    def _eventful_day(self) -> Iterator[Job]:
        """Yield a job for each final state within the last hour, and large jobs that are still running."""
        rule = self.site.plans[0].rules[0]
        plain = Course(pends=20, runs=60, ends=self.rng.uniform(600, 900))
        server = WEB[-1]
        ends = (
            replace(plain, outcome="EXPIRED", message=_EXPIRED),
            replace(plain, outcome="ABORTED", message=_ABORTED),
            self._failed(plain, server, 1),
            replace(plain, message=_VSS.message, category=_VSS.category),
        )
        for minutes, course in zip((50, 40, 30, 20), ends, strict=True):
            yield self._job(server, self.now - 60 * minutes, course, rule)
        yield from self._stack(self.now - HOUR / 2, rule, 900, broken=True)
        yield from self._stack(self.now - 90, rule, 300, broken=False)
        for hours, resource in zip((4, 2, 9), BIG, strict=True):
            course = Course(pends=20, runs=120, ends=(3 * hours) * HOUR)
            yield self._job(resource, self.now - hours * HOUR, course, None)

    def busy(self, activity: Activity) -> Iterator[Job]:
        """Yield a new job every few seconds; one in eight fails, one in eight is unusual, and so on."""
        daily, rule = self.site.plans[0].rules[0], activity.rule
        resources = cycle(rule.resources)
        slots = cycle(range(8))
        created = self.now
        for number in count(1):
            created += activity.pace * self.rng.uniform(0.75, 1.25)
            slot = next(slots)
            resource = next(resources)
            if slot == 5 and number % 3 == 0:
                length, broken = 33 * activity.pace, number // 24 % 2 == 1
                yield from self._stack(created, daily, length, broken=broken)
                continue
            course = Course(pends=2, runs=6, ends=self.rng.uniform(20, 45))
            if slot == 0:
                yield self._job(daily.resources[number // 8 % 4], created, course, daily)
                continue
            if slot == 2:
                course = self._failed(replace(course, ends=12), resource, number)
            elif slot == 6:
                yield self._unusual(course, created, daily, number)
                continue
            yield self._job(resource, created, course, rule if number % 3 else None)

    def _unusual(self, course: Course, created: float, daily: Rule, number: int) -> Job:
        """Return a large, expired, stopped or completed-with-issues job, in turn."""
        choices = (
            (BIG[number % len(BIG)], replace(course, ends=2 * HOUR), None),
            (WEB[0], replace(course, outcome="EXPIRED", message=_EXPIRED), daily),
            (WEB[1], replace(course, outcome="ABORTED", message=_ABORTED), daily),
            (WEB[-1], replace(course, message=_VSS.message, category=_VSS.category), daily),
        )
        resource, course, rule = choices[number // 8 % len(choices)]
        return self._job(resource, created, course, rule)

    def _trouble(self, course: Course, resource: Resource) -> Course:
        chance = self.rng.random()
        if chance < 0.5:
            return self._failed(course, resource, self.rng.randrange(len(_FAILURES)))
        if chance < 0.7:
            return replace(course, outcome="EXPIRED", message=_EXPIRED, ends=HOUR)
        if chance < 0.8:
            return replace(course, outcome="ABORTED", message=_ABORTED)
        return replace(course, message=_VSS.message, category=_VSS.category)

    def _failed(self, course: Course, resource: Resource, number: int) -> Course:
        message, category = _FAILURES[number % len(_FAILURES)]
        return replace(
            course,
            outcome="FAILED",
            reached=self.rng.uniform(0, 0.9),
            message=message.format(role=self._role, name=resource.name),
            category=category,
            has_completion=number % 4 != 3,
        )

    @property
    def _role(self) -> str:
        return f"arn:aws:iam::{self.site.account_id}:role/service-role/AWSBackupDefaultServiceRole"

    def _stack(self, created: float, rule: Rule, length: float, *, broken: bool) -> Iterator[Job]:
        """Yield the job of a CloudFormation stack and its child jobs, which end one after the other."""
        parent_id = uuid(self.rng)
        children = []
        for place, part in enumerate(STACK_PARTS, 1):
            course = Course(pends=2, runs=4 * place, ends=length * place / len(STACK_PARTS) + 4 * place)
            if broken and place == 2:
                course = self._failed(course, part, 1)
            children.append(self._job(part, created + place / 1000, course, rule, parent_id))
        fields, account_fields, made = self._fields(STACK, rule, created, children[-1].course.ends, parent_id)
        yield Composite(
            parent_id, created, max(child.ends for child in children), fields, account_fields, made
        )
        yield from children

    def _job(
        self, resource: Resource, created: float, course: Course, rule: Rule | None, parent: str | None = None
    ) -> Scripted:
        """Return a job; without a rule, it is an on-demand job."""
        job_id = uuid(self.rng)
        size, transferred = _reported_sizes(resource)
        course = replace(course, size=size, transferred=transferred)
        fields, account_fields, made = self._fields(resource, rule, created, course.ends, job_id)
        return Scripted(job_id, created, course, fields, account_fields, made, parent)

    def _fields(
        self, resource: Resource, rule: Rule | None, created: float, length: float, job_id: str
    ) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        """Return the fields that a job has from its creation, from PENDING and from RUNNING."""
        region, account_id = self.site.region, self.site.account_id
        vault = rule.vault if rule else "dev"
        fields: dict[str, Any] = {
            "BackupVaultName": vault,
            "BackupVaultArn": vault_arn(region, account_id, vault),
            "ResourceArn": resource.arn(region, account_id),
            "ResourceName": self._name(resource, created),
            "ResourceType": resource.type,
            "IamRoleArn": self._role,
            "StartBy": round(created + HOUR, 3),
        }
        if resource == WEB[-1]:
            fields["BackupOptions"] = {"WindowsVSS": "enabled"}
        if self.lifecycle is not None or rule is None:
            fields["RecoveryPointLifecycle"] = self.lifecycle or {"DeleteAfterDays": 35}
        account_fields: dict[str, Any] = {"AccountId": account_id}
        if rule:
            account_fields["CreatedBy"] = dict(self.creators[rule])
        made = {
            "RecoveryPointArn": recovery_point_arn(fields["ResourceArn"], region, account_id, job_id),
            "ExpectedCompletionDate": round(created + length, 3),
            "VaultType": "BACKUP_VAULT",
            "IsEncrypted": True,
        }
        return fields, account_fields, made

    def _name(self, resource: Resource, created: float) -> str:
        """Return the name that a resource had when a job was created."""
        renamed = self.now - RENAMED_FOR
        return FORMER_NAME if resource == RENAMED and created < renamed else resource.name


_created = attrgetter("created")


def _reported_sizes(resource: Resource) -> tuple[int | None, int | None]:
    """Return the size and the transferred bytes, as AWS reports them for this resource type."""
    size: int | None = {"Aurora": None, "FSx": None, "RDS": 0}.get(resource.type, resource.size)
    return size, None if resource.type in ("Aurora", "EFS") else resource.size


def uuid(rng: Random) -> str:
    """Return a random UUID."""
    return str(UUID(int=rng.getrandbits(128), version=4))

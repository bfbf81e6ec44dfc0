"""A small company whose backups run while one watches: a week behind it, and new jobs without end."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count, cycle
from random import Random
from typing import Any
from uuid import UUID

from moto.backup.models import Plan as MotoPlan

from exporter.simulator.backend import SimulatedBackend, Simulation
from exporter.simulator.fleet import (
    ACCOUNT,
    BIG,
    LEGACY,
    LOCKED_VAULT,
    SITES,
    STACK,
    STACK_PARTS,
    WEB,
    Plan,
    Resource,
    Rule,
    Site,
)
from exporter.simulator.jobs import GIB, Composite, Course, Job, Scripted

HOUR = 3600.0
DAY = 24 * HOUR
WEEK = 7 * DAY

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


def fill(simulation: Simulation, now: float, rng: Random) -> None:
    """Bring the company to life at `now` (epoch seconds); the same `rng` gives the same company."""
    for site in SITES:
        backend = simulation.backend(site.region, ACCOUNT)
        for name in site.vaults:
            backend.create_backup_vault(name, {}, f"arn:aws:kms:{site.region}:{ACCOUNT}:key/backup", "")
        if LOCKED_VAULT in site.vaults:
            backend.put_backup_vault_lock_configuration(LOCKED_VAULT, 30, 3650, None)
        creators: dict[str, dict[str, Any]] = {}
        for plan in site.plans:
            creators |= _introduce(backend, plan, now - 90 * DAY, rng)
        backend.account.schedule(_Office(site, creators, rng, now).jobs())


def _introduce(
    backend: SimulatedBackend, plan: Plan, created: float, rng: Random
) -> dict[str, dict[str, Any]]:
    """Make a plan known to moto; returns the CreatedBy of each of its rules, by the rule's name."""
    rules = [
        {
            "RuleName": rule.name,
            "TargetBackupVaultName": rule.vault,
            "ScheduleExpression": rule.cron,
            "StartWindowMinutes": 60,
            "CompletionWindowMinutes": 1440,
            "Lifecycle": {"DeleteAfterDays": 35},
        }
        for rule in plan.rules
    ]
    known = MotoPlan({"BackupPlanName": plan.name, "Rules": rules}, "", backend)
    known.backup_plan_id = _uuid(rng)
    known.backup_plan_arn = (
        f"arn:aws:backup:{backend.region_name}:{ACCOUNT}:backup-plan:{known.backup_plan_id}"
    )
    known.version_id = f"{rng.getrandbits(144):036x}"
    known.creation_date = created
    backend.plans[known.backup_plan_id] = known
    creators: dict[str, dict[str, Any]] = {}
    for rule in rules:
        rule["RuleId"] = _uuid(rng)
        creators[str(rule["RuleName"])] = {
            "BackupPlanId": known.backup_plan_id,
            "BackupPlanArn": known.backup_plan_arn,
            "BackupPlanName": plan.name,
            "BackupPlanVersion": known.version_id,
            "BackupRuleId": rule["RuleId"],
            "BackupRuleName": rule["RuleName"],
            "BackupRuleCron": rule["ScheduleExpression"],
            "BackupRuleTimezone": "Etc/UTC",
        }
    ids = {str(rule["RuleName"]): str(rule["RuleId"]) for rule in rules}
    backend.runs[known.backup_plan_id] = lambda after: (
        (run, ids[rule.name]) for run, rule in plan.runs(after)
    )
    return creators


def _uuid(rng: Random) -> str:
    return str(UUID(int=rng.getrandbits(128), version=4))


@dataclass(frozen=True)
class _Office:
    """The company's backups in one Region: those of the week before `now`, and those that come."""

    site: Site
    creators: Mapping[str, Mapping[str, Any]]
    rng: Random
    now: float

    def jobs(self) -> Iterator[Job]:
        """Give every job in the order of creation: the past week's, then the coming ones without end."""
        yield from sorted(self._past(), key=lambda job: job.created)
        yield from self._coming()

    def _past(self) -> Iterator[Job]:
        for plan in self.site.plans:
            for run, rule in plan.runs(self.now - WEEK):
                if run >= self.now - HOUR:
                    break
                for resource in rule.resources:
                    yield from self._ran(rule, resource, run)
        yield from self._eventful_day()

    def _ran(self, rule: Rule, resource: Resource, run: float) -> Iterator[Job]:
        """Give the job that a rule's run made for a resource."""
        created = run + self.rng.uniform(0, 600)
        if resource == STACK:
            yield from self._stack(created, rule, 600, broken=self.rng.random() < 0.1)
            return
        length = self.rng.uniform(0.8, 1.2) * min(20 * HOUR, 120 + resource.size / GIB * 8)
        course = Course(pends=20, runs=60, ends=60 + length)
        if resource == LEGACY:
            course = self._failed(course, resource, 0)
        elif self.rng.random() < 0.08:
            course = self._trouble(course, resource)
        yield self._job(resource, created, course, rule)

    def _eventful_day(self) -> Iterator[Job]:
        """Give what no day lacks: every way to end within the last hours, and big jobs that still run."""
        rule = self.site.plans[0].rules[0]
        plain = Course(pends=20, runs=60, ends=1800)
        server = WEB[-1]
        ends = (
            replace(plain, outcome="EXPIRED", message=_EXPIRED),
            replace(plain, outcome="ABORTED", message=_ABORTED),
            self._failed(plain, server, 1),
            replace(plain, message=_VSS.message, category=_VSS.category),
        )
        for hours, course in zip((7, 5, 4, 3), ends, strict=True):
            yield self._job(server, self.now - hours * HOUR, course, rule)
        yield from self._stack(self.now - 2 * HOUR, rule, 900, broken=True)
        yield from self._stack(self.now - 90, rule, 300, broken=False)
        for hours, resource in zip((4, 2, 9), BIG, strict=True):
            course = Course(pends=20, runs=120, ends=(3 * hours) * HOUR)
            yield self._job(resource, self.now - hours * HOUR, course, rule)

    def _coming(self) -> Iterator[Job]:
        """Give a new job every few seconds; among every eight one that fails, one that is big, and so on."""
        rule = self.site.plans[0].rules[-1]
        resources = cycle(rule.resources)
        slots = cycle(range(8))
        created = self.now
        for number in count(1):
            created += self.site.pace * self.rng.uniform(0.75, 1.25)
            slot = next(slots)
            resource = next(resources)
            if slot == 5 and number % 3 == 0:
                length, broken = 33 * self.site.pace, number // 24 % 2 == 1
                yield from self._stack(created, self.site.plans[0].rules[0], length, broken=broken)
                continue
            course = Course(pends=2, runs=6, ends=self.rng.uniform(20, 45))
            if slot == 2:
                course = self._failed(replace(course, ends=12), resource, number)
            elif slot == 6:
                course, resource = self._unusual(course, number)
            yield self._job(resource, created, course, rule if number % 3 else None)

    def _unusual(self, course: Course, number: int) -> tuple[Course, Resource]:
        """Choose, one after the other: a big job, one that expires, is stopped, or completes with issues."""
        choices = (
            (replace(course, ends=2 * HOUR), BIG[number % len(BIG)]),
            (replace(course, outcome="EXPIRED", message=_EXPIRED), WEB[0]),
            (replace(course, outcome="ABORTED", message=_ABORTED), WEB[1]),
            (replace(course, message=_VSS.message, category=_VSS.category), WEB[-1]),
        )
        return choices[number // 8 % len(choices)]

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
            tells_completion=number % 4 != 3,
        )

    @property
    def _role(self) -> str:
        return f"arn:aws:iam::{ACCOUNT}:role/service-role/AWSBackupDefaultServiceRole"

    def _stack(self, created: float, rule: Rule, length: float, *, broken: bool) -> Iterator[Job]:
        """Give the job of a CloudFormation stack and its children, which end one after the other."""
        parent_id = _uuid(self.rng)
        children = []
        for place, part in enumerate(STACK_PARTS, 1):
            course = Course(pends=2, runs=4 * place, ends=length * place / len(STACK_PARTS) + 4 * place)
            if broken and place == 2:
                course = self._failed(course, part, 1)
            children.append(self._job(part, created + place / 1000, course, rule, parent_id))
        fields, account_fields, made = self._fields(STACK, rule, created, length, parent_id)
        yield Composite(
            parent_id, created, max(child.ends for child in children), fields, account_fields, made
        )
        yield from children

    def _job(
        self, resource: Resource, created: float, course: Course, rule: Rule | None, parent: str | None = None
    ) -> Scripted:
        """Give a job; without a rule it is an on-demand one."""
        job_id = _uuid(self.rng)
        size, transferred = _told(resource)
        course = replace(course, size=size, transferred=transferred)
        fields, account_fields, made = self._fields(resource, rule, created, course.ends, job_id)
        return Scripted(job_id, created, course, fields, account_fields, made, parent)

    def _fields(
        self, resource: Resource, rule: Rule | None, created: float, length: float, job_id: str
    ) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        """Give what AWS tells of a job from creation on, once it pends, and once it runs."""
        region = self.site.region
        vault = rule.vault if rule else "dev"
        fields: dict[str, Any] = {
            "BackupVaultName": vault,
            "BackupVaultArn": f"arn:aws:backup:{region}:{ACCOUNT}:backup-vault:{vault}",
            "ResourceArn": resource.arn(region, ACCOUNT),
            "ResourceName": resource.name,
            "ResourceType": resource.type,
            "IamRoleArn": self._role,
            "StartBy": round(created + HOUR, 3),
        }
        if resource == WEB[-1]:
            fields["BackupOptions"] = {"WindowsVSS": "enabled"}
        account_fields: dict[str, Any] = {"AccountId": ACCOUNT}
        if rule:
            account_fields["CreatedBy"] = dict(self.creators[rule.name])
        made = {
            "RecoveryPointArn": _recovery_point(resource, region, job_id),
            "ExpectedCompletionDate": round(created + length, 3),
            "VaultType": "BACKUP_VAULT",
            "IsEncrypted": True,
        }
        return fields, account_fields, made


def _told(resource: Resource) -> tuple[int | None, int | None]:
    """Give the size and the transferred bytes as far as AWS tells them for this type."""
    size: int | None = {"Aurora": None, "FSx": None, "RDS": 0}.get(resource.type, resource.size)
    return size, None if resource.type in ("Aurora", "EFS") else resource.size


def _recovery_point(resource: Resource, region: str, job_id: str) -> str:
    """Give the ARN a recovery point of this type gets."""
    forms = {
        "EBS": f"arn:aws:ec2:{region}::snapshot/snap-{job_id.replace('-', '')[:17]}",
        "EC2": f"arn:aws:ec2:{region}::image/ami-{job_id.replace('-', '')[:17]}",
        "RDS": f"arn:aws:rds:{region}:{ACCOUNT}:snapshot:awsbackup:job-{job_id}",
        "Aurora": f"arn:aws:rds:{region}:{ACCOUNT}:cluster-snapshot:awsbackup:job-{job_id}",
    }
    return forms.get(resource.type, f"arn:aws:backup:{region}:{ACCOUNT}:recovery-point:{job_id}")

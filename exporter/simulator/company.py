"""A simulated company with a week of past backups and a continuous stream of new jobs."""

from collections.abc import Mapping
from random import Random
from typing import Any

from exporter.simulator.account import Account
from exporter.simulator.backend import SimulatedBackend, Simulation
from exporter.simulator.company_backups import BackupGenerator, uuid
from exporter.simulator.company_copies_and_restores import FollowUpGenerator
from exporter.simulator.company_protection import lock, protect
from exporter.simulator.company_resources import DAY, HOUR, LOCKED_VAULT, SITES, Plan, Rule, Site
from exporter.simulator.company_scans import Scanner
from exporter.simulator.job_index import LISTED_FOR

KEPT = 6 * HOUR
"""Seconds for which unscheduled jobs are kept; there are too many of them to keep for 30 days."""

_SHORT = {"DeleteAfterDays": 1}
"""The lifecycle of the recovery points of unscheduled jobs; there are too many to keep for longer."""


def fill(simulation: Simulation, now: float, rng: Random) -> None:
    """Create the company at `now` (seconds since 1970); the same `rng` creates the same company."""
    for site in SITES:
        add_site(simulation, site, now, rng)


def add_site(simulation: Simulation, site: Site, now: float, rng: Random) -> None:
    """Create the company in one account and Region at `now`."""
    backend = simulation.backend(site.region, site.account_id)
    _add_vaults(backend, site, now)
    account = backend.account
    creators: dict[Rule, Mapping[str, Any]] = {}
    for plan in site.plans:
        creators |= _add_plan(account, plan, now - 90 * DAY, rng)
    past, planned, busy = (
        BackupGenerator(site, creators, Random(rng.random()), now, lifecycle)
        for lifecycle in (None, None, _SHORT)
    )
    account.schedule(past.past(), kept=LISTED_FOR)
    account.schedule(planned.planned(), kept=LISTED_FOR)
    if site.activity:
        account.schedule(busy.busy(site.activity), kept=KEPT)
    rules = {creator["BackupRuleId"]: rule for rule, creator in creators.items()}
    aftermath = FollowUpGenerator(site, rules, uuid(rng))
    account.follow(aftermath.jobs, kept=KEPT)
    scanner = Scanner(rules)
    account.follow(scanner.jobs, kept=KEPT)
    if site.activity:
        for kind, job in (
            *aftermath.representative_day(account.jobs(), now),
            *scanner.representative_day(account.jobs(), now),
        ):
            account.add(job, kind=kind)
    protect(account, site, aftermath.testing_arn, now)


def _add_vaults(backend: SimulatedBackend, site: Site, now: float) -> None:
    for name in site.vaults:
        key = f"arn:aws:kms:{site.region}:{site.account_id}:key/backup"
        vault = backend.create_backup_vault(name, {}, key, "")
        vault.creation_date = now - 90 * DAY
    if LOCKED_VAULT in site.vaults:
        lock(backend, now)


def _add_plan(account: Account, plan: Plan, created: float, rng: Random) -> dict[Rule, Mapping[str, Any]]:
    """Add a plan. Return the CreatedBy of the jobs of each rule."""
    plan_id, version = uuid(rng), f"{rng.getrandbits(144):036x}"
    arn = f"arn:aws:backup:{account.region}:{account.account_id}:backup-plan:{plan_id}"
    rules = [_rule(rule, uuid(rng), account.account_id) for rule in plan.rules]
    account.plans.put(
        {
            "BackupPlanId": plan_id,
            "BackupPlanArn": arn,
            "VersionId": version,
            "CreationDate": created,
            "BackupPlan": {"BackupPlanName": plan.name, "Rules": rules},
        }
    )
    return {
        rule: {
            "BackupPlanId": plan_id,
            "BackupPlanArn": arn,
            "BackupPlanName": plan.name,
            "BackupPlanVersion": version,
            "BackupRuleId": known["RuleId"],
            "BackupRuleName": rule.name,
            "BackupRuleCron": rule.schedule,
            "BackupRuleTimezone": rule.zone,
        }
        for rule, known in zip(plan.rules, rules, strict=True)
    }


def _rule(rule: Rule, rule_id: str, account_id: str) -> dict[str, Any]:
    """Return a rule as in the response of GetBackupPlan."""
    lifecycle = {"DeleteAfterDays": rule.kept_days}
    if rule.cold_days is not None:
        lifecycle["MoveToColdStorageAfterDays"] = rule.cold_days
    fields: dict[str, Any] = {
        "RuleId": rule_id,
        "RuleName": rule.name,
        "TargetBackupVaultName": rule.vault,
        "ScheduleExpression": rule.schedule,
        "ScheduleExpressionTimezone": rule.zone,
        "StartWindowMinutes": 60,
        "CompletionWindowMinutes": 1440,
        "Lifecycle": lifecycle,
        "EnableContinuousBackup": rule.continuous,
    }
    if rule.scanned:
        fields["ScanActions"] = [{"MalwareScanner": "GUARDDUTY", "ScanMode": "INCREMENTAL_SCAN"}]
    if rule.copies_to is None:
        return fields
    destination = rule.copies_to.arn(account_id)
    return fields | {"CopyActions": [{"Lifecycle": lifecycle, "DestinationBackupVaultArn": destination}]}

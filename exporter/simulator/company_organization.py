"""A simulated company with twelve accounts in an AWS organization."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import NamedTuple

from exporter.simulator.backend import Simulation
from exporter.simulator.company import add_site
from exporter.simulator.company_resources import (
    ACCOUNT,
    DAY,
    SITES,
    Destination,
    Plan,
    Resource,
    Rule,
    Selection,
    Site,
    servers,
    volumes,
)
from exporter.simulator.errors import access_denied
from exporter.simulator.history import put_history
from exporter.simulator.jobs import GIB
from exporter.simulator.organization import Organization
from exporter.simulator.sts import into_account

MANAGEMENT, PRODUCTION, BACKUP = ACCOUNT, "666677778888", "444455556666"
REFUSING, SUSPENDED = "101010101010", "121212121212"
ROLE_NAME = "aws-backup-exporter"

EUROPE, AMERICA = (site.region for site in SITES)
CENTRAL = Destination(EUROPE, "central", BACKUP)
"""The vault that all accounts copy their daily backups to."""

_FOUNDED = 400 * DAY
_SUSPENDED_FOR = 5 * DAY


class CompanyAccount(NamedTuple):
    """An account of the company: its name, the path of its organizational unit, and what it backs up.

    `daily` and `hourly` are the resources by Region.
    """

    name: str
    unit: str
    daily: Mapping[str, Sequence[Resource]]
    hourly: Mapping[str, Sequence[Resource]] = {}


def _database(name: str, gigabytes: int) -> Resource:
    return Resource(name, "RDS", "rds", f"db:{name}", gigabytes * GIB)


def _table(name: str, gigabytes: int) -> Resource:
    return Resource(name, "DynamoDB", "dynamodb", f"table/{name}", gigabytes * GIB)


def _bucket(name: str, gigabytes: int) -> Resource:
    return Resource(name, "S3", "s3", name, gigabytes * GIB)


UNITS = (
    "Security",
    "Infrastructure",
    "Workloads",
    "Workloads/Production",
    "Workloads/Non-production",
    "Sandbox",
    "Suspended",
)
ACCOUNTS = {
    MANAGEMENT: CompanyAccount("example-management", "", {EUROPE: [_bucket("example-billing-reports", 40)]}),
    "111122223333": CompanyAccount(
        "log-archive", "Security", {EUROPE: [_bucket("example-log-archive", 5200)]}
    ),
    "222233334444": CompanyAccount(
        "security-audit",
        "Security",
        {EUROPE: [_bucket("example-findings", 90)]},
        {EUROPE: [_table("findings", 8)], AMERICA: [_table("findings", 2)]},
    ),
    "333344445555": CompanyAccount(
        "network", "Infrastructure", {EUROPE: servers("dns-1", "vpn"), AMERICA: servers("dns-2")}
    ),
    BACKUP: CompanyAccount("backup", "Infrastructure", {EUROPE: [_table("restore-requests", 1)]}),
    "555566667777": CompanyAccount(
        "shared-services",
        "Infrastructure",
        {EUROPE: [*servers("gitlab"), *volumes("gitlab-repositories", "artifacts")]},
        {EUROPE: [_database("identity", 30)]},
    ),
    PRODUCTION: CompanyAccount("shop-production", "Workloads/Production", {}),
    "777788889999": CompanyAccount(
        "payments-production",
        "Workloads/Production",
        {EUROPE: servers("pay-api", "pay-worker"), AMERICA: servers("payments-standby")},
        {
            EUROPE: [_database("payments", 160), _table("transactions", 45)],
            AMERICA: [_table("transactions", 45)],
        },
    ),
    "888899990000": CompanyAccount(
        "shop-staging",
        "Workloads/Non-production",
        {EUROPE: [*servers("staging-web"), _database("staging-orders", 25)]},
        {EUROPE: [_table("staging-carts", 1)]},
    ),
    "999900001111": CompanyAccount(
        "shop-development", "Workloads/Non-production", {EUROPE: volumes("build-cache", "test-data")}
    ),
    REFUSING: CompanyAccount(
        "data-science-sandbox", "Sandbox", {EUROPE: [_bucket("example-experiments", 700)]}
    ),
    SUSPENDED: CompanyAccount("acquired-shop", "Suspended", {}),
}


def found_organization(simulation: Simulation, now: float, rng: Random) -> Organization:
    """Create the company at `now` (seconds since 1970); the same `rng` creates the same company.

    The exporter runs in the management account. Its role can be assumed in all accounts except the suspended
    one and the sandbox, where it was never created.
    """
    organization = simulation.create_organization(MANAGEMENT)
    units = {"": organization.root_id}
    for path in UNITS:
        parent, _, name = path.rpartition("/")
        units[path] = organization.add_unit(name, units[parent])
    for account_id, account in ACCOUNTS.items():
        organization.add_account(account_id, account.name, units[account.unit], now - _FOUNDED)
    organization.register_administrator(BACKUP)
    organization.set_state(SUSPENDED, "SUSPENDED")
    for site in _sites():
        add_site(simulation, site, now, rng)
    _add_history(simulation, now)
    role = f"arn:aws:iam::{REFUSING}:role/{ROLE_NAME}"
    caller = f"User: arn:aws:iam::{MANAGEMENT}:user/{ROLE_NAME}"
    refusal = access_denied(f"{caller} is not authorized to perform: sts:AssumeRole on resource: {role}")
    simulation.sts_requests.fail("AssumeRole", refusal, condition=into_account(REFUSING))
    return organization


def _sites() -> list[Site]:
    """Return the large sites of the production account, and the small ones of the others."""
    large = [replace(site, account_id=PRODUCTION) for site in SITES]
    small = [
        _small_site(region, account_id, account.daily.get(region, ()), account.hourly.get(region, ()))
        for account_id, account in ACCOUNTS.items()
        for region in (EUROPE, AMERICA)
        if region in account.daily or region in account.hourly
    ]
    return large + small


def _small_site(region: str, account_id: str, daily: Sequence[Resource], hourly: Sequence[Resource]) -> Site:
    """Return a site with the plan that the company's backup policy creates in each account."""
    hour, minute = int(account_id) % 5, int(account_id) % 60
    rules = [
        Rule("daily", "company", f"cron({minute} {hour} ? * * *)", [*daily, *hourly], CENTRAL),
        Rule("hourly", "company", f"cron({minute} * ? * * *)", hourly, past=DAY, kept_days=3),
    ]
    vaults = ["company", CENTRAL.vault] if (region, account_id) == (EUROPE, BACKUP) else ["company"]
    plan = Plan("company", rules if hourly else rules[:1], [Selection("tagged")])
    return Site(region, vaults, [plan], account_id)


def _add_history(simulation: Simulation, now: float) -> None:
    """Add the jobs of the suspended account, from before it was suspended."""
    plan = {
        "BackupPlanId": "acquired",
        "BackupPlan": {
            "BackupPlanName": "nightly",
            "Rules": [
                {
                    "RuleId": "acquired-nightly",
                    "RuleName": "nightly",
                    "TargetBackupVaultName": "Default",
                    "ScheduleExpression": "cron(0 3 ? * * *)",
                }
            ],
        },
    }
    resources = [one.arn(EUROPE, SUSPENDED) for one in (*servers("old-shop"), _database("old-orders", 70))]
    account = simulation.account(EUROPE, SUSPENDED)
    put_history(account, plan, resources, days=20, until=now - _SUSPENDED_FOR)

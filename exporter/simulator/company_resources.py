"""The resources, vaults and backup plans of the simulated company."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import repeat
from operator import itemgetter
from typing import NamedTuple

from exporter.simulator.arns import vault_arn
from exporter.simulator.jobs import GIB
from exporter.simulator.schedule import DEFAULT_ZONE, runs

HOUR = 3600.0
DAY = 24 * HOUR
WEEK = 7 * DAY
MONTH = 31 * DAY

SPREAD = 240.0
"""Seconds within which a run of a rule creates its jobs."""


@dataclass(frozen=True)
class Resource:
    """A resource. `path` is the part of the ARN after the account; `size` is in bytes."""

    name: str
    type: str
    service: str
    path: str
    size: int

    def arn(self, region: str, account_id: str) -> str:
        """Return its ARN; the ARN of an S3 bucket has no Region or account."""
        if self.service == "s3":
            return f"arn:aws:s3:::{self.path}"
        return f"arn:aws:{self.service}:{region}:{account_id}:{self.path}"


class Destination(NamedTuple):
    """A vault that recovery points are copied to; without an account ID, it is in the same account."""

    region: str
    vault: str
    account_id: str | None = None

    def arn(self, own_account_id: str) -> str:
        """Return the ARN of the vault."""
        return vault_arn(self.region, self.account_id or own_account_id, self.vault)


@dataclass(frozen=True, eq=False)
class Rule:
    """A rule of a backup plan.

    Each recovery point is copied to `copies_to`. Jobs of the last `past` seconds are simulated at the start.
    Recovery points are kept for `kept_days`, and move to cold storage after `cold_days`. If `scanned`, some
    recovery points are scanned for malware. If `steady`, all jobs and their copies complete.
    """

    name: str
    vault: str
    schedule: str
    resources: Sequence[Resource]
    copies_to: Destination | None = None
    zone: str = DEFAULT_ZONE
    past: float = WEEK
    kept_days: int = 35
    cold_days: int | None = None
    continuous: bool = False
    scanned: bool = False
    steady: bool = False

    def may_fail(self, created: float) -> bool:
        """Return whether a job created at a time, and its copies, may fail.

        Jobs of scheduled runs may fail in every second hour, and on the next day in the other hours, so that
        no rule misses two runs in a row. Jobs created between runs may always fail.
        """
        if self.steady:
            return False
        is_between_runs = next(self.runs(created - 2 * SPREAD)) > created
        return is_between_runs or (int(created // DAY) + int(created // HOUR)) % 2 == 1

    def runs(self, after: float) -> Iterator[float]:
        """Yield the runs after a time, in seconds since 1970, indefinitely."""
        return runs(self.schedule, self.zone, after)


@dataclass(frozen=True)
class Selection:
    """A selection: resources by ARN and pattern; if there are none, those with the tag `backup: PLAN`."""

    name: str
    resources: Sequence[Resource] = ()
    patterns: Sequence[str] = ()


@dataclass(frozen=True)
class Plan:
    """A backup plan."""

    name: str
    rules: Sequence[Rule]
    selections: Sequence[Selection]

    def runs(self, after: float) -> Iterator[tuple[float, Rule]]:
        """Yield the runs of all rules after a time in chronological order, indefinitely."""
        each = (zip(rule.runs(after), repeat(rule)) for rule in self.rules)
        return merge(*each, key=itemgetter(0))


def servers(*names: str) -> list[Resource]:
    """Return EC2 instances."""
    return [
        Resource(name, "EC2", "ec2", f"instance/i-0{_digits(name, 16)}", (60 + 20 * place) * GIB)
        for place, name in enumerate(names)
    ]


def volumes(*names: str) -> list[Resource]:
    """Return EBS volumes."""
    return [
        Resource(name, "EBS", "ec2", f"volume/vol-0{_digits(name, 16)}", (100 + 150 * place) * GIB)
        for place, name in enumerate(names)
    ]


def _digits(name: str, length: int) -> str:
    """Return hexadecimal digits derived from a name."""
    return name.encode().hex().ljust(length, "0")[:length]


WEB = servers("web-1", "web-2", "batch-worker", "windows-files")
VOLUMES = volumes("orders-data", "search-index", "mail-spool")
DATABASES = [
    Resource("orders", "RDS", "rds", "db:orders", 220 * GIB),
    Resource("customers", "RDS", "rds", "db:customers", 90 * GIB),
    Resource("billing", "Aurora", "rds", "cluster:billing", 410 * GIB),
    Resource("sessions", "DynamoDB", "dynamodb", "table/sessions", 12 * GIB),
    Resource("carts", "DynamoDB", "dynamodb", "table/carts", 7 * GIB),
]
FILES = [
    Resource("media-archive", "EFS", "elasticfilesystem", "file-system/fs-0a1b2c3d4e5f60718", 4200 * GIB),
    Resource("home", "EFS", "elasticfilesystem", "file-system/fs-09f8e7d6c5b4a3921", 310 * GIB),
    Resource("render-farm", "FSx", "fsx", "file-system/fs-0123456789abcdef0", 2600 * GIB),
]
BUCKETS = [
    Resource("example-data-lake", "S3", "s3", "example-data-lake", 18000 * GIB),
    Resource("example-invoices", "S3", "s3", "example-invoices", 140 * GIB),
]
STACK = Resource(
    "shop",
    "CloudFormation",
    "cloudformation",
    "stack/shop/5b2c9a70-4f0e-11ef-8a3d-0a1b2c3d4e5f",
    0,
)
STACK_PARTS = [
    *volumes("shop-media", "shop-cache"),
    Resource("shop-catalog", "DynamoDB", "dynamodb", "table/shop-catalog", 5 * GIB),
    Resource("shop-search", "EC2", "ec2", "instance/i-0f00ba4deadbeef01", 80 * GIB),
]
DEV = [*servers("dev-box", "ci-runner"), *volumes("sandbox")]
LEGACY = Resource("legacy-erp", "EC2", "ec2", "instance/i-01e9acc0ffee00001", 240 * GIB)
BIG = [FILES[0], FILES[2], BUCKETS[0]]
WIKI = Resource("retired-wiki", "EC2", "ec2", "instance/i-0dead0beef0cafe01", 40 * GIB)
CRM = Resource("crm", "RDS", "rds", "db:crm", 65 * GIB)
LEDGER = Resource("ledger", "DynamoDB", "dynamodb", "table/ledger", 3 * GIB)
ANALYTICS = Resource("analytics", "EC2", "ec2", "instance/i-0a7a1711c5000fab1", 120 * GIB)

NEVER_SUCCEEDS = LEGACY
STOPPED, STOPPED_FOR = WIKI, 5 * DAY
RENAMED, FORMER_NAME, RENAMED_FOR = CRM, "crm-old", 2 * DAY

LOCKED_VAULT = "compliance-locked"
COPIES = Destination("us-east-1", "copies")
DAILY = Rule(
    "daily",
    "prod-daily",
    "cron(0 1 ? * * *)",
    [*WEB, *VOLUMES, *DATABASES, *FILES, BUCKETS[1], STACK, LEGACY, WIKI, CRM],
    COPIES,
    scanned=True,
)
WEEKLY = Rule(
    "weekly",
    "prod-weekly",
    "cron(30 3 ? * SUN *)",
    [*VOLUMES, *FILES, *BUCKETS],
    Destination("eu-west-1", LOCKED_VAULT),
    kept_days=90,
    steady=True,
)
ROLLING = Rule("every-4-hours", "prod-daily", "cron(15 0/4 ? * * *)", DATABASES)
LOCKED = Rule(
    "nightly-locked",
    LOCKED_VAULT,
    "cron(30 2 ? * * *)",
    [DATABASES[0], DATABASES[2], BUCKETS[1]],
    continuous=True,
)
WORKDAYS = Rule("workdays", "dev", "cron(0 20 ? * MON-FRI *)", DEV, zone="Europe/Berlin", steady=True)

PRODUCTION = Plan("production", [DAILY], [Selection("databases", [*DATABASES, CRM]), Selection("tagged")])
ARCHIVE = Plan("archive", [WEEKLY], [Selection("large-data", WEEKLY.resources)])
TRANSACTIONS = Plan("transactions", [ROLLING], [Selection("databases", DATABASES, ["arn:aws:timestream:*"])])
"""A plan that also selects a resource type that is not opted in."""

COMPLIANCE = Plan("compliance", [LOCKED], [Selection("regulated", LOCKED.resources)])
DEVELOPMENT = Plan("development", [WORKDAYS], [Selection("tagged")])
ACCOUNTING = Plan(
    "accounting",
    [
        Rule("hourly", "prod-daily", "cron(40 * ? * * *)", [LEDGER]),
        Rule("nightly", "prod-daily", "cron(50 22 ? * * *)", [LEDGER]),
        Rule("sundays", "prod-weekly", "cron(20 5 ? * SUN *)", [LEDGER], steady=True),
        Rule(
            "monthly",
            LOCKED_VAULT,
            "cron(10 6 1 * ? *)",
            [LEDGER],
            past=MONTH,
            kept_days=365,
            cold_days=90,
            steady=True,
        ),
    ],
    [Selection("ledger", [LEDGER])],
)
SMALL = Plan(
    "production",
    [
        Rule(
            "daily",
            "prod-daily",
            "cron(0 5 ? * * *)",
            [*WEB, *DATABASES[2:], STACK],
            scanned=True,
        )
    ],
    [Selection("databases", DATABASES[2:]), Selection("tagged")],
)
UNUSED = Plan("unused", [Rule("daily", "dev", "cron(0 0 ? * * *)", [])], [])
OFFSITE = Plan("offsite", [Rule("nightly", "offsite", "cron(30 0 ? * * *)", [])], [Selection("tagged")])
"""A plan without selections, and a plan with a missing vault and a selection without resources."""

INFECTED, UNREADABLE = VOLUMES[2], WEB[2]
"""The malware scan of the first one finds a threat; the scan of the second one fails."""

PAUSED = DATABASES[2]
"""A database with a stopped continuous backup."""

INTRANET = Resource("intranet", "EC2", "ec2", "instance/i-01a7aa4e7000000d1", 30 * GIB)
"""A server without a plan, and with a single recovery point that will be deleted soon."""

UNSELECTED = [WIKI, ANALYTICS]
"""Tagged resources that no plan selects. The backup tag of the retired wiki was removed."""


ACCOUNT = "123456789012"


@dataclass(frozen=True)
class Activity:
    """A new job about every `pace` seconds, mostly by one rule, so that jobs of all states can be seen."""

    pace: float
    rule: Rule


@dataclass(frozen=True)
class Site:
    """The company in one account and Region.

    Each backup of `tried` is followed by a restore, in most cases a restore test. With `activity`, there are
    more jobs than those that the plans create.
    """

    region: str
    vaults: Sequence[str]
    plans: Sequence[Plan]
    account_id: str = ACCOUNT
    tried: Resource | None = None
    activity: Activity | None = None


SITES = (
    Site(
        "eu-west-1",
        ["prod-daily", "prod-weekly", LOCKED_VAULT, "dev"],
        [PRODUCTION, ARCHIVE, TRANSACTIONS, COMPLIANCE, DEVELOPMENT, ACCOUNTING, UNUSED, OFFSITE],
        tried=DATABASES[1],
        activity=Activity(5.5, ROLLING),
    ),
    Site(
        "us-east-1",
        ["prod-daily", "dev", COPIES.vault],
        [SMALL],
        tried=DATABASES[4],
        activity=Activity(20.0, SMALL.rules[0]),
    ),
)

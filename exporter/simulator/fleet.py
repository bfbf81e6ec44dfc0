"""What the demo's company owns and how it backs that up: resources, vaults, and plans with their rules."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import repeat
from operator import itemgetter

from exporter.simulator.jobs import GIB

WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")


@dataclass(frozen=True)
class Resource:
    """Something to back up. `path` is the ARN behind service, Region and account; `size` is in bytes."""

    name: str
    type: str
    service: str
    path: str
    size: int

    def arn(self, region: str, account_id: str) -> str:
        """Give its ARN; a bucket's has neither Region nor account."""
        if self.service == "s3":
            return f"arn:aws:s3:::{self.path}"
        return f"arn:aws:{self.service}:{region}:{account_id}:{self.path}"


@dataclass(frozen=True)
class Rule:
    """When a plan backs its resources up (UTC), and where to."""

    name: str
    vault: str
    minute: int
    hours: Sequence[int]
    days: Sequence[str]
    resources: Sequence[Resource]

    @property
    def cron(self) -> str:
        """Write the schedule as AWS has it."""
        hours = ",".join(map(str, self.hours))
        days = "*" if tuple(self.days) == WEEKDAYS else ",".join(self.days)
        return f"cron({self.minute} {hours} ? * {days} *)"

    def runs(self, after: float) -> Iterator[float]:
        """Give the runs after a time, in epoch seconds, without end."""
        day = datetime.fromtimestamp(after, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        while True:
            if WEEKDAYS[day.weekday()] in self.days:
                for hour in self.hours:
                    run = (day + timedelta(hours=hour, minutes=self.minute)).timestamp()
                    if run > after:
                        yield run
            day += timedelta(days=1)


@dataclass(frozen=True)
class Plan:
    """A backup plan."""

    name: str
    rules: Sequence[Rule]

    def runs(self, after: float) -> Iterator[tuple[float, Rule]]:
        """Give the runs of all rules after a time, the next one first, without end."""
        each = (zip(rule.runs(after), repeat(rule)) for rule in self.rules)
        return merge(*each, key=itemgetter(0))


def _servers(*names: str) -> list[Resource]:
    return [
        Resource(name, "EC2", "ec2", f"instance/i-0{_digits(name, 16)}", (60 + 20 * place) * GIB)
        for place, name in enumerate(names)
    ]


def _volumes(*names: str) -> list[Resource]:
    return [
        Resource(name, "EBS", "ec2", f"volume/vol-0{_digits(name, 16)}", (100 + 150 * place) * GIB)
        for place, name in enumerate(names)
    ]


def _digits(name: str, length: int) -> str:
    """Make hexadecimal digits that belong to a name."""
    return name.encode().hex().ljust(length, "0")[:length]


WEB = _servers("web-1", "web-2", "batch-worker", "windows-files")
VOLUMES = _volumes("orders-data", "search-index", "mail-spool")
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
    *_volumes("shop-media", "shop-cache"),
    Resource("shop-catalog", "DynamoDB", "dynamodb", "table/shop-catalog", 5 * GIB),
    Resource("shop-search", "EC2", "ec2", "instance/i-0f00ba4deadbeef01", 80 * GIB),
]
DEV = [*_servers("dev-box", "ci-runner"), *_volumes("sandbox")]
LEGACY = Resource("legacy-erp", "EC2", "ec2", "instance/i-01e9acc0ffee00001", 240 * GIB)
BIG = [FILES[0], FILES[2], BUCKETS[0]]

DAILY = Rule(
    "daily", "prod-daily", 0, [1], WEEKDAYS, [*WEB, *VOLUMES, *DATABASES, *FILES, BUCKETS[1], STACK, LEGACY]
)
WEEKLY = Rule("weekly", "prod-weekly", 30, [3], ["SUN"], [*VOLUMES, *FILES, *BUCKETS])
ROLLING = Rule("every-4-hours", "prod-daily", 15, range(0, 24, 4), WEEKDAYS, DATABASES)
LOCKED = Rule(
    "nightly-locked", "compliance-locked", 30, [2], WEEKDAYS, [DATABASES[0], DATABASES[2], BUCKETS[1]]
)
WORKDAYS = Rule("workdays", "dev", 0, [20], WEEKDAYS[:5], DEV)

PRODUCTION = Plan("production", [DAILY, WEEKLY, ROLLING])
COMPLIANCE = Plan("compliance", [LOCKED])
DEVELOPMENT = Plan("development", [WORKDAYS])
SMALL = Plan("production", [Rule("daily", "prod-daily", 0, [5], WEEKDAYS, [*WEB[:2], *DATABASES[3:], STACK])])


@dataclass(frozen=True)
class Site:
    """The company in one Region; a new job comes every `pace` seconds, more or less."""

    region: str
    pace: float
    vaults: Sequence[str]
    plans: Sequence[Plan]


LOCKED_VAULT = "compliance-locked"
ACCOUNT = "123456789012"
SITES = (
    Site(
        "eu-west-1",
        5.5,
        ["prod-daily", "prod-weekly", LOCKED_VAULT, "dev"],
        [PRODUCTION, COMPLIANCE, DEVELOPMENT],
    ),
    Site("us-east-1", 20.0, ["prod-daily", "dev"], [SMALL]),
)

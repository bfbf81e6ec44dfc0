"""Many scopes that events happen to, and which can be made anew from the same events."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from exporter.exposition.exposition import Exposition
from exporter.exposition.merged_pieces import SCOPES_IN_A_CHUNK
from exporter.exposition.scope_series import ScopeSeries
from exporter.ledger.configured_job_ids import ConfiguredIds
from exporter.ledger.job_store import JobStore
from exporter.ledger.ledger import Ledger
from exporter.ledger.resources import Resources
from exporter.model import Fault, Health, Plan, PlannedRule, Protected, Rule, Vault
from exporter.model.job_kinds import BACKUP, COPY
from exporter.model.records import Scope
from tests.support.harness import Clock
from tests.support.makers import NOW, FixedTelemetry, job

ORGANIZATION = Scope("organization", "")
REGIONS = ("eu-west-1", "us-east-1")
SCOPES = 2 * SCOPES_IN_A_CHUNK + 6
WINDOW = 240.0  # seconds; a bucket is ten seconds long
COLLECTORS = ("backup_jobs", "plans")
BY = Rule("p", "often", "cron(0/5 * * * ? *)", "")
RULE = PlannedRule("often", None, 300.0, schedule=BY.schedule, vault_name="a", start_window=3600.0)

Event = Callable[["Scopes"], None]


@dataclass
class Scopes:
    """The scopes, some of which are published with the organization, or have no collectors or no resources.

    Attributes:
        count: how many there are.
        make: makes a ledger.
        clock: the time.
    """

    count: int = SCOPES
    make: Callable[..., Ledger] = Ledger
    clock: Clock = field(default_factory=lambda: Clock(NOW))

    def __post_init__(self) -> None:
        """Make the scopes and their exposition."""
        ids = [ConfiguredIds(["a"]) for _ in range(self.count)]
        self.shown = list(range(self.count))
        self.ledgers = [new_ledger(self.make, number, ids[number // 2]) for number in range(self.count)]
        self.series = [
            ScopeSeries(ledger, self.clock, published_with=None if number % 3 else ORGANIZATION)
            for number, ledger in enumerate(self.ledgers)
        ]
        self.exposition = Exposition(lambda: [self.series[number] for number in self.shown], FixedTelemetry())


def account(number: int) -> str:
    """Give the account of a scope; two Regions share it."""
    return f"{number // 2:012}"


def arn(number: int, name: str) -> str:
    """Give the ARN of a resource of a scope."""
    return f"arn:aws:ec2:{REGIONS[number % 2]}:{account(number)}:volume/{name}"


def new_ledger(make: Callable[..., Ledger], number: int, configured: ConfiguredIds) -> Ledger:
    """Make a scope; two Regions share a target and its configured ids."""
    stores = [
        JobStore(kind, window=WINDOW, since=lambda: NOW, pinned=configured if kind is BACKUP else ())
        for kind in (BACKUP, COPY)
    ]
    return make(
        Scope(f"t{number // 2}", REGIONS[number % 2]),
        stores,
        max_jobs=4,
        collectors=COLLECTORS if number % 4 else (),
        account_id=account(number),
        configured=configured,
        resources=Resources({}, lambda _: 300.0) if number % 5 else None,
    )


def job_id(number: int, name: str) -> str:
    """Give the ID of a job, which only the configured one shares with those of other scopes."""
    return name if name == "a" else f"{name}-{number}"


def tell(number: int, name: str, state: str, age: float, progress: float, *, described: bool) -> Event:
    """AWS tells of a job, which a rule made some seconds ago."""

    def happen(to: Scopes) -> None:
        told = job(
            job_id(number, name),
            state,
            created=to.clock() - age,
            account_id=account(number),
            numbers={"progress_ratio": progress},
        )
        made = replace(told, resource_arn=arn(number, "job"), rule=BY)
        to.ledgers[number].update_jobs(BACKUP, [made], to.clock(), described=described)

    return happen


def forgotten(number: int, name: str) -> Event:
    """AWS no longer knows a job that could still change."""

    def happen(to: Scopes) -> None:
        with to.ledgers[number].open(BACKUP) as store:
            store.remove(job_id(number, name))

    return happen


def expire(number: int) -> Event:
    """A refresh lets go of what left the window."""

    def happen(to: Scopes) -> None:
        for kind in (BACKUP, COPY):
            with to.ledgers[number].open(kind) as store:
                store.expire(to.clock())

    return happen


def called(number: int, code: str) -> Event:
    """A call to AWS ends."""
    return lambda to: to.ledgers[number].count_call("ListBackupJobs", code)


def refreshed(number: int, *, is_up: bool) -> Event:
    """A refresh of backup jobs ends, if there is a collector."""

    def happen(to: Scopes) -> None:
        if number % 4:
            health = Health(is_up, to.clock() if is_up else None)
            to.ledgers[number].set_health("backup_jobs", health)

    return happen


def malformed(number: int) -> Event:
    """A response has a value that cannot be read."""
    return lambda to: void(to.ledgers[number].count_malformed("ListBackupJobs", 1))


def vault(number: int, points: int) -> Event:
    """The scope's only vault has so many recovery points."""
    return lambda to: to.ledgers[number].update_inventory(
        lambda known: known.with_vaults([Vault("a", account(number), points, locked=None)], "")
    )


def plans(number: int, count: int) -> Event:
    """The scope has so many plans, each with a rule that runs every five minutes."""

    def happen(to: Scopes) -> None:
        made = [Plan("p" * place, "", account(number), None, (RULE,)) for place in range(1, count + 1)]
        to.ledgers[number].update_inventory(lambda known: known.with_plans(made, ""))
        with to.ledgers[number].open_resources() as resources:
            resources.set_plans(made, unread_plans=(), read_at=to.clock())

    return happen


def protected(number: int, count: int) -> Event:
    """AWS lists so many protected resources, and what is not among them is gone."""

    def happen(to: Scopes) -> None:
        listing = [Protected(arn(number, str(place)), "", "EBS", NOW) for place in range(count)]
        with to.ledgers[number].open_resources() as resources:
            resources.set_protected(listing, now=to.clock(), lookback=0.0)

    return happen


def history_read(number: int, *, readable: bool) -> Event:
    """All jobs from before the start have been read, or they cannot be."""
    since = NOW - 86400 if readable else None
    return lambda to: to.ledgers[number].mark_read("backup_jobs", to.clock(), since=since)


def asked_about(number: int, *, known: bool) -> Event:
    """AWS knows the configured id in a Region, or it does not."""

    def happen(to: Scopes) -> None:
        ids, region = to.ledgers[number].configured, to.ledgers[number].scope.region
        if known:
            ids.found("a", region, to.clock())
        else:
            ids.refused("a", region, to.clock(), Fault("ResourceNotFoundException", "no", ""))

    return happen


def looked_at(number: int) -> Event:
    """Somebody else reads all there is, like the status page."""

    def happen(to: Scopes) -> None:
        ledger = to.ledgers[number]
        with ledger.open_resources() as resources:
            resources.published()
        with ledger.open(BACKUP) as store:
            store.active_jobs()
        ledger.rule_runs(to.clock())

    return happen


def appears_or_goes(number: int) -> Event:
    """A scope that is there goes; one that is not there comes, behind all others."""

    def happen(to: Scopes) -> None:
        if number in to.shown:
            to.shown.remove(number)
        else:
            to.shown.append(number)

    return happen


def void(_: object) -> None:
    """Forget a result."""

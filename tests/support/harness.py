"""The exporter on a simulated account, driven by hand: a clock that moves when told, scrapes when asked."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from botocore.hooks import HierarchicalEmitter
from botocore.session import Session

from exporter.assembly import Assembler, Dependencies, Exporter
from exporter.aws import shared_loader
from exporter.config import Api, Config, Target
from exporter.exposition.exposition import Form
from exporter.exposition.self_metrics import Telemetry
from exporter.runtime.clock import Clock as TrueClock
from exporter.simulator.account import DEFAULT_ACCOUNT, Account
from exporter.simulator.server import Server, serve
from tests.support.samples import parse_samples

REGION = "eu-west-1"
TEXT = Form()
START = 1_790_000_000.0  # an epoch second in 2026
LOADER = shared_loader()
HANDLERS = HierarchicalEmitter()
Session(event_hooks=HANDLERS)  # registers the handlers of botocore


class Clock:
    """Seconds that pass when told to; sleeping makes them pass."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        """Tell the time."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


class Series:
    """The samples of one exposition."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.samples = [(sample.name, sample.labels, sample.value) for sample in parse_samples(text)]

    def find(self, name: str, **labels: str) -> list[tuple[dict[str, str], float]]:
        """All samples of a name whose labels include these."""
        return [
            (dict(own), value)
            for found, own, value in self.samples
            if found == name and labels.items() <= own.items()
        ]

    def value(self, name: str, **labels: str) -> float:
        """The one sample of a name whose labels include these."""
        [(_, value)] = self.find(name, **labels)
        return value

    def labels(self, name: str, **labels: str) -> dict[str, str]:
        """The labels of the one sample of a name whose labels include these."""
        [(own, _)] = self.find(name, **labels)
        return own

    def state(self, job_id: str) -> str:
        """The state that a backup job is published in."""
        return self.labels("aws_backup_job_state", job_id=job_id)["state"]


@dataclass
class Watch:
    """An assembled exporter."""

    exporter: Exporter
    clock: Clock

    def refresh(self) -> None:
        """Refresh every scope and wait for it."""
        self.exporter.refresher.refresh().all.result()

    def scrape(self) -> Series:
        """Refresh, then read the exposition."""
        self.refresh()
        return self.read()

    def read(self, form: Form = TEXT) -> Series:
        """Read the exposition as it is now, without asking AWS."""
        return Series(self.exporter.exposition.write(form).decode())

    def catch_up(self) -> None:
        """Take in all that was there before the start."""
        self.exporter.refresher.refresh_completely()


def static_session(profile: str | None, endpoint_url: str = "") -> Session:
    """Open a session with credentials that mean nothing, on a loader that all tests share.

    Its event handlers are copied: registering those of botocore takes longer than most tests.
    """
    session = Session(profile=profile, event_hooks=copy(HANDLERS), include_builtin_handlers=False)
    session.register_component("data_loader", LOADER)
    session.set_credentials("test", "test")
    for service in ("organizations", "sts") if endpoint_url else ():
        session.register(f"before-call.{service}", partial(_redirect, endpoint_url))
    return session


def _redirect(endpoint_url: str, params: dict[str, Any], **_: Any) -> None:
    params["url"] = endpoint_url


def dependencies(clock: Clock, endpoint_url: str = "") -> Dependencies:
    """Dependencies whose time the test controls."""
    return Dependencies(
        open_session=partial(static_session, endpoint_url=endpoint_url),
        clock=TrueClock(clock, clock),
        steady=clock,
        sleep=clock.advance,
    )


def never_idle(config: Config) -> Config:
    """Refresh everything on each scrape, unless the configuration sets `api.idle_refresh` itself."""
    api = Api(**{"idle_refresh": 0.0} | config.api.model_dump(exclude_unset=True))
    return config.model_copy(update={"api": api})


@dataclass
class Bench:
    """A simulated AWS, and exporters on it."""

    server: Server
    clock: Clock
    regions: tuple[str, ...] = (REGION,)
    _watches: list[Watch] = field(default_factory=list)

    @property
    def account(self) -> Account:
        """The simulated account in the first Region."""
        return self.server.account(self.regions[0])

    def described(self) -> list[str]:
        """The job ids that were described, in the order of the calls."""
        return [
            call.parameters["BackupJobId"]
            for call in self.account.calls
            if call.operation == "DescribeBackupJob"
        ]

    def target(self, **settings: Any) -> Target:
        """A target on the simulated AWS."""
        return Target(
            **({"name": "test", "regions": self.regions, "endpoint_url": self.server.endpoint_url} | settings)
        )

    def watch(self, *targets: Target, **settings: Any) -> Watch:
        """Start an exporter, by default with one target and backup jobs; settings are those of Config."""
        wanted = {"collectors": ("backup_jobs",)} | settings
        config = never_idle(Config(targets=targets or (self.target(),), **wanted))
        assembler = Assembler(Telemetry(), dependencies(self.clock, self.server.endpoint_url))
        watch = Watch(assembler.assemble(config), self.clock)
        self._watches.append(watch)
        return watch

    def close(self) -> None:
        """Stop the exporters."""
        for watch in self._watches:
            watch.exporter.stop()


@contextmanager
def bench(clock: Clock | None = None, **account_settings: Any) -> Iterator[Bench]:
    """Serve a simulated AWS until the block ends; settings are those of Account."""
    time = clock or Clock()

    def make(account_id: str, region: str) -> Account:
        return Account(account_id, region, time, **account_settings)

    with serve(make) as server:
        made = Bench(server, time)
        try:
            yield made
        finally:
            made.close()


def job(job_id: str, state: str = "RUNNING", *, created: float = START, **fields: Any) -> Mapping[str, Any]:
    """A backup job as DescribeBackupJob tells it, with what nearly every job has."""
    return {
        "BackupJobId": job_id,
        "State": state,
        "AccountId": DEFAULT_ACCOUNT,
        "BackupVaultName": "prod",
        "BackupVaultArn": f"arn:aws:backup:{REGION}:{DEFAULT_ACCOUNT}:backup-vault:prod",
        "ResourceArn": f"arn:aws:ec2:{REGION}:{DEFAULT_ACCOUNT}:volume/vol-{job_id}",
        "ResourceType": "EBS",
        "CreationDate": created,
        **fields,
    }

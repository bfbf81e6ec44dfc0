"""Many roles through few clients: each signs with its own keys, and a thousand targets need few things."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from threading import Event
from typing import Any
from urllib.parse import unquote

import pytest
from botocore.session import Session

from exporter.assembly import Assembler, Dependencies
from exporter.aws import Clients, TargetClient
from exporter.config import Api, Config, Target
from exporter.exposition.self_metrics import Telemetry
from exporter.runtime.clock import Clock as TrueClock
from tests.faults.test_credentials import DENIED
from tests.faults.wire import Exchange, Wire, answers
from tests.support.harness import REGION, Bench, Clock, Watch, never_idle, static_session

REGIONS = (REGION, "us-east-1")
HOUR = 3600.0
LONG = 30.0  # seconds until a test gives up
KEYS = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>ROLE{account}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>
<Expiration>{expires}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"""
EXPIRED = DENIED.replace("AccessDenied", "ExpiredToken")
KEY_ID = re.compile(r"Credential=(\w+)/")


@dataclass
class Aws:
    """Gives each role keys that tell its account, and else empty lists.

    Attributes:
        clock: the true time.
        assumed: the accounts whose role was assumed, in that order.
        signed: which access key ids signed the requests for each path.
        refuse: answers a request to assume the role of an account itself, if it wants to.
    """

    clock: Clock
    assumed: list[str] = field(default_factory=list)
    signed: dict[str, set[str]] = field(default_factory=dict)
    refuse: Callable[[Exchange, str], bool] = lambda *_: False

    def __call__(self, exchange: Exchange) -> None:
        """Answer one request."""
        path = exchange.path.partition("?")[0]
        if path == "/":
            self._assume(exchange)
        else:
            self.signed.setdefault(path, set()).update(KEY_ID.findall(exchange.headers["Authorization"]))
            job_id = path.removeprefix("/backup-jobs/")
            exchange.give(200, f'{{"BackupJobs": [], "BackupJobId": "{job_id}"}}')

    def _assume(self, exchange: Exchange) -> None:
        body = exchange.body.decode()
        [account] = re.findall(r"arn:aws:iam::(\d+):", unquote(body))
        self.assumed.append(account)
        if not self.refuse(exchange, account):
            expires = datetime.fromtimestamp(self.clock() + HOUR, UTC).isoformat()
            keys = KEYS.format(account=account, expires=expires)
            exchange.give(200, keys, "text/xml", Date=formatdate(self.clock(), usegmt=True))


@pytest.fixture
def sts(aws: Bench, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> Aws:
    """An AWS that gives keys."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", wire.endpoint_url)
    made = Aws(aws.clock)
    wire.breakage = made
    return made


class Exporters:
    """Exporters on that AWS; counts what they make.

    Attributes:
        made: how often each service's client was made, and how many sessions were opened.
    """

    def __init__(self, clock: Clock, endpoint_url: str) -> None:
        self.made: Counter[str] = Counter()
        self.wall_ahead = 0.0
        self._clock = clock
        self._endpoint_url = endpoint_url
        self.dependencies = Dependencies(
            open_session=self._open,
            clock=TrueClock(lambda: clock() + self.wall_ahead, clock),
            steady=clock,
            sleep=clock.advance,
        )
        self.assembler = Assembler(Telemetry(), self.dependencies)

    def role(self, number: int, **settings: Any) -> Target:
        """A target with a role in an account of its own."""
        return Target(
            name=f"a{number}",
            regions=REGIONS,
            endpoint_url=self._endpoint_url,
            role_arn=f"arn:aws:iam::{10**11 + number}:role/reader",
            **settings,
        )

    def watch(self, *targets: Target) -> Watch:
        """Watch these; those that were watched before go on."""
        config = never_idle(Config(targets=targets, collectors=("backup_jobs",)))
        return Watch(self.assembler.assemble(config), self._clock)

    def _open(self, profile: str | None) -> Session:
        def count(class_attributes: dict[str, Any], **_: object) -> None:
            self.made[("assume_role" in class_attributes and "sts") or "backup"] += 1

        self.made["session"] += 1
        session = static_session(profile)
        events: Any = session.get_component("event_emitter")
        events.register("creating-client-class", count)
        return session


@pytest.fixture
def exporters(aws: Bench, wire: Wire) -> Iterator[Exporters]:
    """Exporters, stopped with the test."""
    made = Exporters(aws.clock, wire.endpoint_url)
    with ExitStack() as running:
        running.callback(made.assembler.assemble(Config()).stop)
        yield made


def up(watch: Watch) -> Counter[float]:
    """Scrape, and count how many scopes are up, and how many are not."""
    return Counter(value for _, value in watch.scrape().find("aws_backup_up"))


def test_each_role_signs_with_its_own_keys(sts: Aws, exporters: Exporters) -> None:
    """Calls of many roles through one client, at the same time, are each signed with the role's own keys."""
    profiles = exporters.dependencies.profiles(Api(), Clients())
    roles = [TargetClient(exporters.role(number), REGION, profiles) for number in range(8)]

    def describe(number: int) -> None:
        roles[number % 8].call(REGION, "DescribeBackupJob", BackupJobId=f"of-{number % 8}")

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(describe, range(160)))

    assert sts.signed == {f"/backup-jobs/of-{number}": {f"ROLE{10**11 + number}"} for number in range(8)}
    assert exporters.made["backup"] == 1


def test_roles_share_sessions_and_clients(sts: Aws, exporters: Exporters) -> None:
    """However many roles there are, they need one client for each Region, and one to assume them with."""
    watch = exporters.watch(*map(exporters.role, range(30)))
    assert up(watch) == {1: 60}
    assert exporters.made["backup"] == len(REGIONS)
    assert exporters.made["sts"] == 1
    assert exporters.made["session"] <= 2
    assert sorted(sts.assumed) == sorted({str(10**11 + number) for number in range(30)})


@pytest.mark.usefixtures("sts")
def test_a_reload_makes_no_clients_anew(exporters: Exporters) -> None:
    """Targets that a reload adds share the clients of those that are there already."""
    up(exporters.watch(exporters.role(0)))
    before = exporters.made["backup"], exporters.made["sts"]
    assert up(exporters.watch(*map(exporters.role, range(30)))) == {1: 60}
    assert (exporters.made["backup"], exporters.made["sts"]) == before


def test_roles_are_renewed_each_at_its_own_time(aws: Bench, sts: Aws, exporters: Exporters) -> None:
    """Credentials of many roles are renewed before they expire, not all in one minute, by one client."""
    watch = exporters.watch(*map(exporters.role, range(30)))
    up(watch)
    aws.clock.advance(HOUR / 2)
    assert up(watch) == {1: 60}
    assert len(sts.assumed) == 30
    renewed = []
    for _ in range(30):
        aws.clock.advance(60)
        before = len(sts.assumed)
        assert up(watch) == {1: 60}
        renewed.append(len(sts.assumed) - before)
    assert sum(renewed) == 30
    assert max(renewed) <= 10
    assert exporters.made["sts"] == 1


@pytest.mark.parametrize("wall_ahead", [-86_400.0, 7200.0])
def test_the_time_of_renewal_is_told_by_aws(
    aws: Bench, sts: Aws, exporters: Exporters, wall_ahead: float
) -> None:
    """How long credentials last is measured by the clock of AWS: with a wrong one here it is the same."""
    exporters.wall_ahead = wall_ahead
    watch = exporters.watch(exporters.role(0))
    up(watch)
    aws.clock.advance(HOUR / 2)
    up(watch)
    assert len(sts.assumed) == 1
    aws.clock.advance(HOUR / 3)
    up(watch)
    assert len(sts.assumed) == 2


def test_a_slow_role_holds_up_no_other(sts: Aws, exporters: Exporters) -> None:
    """While STS does not answer for one role, the others are refreshed."""
    let_go, asked = Event(), Event()

    def hold(_: Exchange, account: str) -> bool:
        if account == str(10**11):
            asked.set()
            assert let_go.wait(LONG)
        return False

    sts.refuse = hold
    profiles = exporters.dependencies.profiles(Api(read_timeout=LONG), Clients())
    slow, quick = (TargetClient(exporters.role(number), REGION, profiles) for number in range(2))
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(slow.call, REGION, "ListBackupJobs")
        assert asked.wait(LONG)
        assert quick.call(REGION, "ListBackupJobs")["BackupJobs"] == []
        assert not waiting.done()
        let_go.set()
        assert waiting.result(LONG)["BackupJobs"] == []


def test_denied_roles_open_no_sessions(aws: Bench, sts: Aws, exporters: Exporters) -> None:
    """Roles that may not be assumed cost one call to STS each on a scrape, and no session or client."""

    def deny(exchange: Exchange, _: str) -> bool:
        answers(403, DENIED, "text/xml")(exchange)
        return True

    sts.refuse = deny
    watch = exporters.watch(*map(exporters.role, range(30)))
    for scrape in range(1, 4):
        assert up(watch) == {0: 60}
        assert len(sts.assumed) == 30 * scrape
        aws.clock.advance(15)
    assert exporters.made["session"] <= 2
    assert exporters.made["sts"] == 1


def test_expired_credentials_are_read_anew_once_for_all(aws: Bench, sts: Aws, exporters: Exporters) -> None:
    """When those that assume all roles have expired, a scrape opens one session to look for new ones."""

    def expired(exchange: Exchange, _: str) -> bool:
        answers(403, EXPIRED, "text/xml")(exchange)
        return True

    sts.refuse = expired
    watch = exporters.watch(*map(exporters.role, range(30)))
    assert up(watch) == {0: 60}
    for _ in range(3):
        before = exporters.made["session"]
        aws.clock.advance(15)
        assert up(watch) == {0: 60}
        assert exporters.made["session"] == before + 1
    sts.refuse = lambda *_: False
    aws.clock.advance(15)
    assert up(watch) == {1: 60}

"""Exporters in every situation that a dashboard must tell the truth about, and a Prometheus at all of them.

Each situation is a scrape job of its own, so that `$job` chooses it.
"""

import json
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode

from bench.jobs import active, finished
from exporter import config
from exporter.simulator.account import Account
from exporter.simulator.company import fill
from exporter.simulator.company_resources import ACCOUNT, SITES
from exporter.simulator.errors import throttled
from exporter.simulator.job_kinds import KINDS
from exporter.simulator.server import Server, serve
from tests.dashboards.model import Settings
from tests.e2e import sorts
from tests.e2e.fork_server import ForkServer
from tests.e2e.http import ask
from tests.e2e.process import REGION, Process, environment, until
from tests.e2e.prometheus import serving

DEMO = "demo"  # a company at work, on one exporter
PAIR = "pair"  # the company, standing still, on two exporters that watch the same account
ACCOUNTS = "accounts"  # the company and another account, on one exporter
DISCOVERED = "discovered"  # the same, found by service discovery: one instance for each target and Region
EMPTY = "empty"  # an account in which there is nothing
FAILING = "failing"  # every backup is well, and then AWS answers no more
DOWN = "down"  # every backup is well, and then the exporter is gone
MANY = "many"  # two thousand jobs
SITUATIONS = (DEMO, PAIR, ACCOUNTS, DISCOVERED, EMPTY, FAILING, DOWN, MANY)

OTHER_ACCOUNT = "210987654321"
JOBS_ENDED, JOBS_RUNNING = 1900, 100
REGIONS = tuple(site.region for site in SITES)
SCOPES = 2 + 4 + 4 + 4 + 1 + 1 + 1 + 1  # targets and Regions of each exporter, by situation
COLLECTORS = (len(config.COLLECTORS) + 1) * SCOPES  # the inventory is the one that `collectors` does not list
LONGEST = 300.0  # seconds until everything is as it should be

_UNSUCCESSFUL = f'aws_backup_jobs_finished_total{{job="{DEMO}",state=~"FAILED|EXPIRED|ABORTED|PARTIAL"}}'
_UUID = re.compile(r"\b[0-9a-f](?=[0-9a-f]{7}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b)")

_OF_ITSELF = re.compile(r"aws_backup_(exporter|last_refresh)_")

Row = dict[str, str]


@dataclass(frozen=True)
class Series:
    """One series of an answer: its labels, and its values by their time."""

    labels: Row
    values: Sequence[tuple[float, float]]

    @property
    def value(self) -> float:
        """The last value."""
        return self.values[-1][1]


@dataclass(frozen=True)
class Scene:
    """A Prometheus that knows every situation.

    Attributes:
        address: where Prometheus listens.
        well: a moment at which nothing had gone wrong yet.
        now: a moment at which everything is as the names of the situations say.
    """

    address: str
    well: float
    now: float
    _told: dict[str, Any] = field(default_factory=dict, repr=False)

    def instant(self, expression: str, settings: Settings, at: float | None = None) -> list[Series]:
        """Evaluate at one moment: now, unless another is given."""
        moment = self.now if at is None else at
        return self._series("query", query=settings.put_into(expression), time=f"{moment:.3f}")

    def range(self, expression: str, settings: Settings) -> list[Series]:
        """Evaluate from when nothing had gone wrong yet until now."""
        times = {"start": f"{self.well:.3f}", "end": f"{self.now:.3f}", "step": "1"}
        return self._series("query_range", query=settings.put_into(expression), **times)

    def label_values(self, label: str, selector: str, settings: Settings) -> list[str]:
        """Tell the values of a label, of the series that the selector picks."""
        chosen = settings.put_into(selector)
        asked = urlencode({"match[]": chosen, "start": f"{self.well:.3f}", "end": f"{self.now:.3f}"})
        values: list[str] = self._ask(f"label/{label}/values?{asked}")
        return values

    def _series(self, what: str, **parameters: str) -> list[Series]:
        return [
            Series(found["metric"], [(float(at), float(value)) for at, value in _values(found)])
            for found in self._ask(f"{what}?{urlencode(parameters)}")["result"]
        ]

    def _ask(self, path: str) -> Any:
        """Ask once, however often a test wants to know: what has been does not change."""
        if path not in self._told:
            answer = ask(self.address, f"/api/v1/{path}").json
            assert answer["status"] == "success", f"{answer['error']}\n{path}"
            self._told[path] = answer["data"]
        return self._told[path]


def _values(found: Any) -> Any:
    return found["values"] if "values" in found else [found["value"]]


@dataclass(frozen=True)
class _Stage:
    """Where exporters and simulated accounts are started, and ended with the stack."""

    stack: ExitStack
    directory: Path
    forks: ForkServer

    def exporter(self, name: str, *arguments: str, **more: str) -> Process:
        """Start the command, listening on a free port."""
        variables, directory = environment(self.directory, **more), self.directory / name
        arguments = ("--web.listen-address", "127.0.0.1:0", *arguments)
        process = Process(arguments, variables, directory, self.forks.launch)
        self.stack.callback(process.kill)
        return process

    def watching(self, name: str, *targets: dict[str, Any]) -> Process:
        """Start an exporter with these targets, and wait until it listens; roles are assumed at the first."""
        file = self.directory / f"{name}.yaml"
        settings = {"api": {"requests_per_second": 50, "idle_refresh": "0s"}, "inventory": {"enabled": True}}
        file.write_text(json.dumps({"targets": targets} | settings))
        services = ("STS", "RESOURCE_GROUPS_TAGGING_API")
        endpoints = {f"AWS_ENDPOINT_URL_{service}": targets[0]["endpoint_url"] for service in services}
        process = self.exporter(name, "--config.file", str(file), **endpoints)
        process.address()
        return process

    def aws(self, now: float | None = None) -> Server:
        """Serve simulated accounts, whose time stands still where one is given."""
        clock = time.time if now is None else lambda: now
        return self.stack.enter_context(serve(lambda account_id, region: Account(account_id, region, clock)))


def _target(name: str, server: Server, *regions: str) -> dict[str, Any]:
    return {"name": name, "regions": regions or (REGION,), "endpoint_url": server.endpoint_url}


def _company(stage: _Stage) -> Server:
    """Serve the demo's company as it is at one moment."""
    now = time.time()
    server = stage.aws(now)
    fill(server.simulation, now, Random(20))
    return server


def _mirror(company: Server) -> None:
    """Let another account have the same jobs, under other ids."""
    for region in REGIONS:
        for kind in KINDS:
            for answer in company.account(region).jobs(kind):
                text = json.dumps(answer).replace(ACCOUNT, OTHER_ACCOUNT)
                company.account(region, OTHER_ACCOUNT).put(json.loads(_UUID.sub("b", text)), kind)


def _well(stage: _Stage) -> Server:
    """Serve an account in which every backup of late completed."""
    server = stage.aws()
    for number in range(3):
        job = sorts.full(f"job-{number}", "COMPLETED", age=3600.0 * (number + 1))
        server.account(REGION).put({name: value for name, value in job.items() if name != "StatusMessage"})
    return server


def _crowded(stage: _Stage) -> Server:
    """Serve an account with two thousand jobs of five hundred resources."""
    server = stage.aws()
    now = time.time()
    for answer in (*finished(JOBS_ENDED, now), *active(JOBS_RUNNING, now, 23.7)):
        server.account(REGION).put(answer)
    return server


@dataclass(frozen=True)
class _Cast:
    """The running exporters of each situation, and the account that is to fail."""

    exporters: dict[str, list[Process]]
    failing: Account

    def addresses(self) -> dict[str, list[str]]:
        """Tell where each listens."""
        return {name: [one.address() for one in them] for name, them in self.exporters.items()}


def _cast(stage: _Stage) -> _Cast:
    """Start every exporter, one after the other: all at once they would wait for each other."""
    demo = stage.exporter(DEMO, "--demo")
    company, well = _company(stage), _well(stage)
    first = _target("company", company, *REGIONS)
    exporters = {
        DEMO: [demo],
        PAIR: [stage.watching(f"{PAIR}-{name}", first) for name in "ab"],
        EMPTY: [stage.watching(EMPTY, _target("empty", stage.aws()))],
        FAILING: [stage.watching(FAILING, _target("well", well))],
        DOWN: [stage.watching(DOWN, _target("well", well))],
        MANY: [stage.watching(MANY, _target("many", _crowded(stage)))],
    }
    _mirror(company)
    role = {"role_arn": f"arn:aws:iam::{OTHER_ACCOUNT}:role/reader"}
    exporters[ACCOUNTS] = [stage.watching(ACCOUNTS, first, _target("other", company, *REGIONS) | role)]
    return _Cast(exporters, well.account(REGION))


@contextmanager
def staged(programs: Sequence[str], directory: Path, forks: ForkServer) -> Iterator[list[Scene]]:
    """Let each of these Prometheus scrape every exporter, and run them until the block ends.

    The exporters end before: what is asked is always about the past.
    """
    with ExitStack() as stack:
        with ExitStack() as exporters:
            cast = _cast(_Stage(exporters, directory, forks))
            _settle(cast.addresses())
            config = _scrapes(cast.addresses())
            folders = [directory / f"prometheus-{number}" for number in range(len(programs))]
            scenes = [
                Scene(stack.enter_context(serving(program, folder, config)), time.time(), time.time())
                for program, folder in zip(programs, folders, strict=True)
            ]
            _until_holds(scenes, f"count(count_over_time(aws_backup_up[1m]) >= 2) == {COLLECTORS}")
            _until_holds(scenes, f"count(aws_backup_up == 1) == {COLLECTORS}")
            scenes = [replace(scene, well=_last_scrape(scene)) for scene in scenes]
            cast.failing.fail(None, throttled())
            [to_go] = cast.exporters[DOWN]
            to_go.kill()
            _until_holds(scenes, f'up{{job="{DOWN}"}} == 0 and on () aws_backup_up{{job="{FAILING}"}} == 0')
            _until_holds(scenes, f"sum(increase({_UNSUCCESSFUL}[1m] offset 2s)) > 0")
            now = time.time()
            # A scrape that has begun would find the exporter gone.
            _until_holds(scenes, f"min(timestamp(up)) > {now:.3f}")
        yield [replace(scene, now=now) for scene in scenes]


def _last_scrape(scene: Scene) -> float:
    """Tell when all was well. Not the present: a scrape that has begun may find the exporter gone."""
    [last] = replace(scene, now=time.time()).instant(f'timestamp(up{{job="{DOWN}"}})', Settings())
    return last.value


def _scrapes(addresses: dict[str, list[str]]) -> dict[str, Any]:
    scrapes = [{"job_name": name, "static_configs": [{"targets": to}]} for name, to in addresses.items()]
    [both] = addresses[ACCOUNTS]
    discovered = {"job_name": DISCOVERED, "http_sd_configs": [{"url": f"http://{both}/targets"}]}
    return {"global": {"scrape_interval": "3s"}, "scrape_configs": [*scrapes, discovered]}


def _settle(addresses: dict[str, list[str]]) -> None:
    """Wait until every exporter tells all there is, which those in the background bring in after a start."""
    still = [to for name, them in addresses.items() if name != DEMO for to in them]
    seen: list[dict[str, frozenset[str]]] = [{}]

    def settled() -> bool:
        seen.append({to: _of_aws(to) for to in still})
        first, second = (seen[-1][to] for to in addresses[PAIR])
        return seen[-2] == seen[-1] and first == second

    until(settled, LONGEST, every=2.0)


def _of_aws(address: str) -> frozenset[str]:
    """Tell what an exporter says of AWS, and not of itself."""
    lines = ask(address, "/metrics").text.splitlines()
    return frozenset(line for line in lines if line.startswith("aws_backup_") and not _OF_ITSELF.match(line))


def _until_holds(scenes: Sequence[Scene], expression: str) -> None:
    """Wait until an expression has a result in each Prometheus, all at once."""

    def holds() -> bool:
        return all(replace(scene, now=time.time()).instant(expression, Settings()) for scene in scenes)

    until(holds, LONGEST, every=0.25, or_say=lambda: expression)

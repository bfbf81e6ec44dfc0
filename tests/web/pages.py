"""Status pages of ledgers made by hand, and what can be read off them."""

import asyncio
from collections.abc import Iterable, Mapping
from html.parser import HTMLParser

from starlette.responses import Response
from starlette.types import Message

from exporter.config import Config, Target
from exporter.ledger.configured_job_ids import ConfiguredIds
from exporter.ledger.job_store import JobStore
from exporter.ledger.ledger import Ledger
from exporter.ledger.resources import Resources
from exporter.model.job_kinds import BACKUP, KINDS
from exporter.model.records import Fault, Health, Reload, Scope
from exporter.runtime.redaction import Secrets
from exporter.web.status import Status, status_of, status_page
from exporter.web.status.status import STALE_AFTER
from tests.support.makers import HOUR, NOW, WINDOW, job

COLLECTORS = (*(kind.collector for kind in KINDS), "vaults")
STARTED = NOW - 3 * HOUR - 720
READ = Reload(True, STARTED)
REFUSED = Reload(False, STARTED, "config.yaml:1:5: no such key\nconfig.yaml:7:1: no number")
CONFIG = Config(targets=(Target(name="production"),))
UP = Health(up=True, last_success=NOW - 12)
DENIED = Fault("AccessDeniedException", "ListCopyJobs: not authorized", 'allow backup:ListCopyJobs on "*"')
FAILING = Health(fault=DENIED, last_success=NOW - HOUR)
OLD = Health(up=True, last_success=NOW - STALE_AFTER - 1)
PENDING = Health()
NO_SECRETS = Secrets()
UNKNOWN = Fault("ResourceNotFoundException", "DescribeBackupJob: no such job", "")
HOSTILE = "<script>alert(1)</script>\"'&lt;"


def ledger(
    target: str = "production",
    region: str = "eu-west-1",
    configured: ConfiguredIds | None = None,
    max_jobs: int = 1000,
    resources: Resources | None = None,
    **health: Health,
) -> Ledger:
    """A ledger whose collectors are up, but for those that are named; without resources if none are given."""
    stores = [JobStore(kind, window=WINDOW, since=lambda: STARTED) for kind in KINDS]
    made = Ledger(
        Scope(target, region),
        stores,
        max_jobs=max_jobs,
        collectors=COLLECTORS,
        configured=configured,
        resources=resources or Resources({}, lambda _: None),
    )
    for name in COLLECTORS:
        made.set_health(name, health.get(name, UP))
    return made


def fleet(count: int, **health: Health) -> list[Ledger]:
    """So many ledgers, each of a target of its own."""
    return [ledger(f"target-{number}", "eu-west-1", None, 1000, None, **health) for number in range(count)]


def paused(of: Ledger) -> Ledger:
    """The same ledger, which nothing scrapes."""
    of.is_paused = True
    return of


def refusing(*regions: str, job_ids: Iterable[str] = ("a", "b"), fault: Fault = UNKNOWN) -> list[Ledger]:
    """Ledgers of one target, each of which refuses the first of the configured job ids."""
    configured = ConfiguredIds(job_ids)
    made = [ledger(region=region, configured=configured) for region in regions]
    for region in regions:
        configured.refused(next(iter(job_ids)), region, NOW, fault)
    return made


def with_dropped() -> Ledger:
    """A ledger with one active, one finished and two dropped backup jobs."""
    made = ledger(max_jobs=2)
    with made.open(BACKUP) as store:
        store.update(job("running"), NOW, described=True)
        for age in range(3):
            ended = job(f"ended-{age}", "COMPLETED", created=NOW - age, completed=NOW)
            store.update(ended, NOW, described=True)
    return made


def status(
    *ledgers: Ledger,
    reload: Reload = READ,
    started: float = STARTED,
    config: Config = CONFIG,
    secrets: Secrets = NO_SECRETS,
) -> Status:
    """What the page is made of; without ledgers, one of which all is up."""
    return status_of(
        ledgers or (ledger(),),
        now=NOW,
        started=started,
        version="1.2.3",
        reload=reload,
        config=config,
        secrets=secrets,
    )


class ScopeSeries(HTMLParser):
    """What a browser finds in a page: text, elements, tables."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, Mapping[str, str | None]]] = []
        self._open: list[str] = []
        self._texts: list[tuple[str, tuple[str, ...]]] = []
        self._rows: list[list[str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of an element."""
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "link"):
            self._open.append(tag)
        if tag == "tr":
            self._rows.append([])
        if tag in ("th", "td"):
            self._rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        """Take note of its end."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Take note of text."""
        self._texts.append((data, tuple(self._open)))
        if {"th", "td"} & set(self._open):
            self._rows[-1][-1] += f" {data}"

    def within(self, tag: str) -> str:
        """The text of all elements of a name, white space made one blank."""
        return " ".join(" ".join(text for text, where in self._texts if tag in where).split())

    def attributes(self, name: str) -> list[str]:
        """Every value of an attribute, as a browser reads it."""
        return [value[name] or "" for _, value in self.elements if name in value]

    def row(self, head: str) -> list[str]:
        """The cells of the one row of a table that begins so, its head left out."""
        [row] = [row for row in self._rows if " ".join(row[0].split()) == head]
        return [" ".join(cell.split()) for cell in row[1:]]

    def rows(self) -> list[str]:
        """What the rows of the table of targets and Regions begin with."""
        heads = [" ".join(row[0].split()) for row in self._rows if len(row) == len(COLLECTORS) + 2]
        return [head for head in heads if head != "Target and Region"]


def page(*ledgers: Ledger, reload: Reload = READ, config: Config = CONFIG) -> ScopeSeries:
    """The page of some ledgers."""
    return ScopeSeries(status_page(status(*ledgers, reload=reload, config=config)))


def sent(response: Response) -> bytes:
    """The body of an answer as a client gets it."""
    messages: list[Message] = []

    async def take(message: Message) -> None:
        messages.append(message)

    async def nothing() -> Message:
        return {"type": "http.disconnect"}

    asyncio.run(response({"type": "http", "method": "GET"}, nothing, take))
    return b"".join(message.get("body", b"") for message in messages)

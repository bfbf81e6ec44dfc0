"""The status page: what it says of what is known, and that nothing gets through it unescaped."""

import asyncio
import gzip
import re
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml
from pydantic import SecretStr
from starlette.responses import Response
from starlette.types import Message

from exporter.book import Book
from exporter.config import Api, Config, Target
from exporter.configured import ConfiguredIds
from exporter.kinds import BACKUP, KINDS
from exporter.ledger import Ledger
from exporter.model import Fault, Health, Reload, Scope
from exporter.web.status import SECURITY_HEADERS, Status, answer, status_of, status_page
from exporter.web.status.facts import LONGEST_MESSAGE, STALE_AFTER
from exporter.web.status.page import DOCUMENTS, FOLD_BEYOND, PLACES_NAMED
from exporter.web.status.verdict import verdict_on
from tests.docs.markdown import ROOT, anchors, document
from tests.unit.makers import HOUR, NOW, WINDOW, job

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
UNKNOWN = Fault("ResourceNotFoundException", "DescribeBackupJob: no such job", "")
HOSTILE = "<script>alert(1)</script>\"'&lt;"


def ledger(
    target: str = "production",
    region: str = "eu-west-1",
    configured: ConfiguredIds | None = None,
    max_jobs: int = 1000,
    **health: Health,
) -> Ledger:
    """A ledger whose collectors are up, but for those that are named."""
    books = [Book(kind, window=WINDOW, since=STARTED) for kind in KINDS]
    made = Ledger(
        Scope(target, region), books, max_jobs=max_jobs, collectors=COLLECTORS, configured=configured
    )
    for name in COLLECTORS:
        made.set_health(name, health.get(name, UP))
    return made


def fleet(count: int, **health: Health) -> list[Ledger]:
    """So many ledgers, each of a target of its own."""
    return [ledger(f"target-{number}", "eu-west-1", None, 1000, **health) for number in range(count)]


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
    with made.open(BACKUP) as book:
        book.enter(job("running"), NOW, described=True)
        for age in range(3):
            ended = job(f"ended-{age}", "COMPLETED", created=NOW - age, completed=NOW)
            book.enter(ended, NOW, described=True)
    return made


def status(
    *ledgers: Ledger, reload: Reload = READ, started: float = STARTED, config: Config = CONFIG
) -> Status:
    """What the page is made of; without ledgers, one of which all is up."""
    return status_of(
        ledgers or (ledger(),), now=NOW, started=started, version="1.2.3", reload=reload, config=config
    )


class Page(HTMLParser):
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


def page(*ledgers: Ledger, reload: Reload = READ, config: Config = CONFIG) -> Page:
    """The page of some ledgers."""
    return Page(status_page(status(*ledgers, reload=reload, config=config)))


def sent(response: Response) -> bytes:
    """The body of an answer as a client gets it."""
    messages: list[Message] = []

    async def take(message: Message) -> None:
        messages.append(message)

    async def nothing() -> Message:
        return {"type": "http.disconnect"}

    asyncio.run(response({"type": "http", "method": "GET"}, nothing, take))
    return b"".join(message.get("body", b"") for message in messages)


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        (status(), "All is well: production in eu-west-1 is up."),
        (status(*fleet(2)), "All is well: 2 of 2 targets and Regions are up."),
        (status(ledger(region="")), "All is well: production in no Region is up."),
        (status(*fleet(1200)), "All is well: 1,200 of 1,200 targets and Regions are up."),
        (status(ledger(vaults=PENDING), started=NOW), "Starting: production in eu-west-1 is not read yet."),
        (
            status(*fleet(2, vaults=PENDING), ledger(), started=NOW),
            "Starting: 2 of 3 targets and Regions are not read yet.",
        ),
        (status(ledger(vaults=FAILING), *fleet(2)), "Not well: production in eu-west-1 fails."),
        (status(*fleet(3, vaults=FAILING)), "Not well: 3 of 3 targets and Regions fail."),
        (status(ledger(vaults=OLD)), "Not well: production in eu-west-1 is stale."),
        (status(reload=REFUSED), "Not well: the new configuration was refused."),
        (status(*refusing("eu-west-1")), "Not well: AWS refuses 1 of 2 configured job ids."),
        (status(with_dropped()), "Not well: 2 jobs have no series."),
        (
            status(*fleet(2, vaults=FAILING), *fleet(1, plans=OLD, vaults=OLD), ledger(), reload=REFUSED),
            "Not well: 2 of 4 targets and Regions fail; target-0 in eu-west-1 is stale; "
            "the new configuration was refused.",
        ),
    ],
)
def test_one_sentence_tells_whether_all_is_well(shown: Status, told: str) -> None:
    """The first sentence says whether all is well, and if not, everything that is not."""
    found = Page(status_page(shown))
    assert told in found.within("p")
    assert found.within("title") == f"{told.split(':')[0]}: AWS Backup exporter"


def test_the_tab_tells_it_too() -> None:
    """The icon differs between well and not, and is in the page: no browser asks for /favicon.ico."""
    icons = [
        [attributes["href"] for tag, attributes in found.elements if tag == "link"]
        for found in (page(), page(ledger(vaults=FAILING)), page(ledger(vaults=OLD)))
    ]
    assert all((icon or "").startswith("data:image/svg+xml,") for [icon] in icons)
    assert len({icon for [icon] in icons}) == 3


def test_it_tells_version_and_uptime() -> None:
    """The version, for how long it is up and since when, and the time of the page are there."""
    found = page()
    assert "Version 1.2.3, up for 3 h 12 min . As of 2026-09-21 14:13:20 UTC" in found.within("header")
    assert "since 2026-09-21 11:01:20 UTC" in found.attributes("title")


@pytest.mark.parametrize(
    ("age", "told"),
    [(-5, "0 s"), (59.9, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h 0 min"), (187_200, "2 d 4 h")],
)
def test_ages(age: float, told: str) -> None:
    """An age is told in the units that people use, and a clock that went back gives none below zero."""
    read = Reload(True, NOW - age)
    assert f"{told} ago, at 2026-09-" in page(reload=read).within("dd")


def test_a_collector_that_is_up() -> None:
    """It tells how long ago it was refreshed, and the time itself."""
    found = page()
    assert found.row("production eu-west-1")[:4] == [
        *(["12 s ago 0 active, 0 finished"] * 3),
        "12 s ago",
    ]
    assert "2026-09-21 14:13:08 UTC" in found.attributes("title")


def test_a_collector_that_is_not() -> None:
    """Failing, stale and not yet refreshed are told in words."""
    never = Health(fault=DENIED)
    of = ledger(backup_jobs=FAILING, copy_jobs=OLD, restore_jobs=never)
    jobs = "0 active, 0 finished"
    assert page(of).row("production eu-west-1")[:3] == [
        f"failing refreshed 1 h 0 min ago {jobs}",
        f"stale refreshed 15 min ago {jobs}",
        f"failing never refreshed {jobs}",
    ]
    new = status(ledger(vaults=PENDING), started=NOW)
    assert Page(status_page(new)).row("production eu-west-1")[3] == "not yet"


def test_what_was_never_refreshed_grows_stale() -> None:
    """A collector that has not been refreshed a quarter of an hour after the start does not just start."""
    assert verdict_on(status(ledger(vaults=PENDING))).sentence == "production in eu-west-1 is stale."
    just_added = Reload(True, NOW - 60)
    assert verdict_on(status(ledger(vaults=PENDING), reload=just_added)).headline == "Starting"


def test_stale_is_what_the_alert_calls_stale() -> None:
    """The page and the alert AwsBackupDataStale have the same patience."""
    rules = yaml.safe_load(document("prometheus/rules/aws-backup-alerts.yml"))
    [alert] = [
        rule
        for group in rules["groups"]
        for rule in group["rules"]
        if rule.get("alert") == "AwsBackupDataStale"
    ]
    assert f"> {STALE_AFTER:g}\n" in alert["expr"]


def test_stale_has_a_remedy() -> None:
    """Jobs are refreshed on a scrape, the rest by itself: so what to do differs."""
    assert "check that Prometheus scrapes" in page(ledger(copy_jobs=OLD)).within("dd")
    assert "check that the exporter gets processor time" in page(ledger(vaults=OLD)).within("dd")


def test_the_last_error_and_what_to_do() -> None:
    """What failed where, AWS's code and words, the remedy, and when it last went well are told."""
    found = page(ledger(copy_jobs=FAILING), *fleet(2))
    assert found.within("h3") == "Copy jobs of production in eu-west-1: AccessDeniedException"
    assert found.within("dd").startswith(
        'ListCopyJobs: not authorized allow backup:ListCopyJobs on "*" '
        "1 h 0 min ago, at 2026-09-21 13:13:20 UTC"
    )


def test_an_error_without_a_remedy() -> None:
    """Where no remedy is known, the doctor is."""
    nobody_knows = Health(fault=Fault("InternalFailure", "ListBackupVaults: HTTP 500", ""))
    found = page(ledger(vaults=nobody_knows)).within("dd")
    assert "ListBackupVaults: HTTP 500 let aws-backup-exporter doctor look" in found
    assert "never since the start" in found


def test_what_one_remedy_mends_is_told_once() -> None:
    """Collectors and targets that need the same remedy share one entry, which names the others."""
    others = PLACES_NAMED + 2
    found = page(ledger(backup_jobs=FAILING, copy_jobs=FAILING), *fleet(others, copy_jobs=FAILING))
    assert found.within("h3") == (
        f"Backup jobs, copy jobs of production in eu-west-1 and {others} more: AccessDeniedException"
    )
    assert found.within("dd").count("allow backup:ListCopyJobs") == 1
    summary = found.within("summary")
    assert [number for number in range(others) if f"target-{number} in" in summary] == list(
        range(PLACES_NAMED)
    )
    assert summary.endswith("and 2 more")
    assert found.within("li").count("ListCopyJobs: not authorized") == others


def test_two_remedies_are_told_apart() -> None:
    """Each remedy has an entry of its own."""
    other = Health(
        fault=Fault("AccessDeniedException", "ListBackupVaults: no", "allow backup:ListBackupVaults")
    )
    found = page(ledger(copy_jobs=FAILING, vaults=other))
    assert found.within("h3").count("AccessDeniedException") == 2
    assert "allow backup:ListBackupVaults" in found.within("dd")


def test_those_that_fare_worst_come_first() -> None:
    """Failing before stale before not yet before up; otherwise as configured."""
    last = ledger("up"), ledger("up-too")
    mixed = (
        last[0],
        ledger("pending", vaults=PENDING),
        ledger("stale", vaults=OLD),
        ledger("failing", vaults=FAILING),
        last[1],
    )
    shown = Page(status_page(status(*mixed, started=NOW)))
    order = ["failing", "stale", "pending", "up", "up-too"]
    assert shown.rows() == [f"{name} eu-west-1" for name in order]
    assert shown.within("caption").startswith("1 failing, 1 stale, 1 pending, 2 up")


def test_many_that_are_up_are_folded() -> None:
    """Beyond a dozen those that are up wait folded, and those that are not stand in the open."""
    found = page(*fleet(FOLD_BEYOND + 1), ledger(vaults=FAILING))
    assert found.within("summary") == f"{FOLD_BEYOND + 1} up"
    assert "production" not in found.within("details")
    assert "target-0" in found.within("details")
    assert not page(*fleet(FOLD_BEYOND), ledger(vaults=FAILING)).within("summary")


def test_jobs_by_kind() -> None:
    """Active, finished and dropped jobs are told for each target and Region, and all together."""
    found = page(with_dropped(), ledger(region="us-east-1"))
    assert found.row("production eu-west-1")[0] == "12 s ago 1 active, 1 finished, 2 dropped"
    assert found.row("Backup jobs") == ["1", "1", "2"]
    assert found.row("Copy jobs") == ["0", "0", "0"]
    assert "raise limits.max_jobs" in found.within("dd")


def test_calls_to_aws() -> None:
    """Calls are told by operation and by how they ended, with those that AWS throttled and the budget."""
    of, other = ledger(), ledger(region="us-east-1")
    for code, count in {"ok": 1998, "ThrottlingException": 3, "timeout": 1}.items():
        for _ in range(count):
            of.count_call("ListBackupJobs", code)
    other.count_call("GetBackupPlan", "Throttling")
    found = page(of, other, config=Config(targets=CONFIG.targets, api=Api(requests_per_second=0.5)))
    assert found.row("production eu-west-1")[-1] == "2,002 3 ThrottlingException 1 timeout"
    assert found.row("ListBackupJobs 3 ThrottlingException 1 timeout") == ["2,002"]
    assert found.row("GetBackupPlan 1 Throttling") == ["1"]
    assert "4 of 2,003 calls" in found.within("dd")
    assert "0.5 calls a second for each target and Region" in found.within("dd")


def test_a_refused_configuration() -> None:
    """Why it was refused, what to do, and since when the one before is in force are told."""
    found = page(reload=REFUSED).within("dd")
    assert "config.yaml:1:5: no such key config.yaml:7:1: no number" in found
    assert "correct the file, then reload it" in found
    assert "read 3 h 12 min ago, at 2026-09-21 11:01:20 UTC" in found
    assert "refused" in found
    assert "refused" not in page().within("main")


def test_a_configured_job_id_that_aws_refuses() -> None:
    """It is told once, with every Region that was asked and what AWS said; how many are configured, too."""
    found = page(*refusing("eu-west-1", "us-east-1", job_ids=("a", "b", "c")))
    assert found.row("a") == [
        "production in eu-west-1, us-east-1",
        "ResourceNotFoundException : DescribeBackupJob: no such job",
    ]
    assert "remove it from job_ids" in found.within("dd")
    assert "3 configured, 1 refused" in found.within("dd")


def test_a_job_id_of_two_targets() -> None:
    """The same id in two targets is two configured ids."""
    two = [ledger(name, configured=ConfiguredIds(["a"])) for name in ("one", "two")]
    assert "2 configured, 0 refused" in page(*two).within("dd")


def test_links_stay_below_the_page() -> None:
    """Links to the exporter's own paths are relative, so that a proxy may put it under a path of its own."""
    shown = status_of(
        [ledger(region="")], now=NOW, started=NOW, version="", reload=READ, config=CONFIG, metrics_path="/a:b"
    )
    own = [
        link for link in Page(status_page(shown)).attributes("href") if not link.startswith(("data", "http"))
    ]
    assert own == [
        "./",
        "./a:b",
        "./targets",
        "./config",
        "./-/healthy",
        "./-/ready",
        "./probe?target=production&region=",
    ]


def test_links_to_documents() -> None:
    """Every link to a document leads to one of the repository, and to a section where it names one."""
    everything = page(
        ledger(backup_jobs=FAILING),
        ledger("other", vaults=OLD),
        with_dropped(),
        *refusing("eu-west-1"),
        reload=REFUSED,
    )
    links = everything.attributes("href") + page(ledger(vaults=FAILING)).attributes("href")
    led = [link.removeprefix(DOCUMENTS).partition("#") for link in links if link.startswith("http")]
    assert {anchor for _, _, anchor in led} >= {
        *("awsbackuptargetfailing", "awsbackupcollectorfailing", "awsbackupdatastale"),
        *("awsbackupreloadfailed", "awsbackupjobidunknown", "awsbackupseriesdropped"),
    }
    for path, _, anchor in led:
        assert not anchor or anchor in anchors(document(path)), f"{path}#{anchor}"


def test_nothing_is_taken_for_html() -> None:
    """Whatever AWS or the network says is text, in whichever place it comes."""
    fault = Fault(HOSTILE, HOSTILE, HOSTILE)
    of, others = ledger(HOSTILE, HOSTILE, vaults=Health(fault=fault)), refusing(HOSTILE, fault=fault)
    of.count_call(HOSTILE, HOSTILE)
    shown = status_of(
        [of, *others],
        now=NOW,
        started=NOW,
        version=HOSTILE,
        reload=Reload(False, NOW, HOSTILE),
        config=CONFIG,
        metrics_path=f"/{HOSTILE}",
    )
    html = status_page(shown)
    found = Page(html)
    assert "script" not in {tag for tag, _ in found.elements}
    assert {name for _, attributes in found.elements for name in attributes} <= {
        *("charset", "class", "content", "data-of", "datetime", "href", "lang", "name", "rel", "scope"),
        *("title", "aria-label"),
    }
    for place in ("header", "h3", "dd", "td", "th", "p"):
        assert HOSTILE in found.within(place), place
    assert f"./{HOSTILE}" in found.attributes("href")
    assert "<script" not in html.lower()


def test_a_lone_surrogate_is_replaced() -> None:
    """Half a character, which JSON can carry and UTF-8 cannot, does not keep the page from being sent."""
    half = Health(fault=Fault("InternalFailure", "half \ud83d of it", ""))
    assert "half \ufffd of it" in sent(answer(status(ledger(vaults=half)), gzip=False)).decode()


def test_no_secret_is_shown() -> None:
    """An external id and a session token are masked, also where AWS repeats them."""
    message = (
        "DescribeBackupJob: the canonical string should have been 'GET host:backup "
        "x-amz-security-token:FwoGZXIvYXdzEBY//Example+Token== x-amz-date:2026' for hush-external-id"
    )
    secret = Target(
        name="production",
        role_arn=f"arn:aws:iam::{'1' * 12}:role/a",
        external_id=SecretStr("hush-external-id"),
    )
    fault = Fault("SignatureDoesNotMatch", message, "")
    ledgers = [ledger(vaults=Health(fault=fault)), *refusing("eu-west-1", fault=fault)]
    html = status_page(status(*ledgers, config=Config(targets=(secret,))))
    assert "hush" not in html
    assert "Token==" not in html
    assert "FwoG" not in html
    assert html.count("x-amz-security-token:*** x-amz-date") == 2


def test_a_long_message_is_shortened() -> None:
    """A whole page of a proxy in the place of an answer does not fill this one."""
    fault = Fault("malformed", "x" * 10 * LONGEST_MESSAGE, "")
    shown = page(ledger(vaults=Health(fault=fault))).within("code")
    assert shown == f"{'x' * (LONGEST_MESSAGE - 1)}…"


def test_the_policy_allows_this_style_alone() -> None:
    """The content security policy forbids scripts and all that is not in the page, whose style it knows."""
    html = status_page(status())
    [style] = re.findall("<style>(.*?)</style>", html, re.DOTALL)
    known = b64encode(sha256(style.encode()).digest()).decode()
    policy = {
        name: rest
        for name, _, rest in (
            part.partition(" ") for part in SECURITY_HEADERS["Content-Security-Policy"].split("; ")
        )
    }
    assert policy == {
        "default-src": "'none'",
        "style-src": f"'sha256-{known}'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert "url(" not in style
    assert "@import" not in style
    assert not re.search(r"\sstyle=", html)


def test_the_headers_of_an_answer() -> None:
    """An answer carries the security headers, and is neither sniffed, framed, kept nor referred to."""
    headers = answer(status(), gzip=False).headers
    assert {name: headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"


def test_an_answer_is_compressed_on_demand() -> None:
    """Who accepts gzip gets the same page in far fewer bytes."""
    shown = status(*fleet(100))
    plain, packed = (answer(shown, gzip=accepted) for accepted in (False, True))
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert sent(plain).decode() == gzip.decompress(sent(packed)).decode() == status_page(shown)
    assert int(packed.headers["Content-Length"]) < int(plain.headers["Content-Length"]) / 10


def test_the_wheel_has_the_page(tmp_path: Path) -> None:
    """An installed exporter brings the page's template and style along."""
    build = (sys.executable, "-m", "flit_core.wheel", "--outdir", str(tmp_path), str(ROOT))
    subprocess.run(build, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    assert {"exporter/web/status/status.html", "exporter/web/status/status.css"} <= set(
        ZipFile(wheel).namelist()
    )

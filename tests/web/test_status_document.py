"""The status page as a document: its links, that nothing gets through it unescaped, its headers."""

import gzip
import re
import subprocess
import sys
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

from exporter.model.records import Fault, Health, Reload
from exporter.runtime.redaction import Secrets
from exporter.web.status import SECURITY_HEADERS, status_of, status_page, status_response
from exporter.web.status.html import DOCS_URL
from exporter.web.status.status import MAX_MESSAGE_LENGTH
from tests.docs.markdown import ROOT, anchors, document
from tests.support.makers import NOW
from tests.web.pages import (
    CONFIG,
    FAILING,
    HOSTILE,
    NO_SECRETS,
    OLD,
    READ,
    REFUSED,
    ScopeSeries,
    fleet,
    ledger,
    page,
    refusing,
    sent,
    status,
    with_dropped,
)


def test_links_stay_below_the_page() -> None:
    """Links to the exporter's own paths are relative, so that a proxy may put it under a path of its own."""
    shown = status_of(
        [ledger(region="")],
        now=NOW,
        started=NOW,
        version="",
        reload=READ,
        config=CONFIG,
        metrics_path="/a:b",
        secrets=NO_SECRETS,
    )
    own = [
        link
        for link in ScopeSeries(status_page(shown)).attributes("href")
        if not link.startswith(("data", "http"))
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
    led = [link.removeprefix(DOCS_URL).partition("#") for link in links if link.startswith("http")]
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
        secrets=NO_SECRETS,
    )
    html = status_page(shown)
    found = ScopeSeries(html)
    assert "script" not in {tag for tag, _ in found.elements}
    assert {name for _, attributes in found.elements for name in attributes} <= {
        *("charset", "class", "content", "data-of", "datetime", "href", "id", "lang", "name", "rel"),
        *("scope", "title", "aria-label"),
    }
    for place in ("header", "h3", "dd", "td", "th", "p"):
        assert HOSTILE in found.within(place), place
    assert f"./{HOSTILE}" in found.attributes("href")
    assert "<script" not in html.lower()


def test_a_lone_surrogate_is_escaped() -> None:
    """Half a character, which JSON can carry and UTF-8 cannot, does not keep the page from being sent."""
    half = Health(fault=Fault("InternalFailure", "half \ud83d of it", ""))
    assert r"half \ud83d of it" in sent(status_response(status(ledger(vaults=half)), gzip=False)).decode()


def test_no_secret_is_shown() -> None:
    """What is known to be secret is masked, also where AWS repeats it."""
    message = (
        "DescribeBackupJob: the canonical string should have been 'GET host:backup "
        "x-amz-security-token:FwoGZXIvYXdzEBY//Example+Token== x-amz-date:2026' for hush-external-id"
    )
    secrets = Secrets(["FwoGZXIvYXdzEBY//Example+Token==", "hush-external-id"])
    fault = Fault("SignatureDoesNotMatch", message, "")
    ledgers = [ledger(vaults=Health(fault=fault)), *refusing("eu-west-1", fault=fault)]
    html = status_page(status(*ledgers, secrets=secrets))
    assert "hush" not in html
    assert "Token==" not in html
    assert "FwoG" not in html
    assert html.count("x-amz-security-token:*** x-amz-date") == 2


def test_a_long_message_is_shortened() -> None:
    """A whole page of a proxy in the place of an answer does not fill this one."""
    fault = Fault("malformed", "x" * 10 * MAX_MESSAGE_LENGTH, "")
    shown = page(ledger(vaults=Health(fault=fault))).within("code")
    assert shown == f"{'x' * (MAX_MESSAGE_LENGTH - 1)}…"


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
    headers = status_response(status(), gzip=False).headers
    assert {name: headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"


def test_an_answer_is_compressed_on_demand() -> None:
    """Who accepts gzip gets the same page in far fewer bytes."""
    shown = status(*fleet(100))
    plain, packed = (status_response(shown, gzip=accepted) for accepted in (False, True))
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

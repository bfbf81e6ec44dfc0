"""Renders a status as a self-contained HTML page, without scripts or external resources."""

from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from gzip import compress
from hashlib import sha256
from importlib.resources import files
from types import MappingProxyType
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from starlette.responses import Response

from exporter.exposition import encode
from exporter.model import Scope
from exporter.web.server import StreamingExposition
from exporter.web.service_discovery import PROBE_PATH
from exporter.web.status.status import Condition, ScopeState, Status
from exporter.web.status.summary import summarize, summarize_backups, worse_of

DOCS_URL = "https://github.com/aws-backup-exporter/aws-backup-exporter/blob/main/"
GZIP_LEVEL = 6
MAX_UNCOLLAPSED = 12  # scopes that are up or paused; more are shown in a collapsed table
MAX_UNCOLLAPSED_ROWS = 10  # of what needs attention; the others are in a collapsed table
MAX_PLACES = 3  # of one problem; the others are in a collapsed list

_ICONS = {
    Condition.FAILING: ("#c4271b", "M5 5l6 6m0-6l-6 6"),
    Condition.STALE: ("#8a5a00", "M8 4v5m0 2v1"),
    Condition.PENDING: ("#57606a", "M4 8h1m2.5 0h1M11 8h1"),
    Condition.UP: ("#1a7f37", "M4.5 8.5l2.5 2.5l4.5-5.5"),
    Condition.PAUSED: ("#57606a", "M6 5v6M10 5v6"),
}
_STYLE = files("exporter.web.status").joinpath("status.css").read_text(encoding="utf-8")
_STYLE_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()

SECURITY_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
)
"""Headers that a response with the status page must have."""


def status_response(status: Status, *, gzip: bool) -> Response:
    """Return a response with the status page, gzipped if the client accepts that."""
    html = compress(status_page(status).encode(), GZIP_LEVEL, mtime=0)
    page = StreamingExposition([html], "text/html; charset=utf-8", gzip=gzip)
    page.headers.update(SECURITY_HEADERS)
    return page


def status_page(status: Status) -> str:
    """Render a status as HTML."""
    summary, backups = summarize(status), summarize_backups(status)
    html = _template().render(
        status=status, summary=summary, backups=backups, title=worse_of(backups, summary), style=_STYLE
    )
    return encode(html).decode()


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("exporter.web.status", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "duration": format_duration,
        "utc": _utc,
        "iso8601": _iso8601,
        "icon": _icon,
        "number": "{:,}".format,
        "words": _words,
        "capitalize_first": _capitalize_first,
        "probe_url": _probe_url,
        "count_conditions": _count_conditions,
    }
    environment.globals |= {
        "max_uncollapsed": MAX_UNCOLLAPSED,
        "max_uncollapsed_rows": MAX_UNCOLLAPSED_ROWS,
        "max_places": MAX_PLACES,
        "docs_url": DOCS_URL,
    }
    return environment.get_template("status.html")


def format_duration(seconds: float) -> str:
    """Format seconds for people: `12 s`, `4 min`, `3 h 12 min`, `2 d 4 h`."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


def _utc(time: float) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _iso8601(time: float) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _words(name: str) -> str:
    """Convert the name of a collector to words."""
    return name.replace("_", " ")


def _capitalize_first(text: str) -> str:
    """Convert the first letter to upper case and leave the others."""
    return text[:1].upper() + text[1:]


def _probe_url(scope: Scope) -> str:
    """Return the URL of the metrics of one scope."""
    return f".{PROBE_PATH}?{urlencode({'target': scope.target, 'region': scope.region})}"


def _count_conditions(states: Iterable[ScopeState]) -> str:
    """Count scopes by condition: `1 failing, 3 up`."""
    counts = Counter(state.condition for state in states)
    return ", ".join(f"{counts[condition]:,} {condition}" for condition in Condition if counts[condition])


def _icon(condition: Condition) -> str:
    colour, path = _ICONS[condition]
    svg = (
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'>"
        f"<circle cx='8' cy='8' r='8' fill='{colour}'/>"
        f"<path d='{path}' fill='none' stroke='#fff' stroke-width='2'/></svg>"
    )
    return f"data:image/svg+xml,{quote(svg)}"

"""What must hold for every dashboard, and what is wrong with those that break it.

Beside rules of this project these are the rules of Grafana's dashboard-linter.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from tests.dashboards.model import Dashboard, Fields, Panel, Target, references
from tests.support.promql import Known, mistakes, selectors

TAG = "aws-backup"
SOURCE = "${datasource}"
OLDEST_SCHEMA = 39
WIDTH = 24
MOST_QUERIES = 40  # when the dashboard opens, those of its variables too
TYPES = frozenset({"gauge", "row", "stat", "state-timeline", "table", "timeseries"})
UNITS = frozenset(
    {
        "Bps",
        "bytes",
        "dateTimeFromNow",
        "none",
        "percentunit",
        "reqps",
        "s",
        "string",
    }  # as Grafana calls them
)
CHOSEN_BY = {"job": "job", "instance": "instance", "aws_account_id": "account", "aws_region": "region"}
ALL_OF = {"job": ".+", "instance": ".+"}

_OVER_TIME = re.compile(r"\b(rate|irate|deriv|delta|idelta)\s*\([^][]*\[([^]]*)\]")
_COUNTED = re.compile(r"(\w+\s*\(\s*)?\b(\w+_(?:total|bucket|sum|count))\b\s*(\{|\[)")
_BY_NAME = re.compile(r'\{__name__=~"([^"]+)",([^}]*)\}')
_FUNCTION = re.compile(r"(label_values|query_result)\((.*)\)", re.DOTALL)
_FIELD = re.compile(r'\$\{__data\.fields\["([^"]+)"\]\}')


def faults(dashboard: Dashboard, known: Known, others: Mapping[str, Dashboard]) -> list[str]:
    """Tell, a line each, what is wrong with a dashboard.

    Args:
        dashboard: the one to look at.
        known: the labels of each metric that is scraped.
        others: every dashboard there is, by its uid.
    """
    return [
        *_of_form(dashboard),
        *_of_variables(dashboard, known),
        *_of_places(dashboard),
        *(
            f"{panel.title or panel.type}: {fault}"
            for panel in dashboard.panels
            if not panel.is_row
            for fault in (*_of_panel(panel), *_of_queries(panel, known), *_of_links(panel, others))
        ),
    ]


def queries_on_open(dashboard: Dashboard) -> int:
    """Count the queries that opening the dashboard makes."""
    asked = sum(len(panel.targets) for panel in dashboard.panels if not panel.folded)
    return asked + sum(1 for variable in dashboard.variables if variable["type"] == "query")


def _of_form(dashboard: Dashboard) -> Iterator[str]:
    fields = dashboard.fields
    if "__inputs" in fields or "__requires" in fields:
        yield "is in the form for sharing, which provisioning does not fill in"
    if fields.get("id") is not None:
        yield "has an id, which belongs to one Grafana alone"
    if not dashboard.uid.startswith(f"{TAG}-"):
        yield f"its uid does not begin with {TAG}-"
    if fields.get("schemaVersion", 0) < OLDEST_SCHEMA:
        yield f"its schemaVersion is below {OLDEST_SCHEMA}"
    if TAG not in fields.get("tags", []):
        yield f"lacks the tag {TAG}"
    if fields.get("editable") is not False:
        yield "may be edited, though its file is what counts"
    if not any(_leads_to_all(link) for link in fields.get("links", [])):
        yield f"has no link to all dashboards with the tag {TAG} that keeps time and variables"
    if queries_on_open(dashboard) > MOST_QUERIES:
        yield f"asks more than {MOST_QUERIES} queries when it opens"


def _leads_to_all(link: Fields) -> bool:
    kept = link.get("keepTime") and link.get("includeVars")
    return link.get("type") == "dashboards" and link.get("tags") == [TAG] and bool(kept)


def _of_variables(dashboard: Dashboard, known: Known) -> Iterator[str]:
    variables = {variable["name"]: variable for variable in dashboard.variables}
    for name in ("datasource", *CHOSEN_BY.values()):
        if name not in variables:
            yield f"has no variable {name}"
    for name, variable in variables.items():
        yield from (f"variable {name}: {fault}" for fault in _of_variable(variable, known))
    used = [
        *_texts(dashboard.fields.get("panels")),
        *_texts([variable.get("query") for variable in variables.values()]),
    ]
    used += [text for variable in variables.values() for text in _texts(variable.get("datasource"))]
    named = {name for text in used for name in references(text)}
    yield from (f"variable {name} is used nowhere" for name in sorted(variables.keys() - named))
    yield from (f"variable {name} is used and not defined" for name in sorted(named - variables.keys()))


def _of_variable(variable: Fields, known: Known) -> Iterator[str]:
    name = variable["name"]
    if not variable.get("label") or not variable.get("description"):
        yield "has no label or no description"
    if variable["type"] == "datasource":
        if (name, variable.get("label"), variable.get("query")) != (
            "datasource",
            "Data source",
            "prometheus",
        ):
            yield 'is not called "datasource" and "Data source", of type prometheus'
        return
    if variable["type"] != "query":
        yield "is neither a query nor a data source"
        return
    if variable.get("datasource", {}).get("uid") != SOURCE:
        yield f"does not ask {SOURCE}"
    if variable.get("refresh") != 2:
        yield "is not refreshed when the time range changes"
    if name in CHOSEN_BY.values():
        if not (variable.get("multi") and variable.get("includeAll")):
            yield "does not let one choose several, or all"
        if variable.get("allValue") != ALL_OF.get(name, ".*"):
            yield "stands for something else when all are chosen"
    yield from _of_variable_query(variable, known)


def _of_variable_query(variable: Fields, known: Known) -> Iterator[str]:
    function = _FUNCTION.fullmatch(variable["query"]["query"])
    if function is None:
        yield "its query is neither label_values nor query_result"
        return
    name, inside = function.groups()
    expression, label = inside.rsplit(",", 1) if name == "label_values" else (inside, "")
    yield from mistakes(f"group by ({label}) ({named_outright(expression)})" if label else expression, known)


def named_outright(expression: str) -> str:
    """Write selectors of several metrics by name as several selectors."""

    def each(found: re.Match[str]) -> str:
        return " or ".join(f"{metric}{{{found[2]}}}" for metric in found[1].split("|"))

    return _BY_NAME.sub(each, expression)


def _texts(value: Any) -> Iterator[str]:
    """Give every text within a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (text for part in value.values() for text in _texts(part))
    elif isinstance(value, Collection):
        yield from (text for part in value for text in _texts(part))


def _of_places(dashboard: Dashboard) -> Iterator[str]:
    ids = Counter(panel.fields.get("id") for panel in dashboard.panels)
    for panel in dashboard.panels:
        if not isinstance(panel.fields.get("id"), int) or ids[panel.fields["id"]] > 1:
            yield f"{panel.title}: its id is missing, or another's too"
    open_panels = [panel for panel in dashboard.panels if not panel.folded]
    folded = [[Panel(one) for one in panel.fields.get("panels", [])] for panel in open_panels if panel.is_row]
    for together in (open_panels, *folded):
        yield from _overlaps(together)


def _overlaps(panels: list[Panel]) -> Iterator[str]:
    taken: dict[tuple[int, int], str] = {}
    for panel in panels:
        place = panel.fields["gridPos"]
        if place["x"] < 0 or place["x"] + place["w"] > WIDTH:
            yield f"{panel.title}: reaches beyond the {WIDTH} columns"
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        for other in sorted({taken[cell] for cell in cells & taken.keys()}):
            yield f"{panel.title}: overlaps {other}"
        taken |= dict.fromkeys(cells, panel.title)


def _of_panel(panel: Panel) -> Iterator[str]:
    if panel.type not in TYPES:
        yield f"is a {panel.type}, which no one here has looked at"
    if not panel.title or not str(panel.fields.get("description", "")).endswith("."):
        yield "has no title, or no description in whole sentences"
    if not str(panel.defaults.get("noValue", "")).strip():
        yield "does not say in words (noValue) why it is empty"
    units = [unit for name, unit in panel.settings if name == "unit"]
    if not units:
        yield "has no unit"
    for unit in units:
        if unit not in UNITS:
            yield f"its unit {unit} is none of those known here"
    if panel.type == "table" and panel.defaults.get("unit") not in (None, "string"):
        yield "has a unit for all columns, which makes dates of account ids"
    if panel.fields.get("datasource", {}).get("uid") != SOURCE:
        yield f"does not ask {SOURCE}"
    if not panel.targets:
        yield "has no query"


def _of_queries(panel: Panel, known: Known) -> Iterator[str]:
    refs = Counter(target.ref for target in panel.targets)
    for target in panel.targets:
        if refs[target.ref] > 1:
            yield f"query {target.ref}: another is called so too"
        yield from (f"query {target.ref}: {fault}" for fault in _of_query(target, known))


def _of_query(target: Target, known: Known) -> Iterator[str]:
    if target.fields.get("datasource", {}).get("uid") != SOURCE:
        yield f"does not ask {SOURCE}"
    if not target.expression.strip():
        yield "is empty"
    yield from mistakes(target.expression, known)
    for selector in selectors(target.expression):
        has = known.get(selector.metric, frozenset()) | {"job", "instance"}
        matchers = {(matcher.label, matcher.operator, matcher.value) for matcher in selector.matchers}
        for label, variable in CHOSEN_BY.items():
            if label in has and (label, "=~", f"${variable}") not in matchers:
                yield f'{selector.metric} is not chosen by {label}=~"${variable}"'
    for function, window in _OVER_TIME.findall(target.expression):
        if window != "$__rate_interval":
            yield f"{function} over {window}, not over $__rate_interval"
    for function, metric, _ in _COUNTED.findall(target.expression):
        if metric in known and function.rstrip(" (") not in ("rate", "irate", "increase"):
            yield f"{metric} is a counter, and not inside rate or increase"


def _of_links(panel: Panel, others: Mapping[str, Dashboard]) -> Iterator[str]:
    columns = panel.columns()
    shown = {columns["renameByName"].get(name, name) for name in columns["indexByName"]} if columns else set()
    for override in panel.overrides:
        name = override["matcher"]["options"]
        if columns and override["matcher"]["id"] == "byName" and name not in shown:
            yield f"has settings for the column {name}, which there is not"
    for link in panel.links:
        uid = link.partition("?")[0].removeprefix("/d/")
        if uid not in others:
            yield f"leads to {uid}, which there is not"
            continue
        has = {variable["name"] for variable in others[uid].variables}
        yield from (
            f"sets {name}, which {uid} does not have"
            for name in re.findall(r"[?&]var-(\w+)=", link)
            if name not in has
        )
        yield from (
            f"leads on with the column {name}, which there is not"
            for name in _FIELD.findall(link)
            if name not in shown
        )
        if "${__url_time_range}" not in link or not {"datasource", *CHOSEN_BY.values()} <= references(link):
            yield f"its link to {uid} does not keep time and variables"

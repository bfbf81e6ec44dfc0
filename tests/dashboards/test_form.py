"""The dashboards' files: form, names, places, links; and that a mistake in one of them is found."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.dashboards.checks import MOST_QUERIES, faults, queries_on_open
from tests.dashboards.model import FOLDER, Dashboard, Target, dashboards
from tests.support.promql import known_metrics, selectors

DASHBOARDS = dashboards()
BY_UID = {dashboard.uid: dashboard for dashboard in DASHBOARDS.values()}
NAMES = sorted(DASHBOARDS)

Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize("name", NAMES)
def test_dashboards_have_no_faults(name: str) -> None:
    """Form, variables, places, units, descriptions, queries and links are as they must be."""
    assert faults(DASHBOARDS[name], known_metrics(), BY_UID) == []


def test_uids_stay() -> None:
    """The dashboards are called as people's bookmarks call them."""
    assert set(BY_UID) == {"aws-backup-fleet", "aws-backup-job", "aws-backup-protection"}


@pytest.mark.parametrize("name", NAMES)
def test_files_are_formatted(name: str) -> None:
    """A file is written with two spaces, so that a change shows as what it is."""
    text = (FOLDER / f"{name}.json").read_text(encoding="utf-8")

    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("name", NAMES)
def test_opening_asks_little(name: str) -> None:
    """Opening a dashboard makes at most forty queries."""
    assert 0 < queries_on_open(DASHBOARDS[name]) <= MOST_QUERIES


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_metric_that_the_exporter_renames_is_a_fault(name: str) -> None:
    """Whichever metric the exporter renames, each query that speaks of it by its old name is told."""
    dashboard = DASHBOARDS[name]
    used = {found.metric for _, target in dashboard.queries for found in selectors(target.expression)}
    assert len(used) > 10
    for metric in used:
        without = {known: labels for known, labels in known_metrics().items() if known != metric}
        speaking = [
            panel for panel in dashboard.panels if any(_speaks_of(metric, one) for one in panel.targets)
        ]
        part = Dashboard(dict(dashboard.fields) | {"panels": [panel.fields for panel in speaking]})
        told = [fault for fault in faults(part, without, BY_UID) if f"no metric {metric}" in fault]
        assert len(told) >= sum(_speaks_of(metric, one) for panel in speaking for one in panel.targets) > 0


def _speaks_of(metric: str, target: Target) -> bool:
    return any(selector.metric == metric for selector in selectors(target.expression))


def test_a_label_that_the_exporter_renames_is_a_fault() -> None:
    """So it is with a label, in a selector and in a join."""
    without = {name: labels - {"parent_job_id"} for name, labels in known_metrics().items()}

    found = faults(DASHBOARDS["fleet"], without, BY_UID)

    assert "In progress: query A: aws_backup_job_info has no label parent_job_id" in found
    assert "Unsuccessful jobs and why: query A: no metric here has a label parent_job_id" in found


def _panel(fields: dict[str, Any], title: str) -> dict[str, Any]:
    return next(
        panel
        for one in fields["panels"]
        for panel in (one, *one.get("panels", []))
        if panel["title"] == title
    )


def _in(title: str, change: Change) -> Change:
    return lambda fields: change(_panel(fields, title))


def _query(title: str, old: str, new: str, place: int = 0) -> Change:
    def change(fields: dict[str, Any]) -> None:
        target = _panel(fields, title)["targets"][place]
        assert old in target["expr"]
        target["expr"] = target["expr"].replace(old, new, 1)

    return change


def _variable(name: str, **changed: Any) -> Change:
    def change(fields: dict[str, Any]) -> None:
        next(one for one in fields["templating"]["list"] if one["name"] == name).update(changed)

    return change


def _override(title: str, column: str, setting: str, value: Any) -> Change:
    def change(fields: dict[str, Any]) -> None:
        overrides = _panel(fields, title)["fieldConfig"]["overrides"]
        properties = next(one for one in overrides if one["matcher"]["options"] == column)["properties"]
        next(one for one in properties if one["id"] == setting)["value"] = value

    return change


def _without(name: str) -> Change:
    def change(fields: dict[str, Any]) -> None:
        kept = [one for one in fields["templating"]["list"] if one["name"] != name]
        fields["templating"]["list"] = kept

    return change


RATIO, AGE, CALLS, VAULTS = "Success ratio", "Age of the data", "AWS API calls", "Vaults"
STALEST, UNSUCCESSFUL = "Resources, stalest first", "Unsuccessful jobs and why"
KEPT = ("datasource", "job", "instance", "account", "region")
LINK = "&".join(["/d/aws-backup-job?${__url_time_range}", *(f"${{{name}:queryparam}}" for name in KEPT)])

MUTATIONS: dict[str, tuple[Change, list[str]]] = {
    "inputs": (
        lambda fields: fields.update(__inputs=[]),
        ["is in the form for sharing, which provisioning does not fill in"],
    ),
    "id": (lambda fields: fields.update(id=7), ["has an id, which belongs to one Grafana alone"]),
    "uid": (lambda fields: fields.update(uid="fleet"), ["its uid does not begin with aws-backup-"]),
    "schema": (lambda fields: fields.update(schemaVersion=38), ["its schemaVersion is below 39"]),
    "tag": (lambda fields: fields.update(tags=["aws"]), ["lacks the tag aws-backup"]),
    "editable": (
        lambda fields: fields.update(editable=True),
        ["may be edited, though its file is what counts"],
    ),
    "link by tag": (
        lambda fields: fields["links"][0].update(keepTime=False),
        ["has no link to all dashboards with the tag aws-backup that keeps time and variables"],
    ),
    "many queries": (
        lambda fields: _panel(fields, RATIO)["targets"].extend(
            _panel(fields, RATIO)["targets"][0] | {"refId": f"B{number}"} for number in range(40)
        ),
        ["asks more than 40 queries when it opens"],
    ),
    "variable that is not there": (
        _without("region"),
        ["has no variable region", "variable region is used and not defined"],
    ),
    "variable that is not used": (
        lambda fields: fields["templating"]["list"].append(
            fields["templating"]["list"][1] | {"name": "spare"}
        ),
        ["variable spare is used nowhere"],
    ),
    "variable of another name": (
        _query("Memory", "$instance", "$instances"),
        [
            "variable instances is used and not defined",
            'Memory: query A: process_resident_memory_bytes is not chosen by instance=~"$instance"',
        ],
    ),
    "variable that is not refreshed": (
        _variable("job", refresh=1),
        ["variable job: is not refreshed when the time range changes"],
    ),
    "variable for one": (
        _variable("account", multi=False),
        ["variable account: does not let one choose several, or all"],
    ),
    "variable for all": (
        _variable("account", allValue=".+"),
        ["variable account: stands for something else when all are chosen"],
    ),
    "variable without a description": (
        _variable("region", description=""),
        ["variable region: has no label or no description"],
    ),
    "variable of a metric that is not there": (
        _variable("region", query={"query": 'label_values(aws_up{job=~"$job"}, aws_region)'}),
        ["variable region: no metric aws_up", "variable region: no metric here has a label aws_region"],
    ),
    "variable of a label that is not there": (
        _variable("job", query={"query": "label_values(aws_backup_up, jobs)"}),
        ["variable job: no metric here has a label jobs"],
    ),
    "variable by another function": (
        _variable("job", query={"query": "label_names(aws_backup_up)"}),
        ["variable job: its query is neither label_values nor query_result"],
    ),
    "variable on a data source of its own": (
        _variable("job", datasource={"uid": "prometheus"}),
        ["variable job: does not ask ${datasource}"],
    ),
    "data source of another name": (
        _variable("datasource", label="Prometheus"),
        ['variable datasource: is not called "datasource" and "Data source", of type prometheus'],
    ),
    "id twice": (
        lambda fields: _panel(fields, "Vaults").update(id=_panel(fields, RATIO)["id"]),
        [f"{title}: its id is missing, or another's too" for title in (RATIO, VAULTS)],
    ),
    "overlap": (
        _in("Oldest data", lambda panel: panel["gridPos"].update(x=19)),
        ["Oldest data: overlaps Failed restores"],
    ),
    "overlap in a folded row": (
        _in("Recovery points", lambda panel: panel["gridPos"].update(x=11)),
        ["Recovery points: overlaps Vaults"],
    ),
    "too wide": (
        _in("Oldest data", lambda panel: panel["gridPos"].update(w=5)),
        ["Oldest data: reaches beyond the 24 columns"],
    ),
    "panel of another type": (
        _in(CALLS, lambda panel: panel.update(type="graph")),
        [f"{CALLS}: is a graph, which no one here has looked at"],
    ),
    "panel without a description": (
        _in(CALLS, lambda panel: panel.update(description="Calls")),
        [f"{CALLS}: has no title, or no description in whole sentences"],
    ),
    "panel without words": (
        _in(CALLS, lambda panel: panel["fieldConfig"]["defaults"].update(noValue=" ")),
        [f"{CALLS}: does not say in words (noValue) why it is empty"],
    ),
    "panel without a unit": (
        _in(CALLS, lambda panel: panel["fieldConfig"]["defaults"].pop("unit")),
        [f"{CALLS}: has no unit"],
    ),
    "unit that there is not": (
        _in(CALLS, lambda panel: panel["fieldConfig"]["defaults"].update(unit="calls")),
        [f"{CALLS}: its unit calls is none of those known here"],
    ),
    "unit for every column": (
        _in(STALEST, lambda panel: panel["fieldConfig"]["defaults"].update(unit="s")),
        [f"{STALEST}: has a unit for all columns, which makes dates of account ids"],
    ),
    "panel on a data source of its own": (
        _in(CALLS, lambda panel: panel.update(datasource={"type": "prometheus", "uid": "abc"})),
        [f"{CALLS}: does not ask ${{datasource}}"],
    ),
    "query on a data source of its own": (
        _in(CALLS, lambda panel: panel["targets"][0].update(datasource={"uid": "abc"})),
        [f"{CALLS}: query A: does not ask ${{datasource}}"],
    ),
    "panel without a query": (
        _in(CALLS, lambda panel: panel.update(targets=[])),
        [f"{CALLS}: has no query"],
    ),
    "query twice": (
        _in(VAULTS, lambda panel: panel["targets"][1].update(refId="A")),
        [f"{VAULTS}: query A: another is called so too"] * 2,
    ),
    "metric": (
        _query(AGE, "aws_backup_last_refresh_timestamp_seconds", "aws_backup_last_refresh"),
        [
            f"{AGE}: query A: no metric aws_backup_last_refresh",
            *(
                f"{AGE}: query A: no metric here has a label {name}"
                for name in ("aws_region", "collector", "target")
            ),
        ],
    ),
    "label": (
        _query(AGE, "by (collector)", "by (collectors)"),
        [f"{AGE}: query A: no metric here has a label collectors"],
    ),
    "state": (
        _query(RATIO, "PARTIAL", "PARTIALLY"),
        [f"{RATIO}: query A: state is never PARTIALLY"],
    ),
    "selector without the job": (
        _query(AGE, 'job=~"$job", ', ""),
        [
            f'{AGE}: query A: aws_backup_last_refresh_timestamp_seconds is not chosen by job=~"$job"',
        ],
    ),
    "selector without the account": (
        _query(VAULTS, 'aws_account_id=~"$account", ', ""),
        [f'{VAULTS}: query A: aws_backup_vault_recovery_points is not chosen by aws_account_id=~"$account"'],
    ),
    "selector with one job": (
        _query(AGE, 'job=~"$job"', 'job="$job"'),
        [f'{AGE}: query A: aws_backup_last_refresh_timestamp_seconds is not chosen by job=~"$job"'],
    ),
    "rate over another time": (
        _query(CALLS, "$__rate_interval", "5m"),
        [f"{CALLS}: query A: rate over 5m, not over $__rate_interval"],
    ),
    "counter as it is": (
        _query(
            CALLS,
            "rate(aws_backup_exporter_api_requests_total",
            "max_over_time(aws_backup_exporter_api_requests_total",
        ),
        [
            f"{CALLS}: query A: aws_backup_exporter_api_requests_total is a counter, "
            "and not inside rate or increase"
        ],
    ),
    "empty query": (
        _in(AGE, lambda panel: panel["targets"][0].update(expr=" ")),
        [f"{AGE}: query A: is empty"],
    ),
    "link to nowhere": (
        _override(STALEST, "Resource", "links", [{"url": "/d/aws-backup-jobs?x"}]),
        [f"{STALEST}: leads to aws-backup-jobs, which there is not"],
    ),
    "link with a variable that there is not": (
        _override(STALEST, "Resource", "links", [{"url": LINK + "&var-arn=x"}]),
        [f"{STALEST}: sets arn, which aws-backup-job does not have"],
    ),
    "link with a column that there is not": (
        _override(STALEST, "Resource", "links", [{"url": LINK + '&var-resource=${__data.fields["arn"]}'}]),
        [f"{STALEST}: leads on with the column arn, which there is not"],
    ),
    "link that forgets": (
        _override(STALEST, "Resource", "links", [{"url": LINK.replace("${__url_time_range}&", "")}]),
        [f"{STALEST}: its link to aws-backup-job does not keep time and variables"],
    ),
    "settings for a column that there is not": (
        _in(
            UNSUCCESSFUL, lambda panel: panel["fieldConfig"]["overrides"][1]["matcher"].update(options="Made")
        ),
        [f"{UNSUCCESSFUL}: has settings for the column Made, which there is not"],
    ),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mistake_is_found(name: str) -> None:
    """A dashboard with one mistake has that fault and no other."""
    change, expected = MUTATIONS[name]
    fields = copy.deepcopy(dict(DASHBOARDS["fleet"].fields))
    change(fields)

    assert faults(Dashboard(fields), known_metrics(), BY_UID) == expected

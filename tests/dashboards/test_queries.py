"""Every query on a real Prometheus that scraped the real exporter, in every situation."""

import re
from collections import Counter
from collections.abc import Iterator

import pytest

from exporter.simulator.company_resources import ACCOUNT
from tests.dashboards.model import Dashboard, Fields, Panel, Settings, Target, dashboards
from tests.dashboards.scene import (
    ACCOUNTS,
    DEMO,
    DISCOVERED,
    DOWN,
    EMPTY,
    FAILING,
    JOBS_ENDED,
    JOBS_RUNNING,
    MANY,
    OTHER_ACCOUNT,
    PAIR,
    SITUATIONS,
    Scene,
    Series,
)

DASHBOARDS = dashboards()
FLEET, JOB = DASHBOARDS["fleet"], DASHBOARDS["job"]
EACH = pytest.mark.parametrize("name", sorted(DASHBOARDS))
EVERYWHERE = pytest.mark.parametrize("situation", SITUATIONS)

QUIET = {
    "Accounts of the organization A": "the demo is one account, not an organization",
    "Collectors B": "every collector succeeds there",
    "Failed AWS API calls A": "AWS never refuses anything there",
    "Configured jobs unknown to AWS A": "the demo's configuration names no job",
    "Jobs with series B": "limits.max_jobs leaves room for every job",
}
"""The queries that have no result in the demo, and why that is right."""

LATE = {"Backups in progress F"}
"""Jobs of the demo end when they are expected to, so that they are late until the next scrape, if at all."""

OF_EXPORTERS = frozenset({"Exporters down", "Collectors failing", "Oldest data"})
"""Panels that speak of each exporter, not of AWS; with the row Exporter."""

LEGEND = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def answer(scene: Scene, target: Target, settings: Settings) -> list[Series]:
    """Evaluate a query as its panel does."""
    if target.is_instant:
        return scene.instant(target.expression, settings)
    return scene.range(target.expression, settings)


def name_of(panel: Panel, target: Target) -> str:
    """Name a query in a message."""
    return f"{panel.title} {target.ref}"


def chosen_jobs(scene: Scene, situation: str) -> list[str]:
    """Choose a job of every sort that the Job dashboard tells something of its own about: the least id."""
    sorts = (
        'aws_backup_job_child_jobs{job="$job"}',
        'aws_backup_job_info{job="$job", parent_job_id!=""}',
        'aws_backup_job_state{job="$job", state="RUNNING"}'
        ' and on (job_id) aws_backup_job_transferred_bytes{job="$job"}',
        'aws_backup_job_status_info{job="$job"}',
        'label_replace(aws_backup_copy_job_info{job="$job", created_by_backup_job_id!=""}'
        ' and on (job_id) aws_backup_copy_job_completed_timestamp_seconds{job="$job"}, "job_id",'
        ' "$1", "created_by_backup_job_id", "(.*)") and on (job_id) aws_backup_job_info{job="$job"}',
    )
    settings = Settings(job=situation)
    found = (scene.instant(f"group by (job_id) ({sort})", settings) for sort in sorts)
    return [min(series.labels["job_id"] for series in jobs) for jobs in found if jobs]


def all_settings(scene: Scene, dashboard: Dashboard, situation: str) -> list[Settings]:
    """Give what may be chosen in a situation, so that every panel has something to show."""
    if dashboard is not JOB:
        return [Settings(job=situation)]
    return [Settings(job=situation, job_id=job) for job in chosen_jobs(scene, situation) or ["none"]]


@EACH
@EVERYWHERE
def test_an_empty_panel_says_why(scene: Scene, name: str, situation: str) -> None:
    """Prometheus answers every query in every situation; a panel without a result has words for it."""
    dashboard = DASHBOARDS[name]
    for settings in all_settings(scene, dashboard, situation):
        for panel in dashboard.panels:
            found = [answer(scene, target, settings) for target in panel.targets]
            assert any(found) or panel.is_row or panel.defaults["noValue"].strip(), panel.title


@EACH
def test_every_query_finds_something(scene: Scene, name: str) -> None:
    """In the demo every query has a result, those that should have none left out."""
    dashboard = DASHBOARDS[name]
    chosen = all_settings(scene, dashboard, DEMO)
    names = {name_of(panel, target) for panel, target in dashboard.queries}
    empty = {
        name_of(panel, target)
        for panel, target in dashboard.queries
        if not any(answer(scene, target, settings) for settings in chosen)
    }

    assert empty - LATE == QUIET.keys() & names


@EACH
def test_a_second_exporter_changes_nothing(scene: Scene, name: str) -> None:
    """Two exporters on the same account show what one shows: no sum doubles, no row comes twice."""
    dashboard = DASHBOARDS[name]
    one, _ = scene.label_values("instance", "aws_backup_up{job=~'$job'}", Settings(job=PAIR))
    compared = 0
    for settings in all_settings(scene, dashboard, PAIR):
        alone = Settings(**vars(settings) | {"instance": re.escape(one).replace("\\", "\\\\")})
        for panel, target in _of_aws(dashboard):
            both, single = answer(scene, target, settings), answer(scene, target, alone)
            assert _last(both) == _last(single), name_of(panel, target)
            compared += bool(both)
    assert compared > 20


@EACH
def test_instances_that_are_discovered_change_nothing(scene: Scene, name: str) -> None:
    """One scrape for each target and Region shows what one scrape of everything shows."""
    dashboard = DASHBOARDS[name]
    for settings in all_settings(scene, dashboard, ACCOUNTS):
        one = Settings(**vars(settings) | {"account": ACCOUNT})
        apart = Settings(**vars(one) | {"job": DISCOVERED})
        for panel, target in _of_aws(dashboard):
            together, discovered = answer(scene, target, one), answer(scene, target, apart)
            assert _last(together) == _last(discovered), name_of(panel, target)


def _of_aws(dashboard: Dashboard) -> Iterator[tuple[Panel, Target]]:
    """Give the queries that speak of AWS, not of exporters."""
    [row] = [panel for panel in FLEET.panels if panel.title == "Exporter"]
    apart = OF_EXPORTERS | {panel["title"] for panel in row.fields["panels"]}
    return ((panel, target) for panel, target in dashboard.queries if panel.title not in apart)


def _last(answer: list[Series]) -> list[tuple[dict[str, str], float]]:
    """Give what an answer shows at its end, in an order that does not depend on chance."""
    found = [
        (
            {name: text for name, text in series.labels.items() if name not in ("job", "instance")},
            series.value,
        )
        for series in answer
    ]
    return sorted(found, key=lambda one: sorted(one[0].items()))


def test_accounts_add_up(scene: Scene) -> None:
    """What is counted of two accounts together is the sum of both, and either can be chosen alone."""
    each = (
        "Unsuccessful jobs",
        "In progress",
        "Partial or with issues",
        "Failed copies",
        "Failed restores",
    )
    for title in each:
        first, second, both = (
            _shown(scene, title, Settings(job=ACCOUNTS, account=account))
            for account in (ACCOUNT, OTHER_ACCOUNT, ".*")
        )
        assert 0 < first < both, title
        assert first + second == both, title


def test_tables_have_a_row_for_each(scene: Scene) -> None:
    """A table of two accounts has the rows of both."""
    for title in ("Unsuccessful jobs and why", "Resources, stalest first", "Backups in progress"):
        [target, *_] = FLEET.panel(title).targets
        rows = [
            {frozenset(series.labels.items()) for series in answer(scene, target, settings)}
            for settings in (
                Settings(job=ACCOUNTS, account=ACCOUNT),
                Settings(job=ACCOUNTS, account=OTHER_ACCOUNT),
                Settings(job=ACCOUNTS),
            )
        ]
        assert rows[0], title
        assert rows[1], title
        assert rows[0] | rows[1] == rows[2], title


def _shown(scene: Scene, title: str, settings: Settings, at: float | None = None) -> float:
    """Tell the one value of a panel of the fleet."""
    [target] = FLEET.panel(title).targets
    [series] = scene.instant(target.expression, settings, at)
    return series.value


def _text(scene: Scene, title: str, situation: str, at: float | None = None) -> str:
    """Tell what a panel of the fleet shows: a text where its value stands for one, else the number."""
    panel = FLEET.panel(title)
    [target] = panel.targets
    found = scene.instant(target.expression, Settings(job=situation), at)
    assert len(found) < 2, title
    if not found:
        return str(panel.defaults["noValue"])
    number = f"{found[0].value:g}"
    texts = {
        value: result["text"]
        for mapping in panel.defaults["mappings"]
        if mapping["type"] == "value"
        for value, result in mapping["options"].items()
    }
    return str(texts.get(number, number))


COUNTED = (
    "Overdue",
    "Never backed up",
    "Unsuccessful jobs",
    "Partial or with issues",
    "Failed copies",
    "Failed restores",
)


@pytest.mark.parametrize("title", COUNTED)
def test_a_count_tells_none_from_unknown(scene: Scene, title: str) -> None:
    """What is counted is none only while AWS and the exporter answer; else what is missing is told."""
    nothing = {
        "Overdue": "no resources",
        "Never backed up": "no schedule",
        "Failed copies": "no copies",
        "Failed restores": "no restores",
    }.get(title, "no jobs")
    well = nothing if title in ("Failed copies", "Failed restores") else "none"

    assert _text(scene, title, FAILING, scene.well) == well
    assert _text(scene, title, FAILING) == "unknown"
    assert _text(scene, title, EMPTY) == nothing
    assert _text(scene, title, DOWN, scene.well) == well
    assert _text(scene, title, DOWN) == "no exporter"


def test_the_demo_has_something_to_count(scene: Scene) -> None:
    """The demo shows a number for everything that is counted."""
    shown = {title: _text(scene, title, DEMO) for title in (*COUNTED, "In progress")}
    assert [title for title, text in shown.items() if not text.isdecimal()] == []


@pytest.mark.parametrize(
    ("title", "well", "failing", "down", "empty"),
    [
        ("Success ratio", "1", "unknown", "no exporter", "no job ended"),
        ("In progress", "none", "unknown", "no exporter", "none"),
        ("Exporters down", "none", "none", "all", "none"),
        ("Collectors failing", "none", "3", "no exporter", "none"),
    ],
)
def test_what_is_shown(scene: Scene, title: str, well: str, failing: str, down: str, empty: str) -> None:
    """A panel says what holds: all is well, AWS fails, the exporter is down, the account is empty."""
    assert _text(scene, title, FAILING, scene.well) == well
    assert _text(scene, title, FAILING) == failing
    assert _text(scene, title, DOWN) == down
    assert _text(scene, title, EMPTY) == empty


def test_some_exporters_down(scene: Scene) -> None:
    """Of several exporters of which one is down, one is told."""
    [target] = FLEET.panel("Exporters down").targets
    [series] = scene.instant(target.expression, Settings(job=f"({PAIR}|{DOWN})"))

    assert series.value == 1


def test_nothing_good_is_green_without_an_exporter() -> None:
    """Where a number is missing no colour says that all is well."""
    for dashboard in DASHBOARDS.values():
        for panel in dashboard.panels:
            if panel.type != "stat":
                continue
            [missing] = [one["options"] for one in panel.defaults["mappings"] if one["type"] == "special"]
            assert missing["match"] == "null+nan"
            assert missing["result"]["text"] == panel.defaults["noValue"], panel.title
            assert missing["result"]["color"] in ("orange", "red", "text"), panel.title


def test_two_thousand_jobs(scene: Scene) -> None:
    """Two thousand jobs are two thousand in the counts, and in the tables those that belong there."""
    settings = Settings(job=MANY)
    [by_state] = FLEET.panel("Jobs in the window by state").targets
    counts = {series.labels["state"]: series.value for series in scene.instant(by_state.expression, settings)}
    [unsuccessful] = FLEET.panel("Unsuccessful jobs and why").targets
    in_progress, *_ = FLEET.panel("Backups in progress").targets
    resources, *_ = FLEET.panel("Resources, stalest first").targets

    assert sum(counts.values()) == JOBS_ENDED + JOBS_RUNNING
    assert counts["RUNNING"] == _shown(scene, "In progress", settings) == JOBS_RUNNING
    assert counts["FAILED"] == _shown(scene, "Unsuccessful jobs", settings)
    assert len(answer(scene, unsuccessful, settings)) == counts["FAILED"]
    assert len(answer(scene, in_progress, settings)) == JOBS_RUNNING
    assert len(answer(scene, resources, settings)) == 500


@EACH
def test_columns_are_there(scene: Scene, name: str) -> None:
    """What a table orders, renames, hides and leads on with are labels and values that its queries give."""
    dashboard = DASHBOARDS[name]
    chosen = all_settings(scene, dashboard, DEMO)
    for panel in dashboard.panels:
        if columns := panel.columns():
            named = {*columns["indexByName"], *columns["renameByName"], *columns["excludeByName"]} - {"Time"}
            assert named <= _columns(scene, panel, chosen), panel.title


def _columns(scene: Scene, panel: Panel, chosen: list[Settings]) -> set[str]:
    if panel.title == "Configured jobs unknown to AWS":
        return {"job_id", "code", "target", "aws_region", "Value"}
    if panel.title == "Accounts of the organization":
        values = {f"Value #{target.ref}" for target in panel.targets}
        return values | {"aws_account_id", "account_name", "organizational_unit", "account_status"}
    found = {"Value"} if len(panel.targets) == 1 else {f"Value #{target.ref}" for target in panel.targets}
    for target in panel.targets:
        answers = (series for settings in chosen for series in answer(scene, target, settings))
        found |= {label for series in answers for label in series.labels}
    return found


@EACH
def test_rows_of_a_table_are_one_each(scene: Scene, name: str) -> None:
    """Queries that are merged to a table agree in the labels they share, so that no row comes twice."""
    dashboard = DASHBOARDS[name]
    for settings in all_settings(scene, dashboard, PAIR):
        for panel in dashboard.panels:
            answers = [answer(scene, target, settings) for target in panel.targets if panel.type == "table"]
            tables = [[series.labels for series in found] for found in answers if found]
            if len(tables) < 2:
                continue
            shared = set.intersection(*({*labels} for table in tables for labels in table))
            for table in tables:
                keys = Counter(tuple(labels[label] for label in sorted(shared)) for labels in table)
                assert keys.most_common(1)[0][1] == 1, panel.title


@EACH
def test_legends_name_labels_that_are_there(scene: Scene, name: str) -> None:
    """A legend speaks of labels that its series have."""
    dashboard = DASHBOARDS[name]
    for settings in all_settings(scene, dashboard, DEMO):
        for panel, target in dashboard.queries:
            for series in answer(scene, target, settings):
                missing = {*LEGEND.findall(target.legend)} - {*series.labels}
                # A number that stands for "nothing" has no name.
                assert not missing or not series.labels, name_of(panel, target)


def _values_of(scene: Scene, variable: Fields, settings: Settings) -> list[str]:
    """Tell what there is to choose from, as Grafana finds it."""
    query = variable["query"]["query"]
    if query.startswith("label_values("):
        selector, label = query.removeprefix("label_values(").removesuffix(")").rsplit(",", 1)
        return scene.label_values(label.strip(), selector, settings)
    found = scene.instant(query.removeprefix("query_result(").removesuffix(")"), settings)
    pattern = re.compile(variable["regex"].strip("/").replace("(?<", "(?P<"))
    texts = ("{" + ",".join(f'{k}="{v}"' for k, v in sorted(one.labels.items())) + "}" for one in found)
    values = (pattern.search(text) for text in texts)
    return [found["value"] if "value" in pattern.groupindex else found[1] for found in values if found]


@EACH
@EVERYWHERE
def test_variables_offer_what_there_is(scene: Scene, name: str, situation: str) -> None:
    """Each variable offers what there is to choose from, also when the exporter is down."""
    of_aws = {"account", "resource", "resource_arn", "job_id"}
    for variable in DASHBOARDS[name].variables:
        if variable["type"] == "query":
            values = _values_of(scene, variable, Settings(job=situation))
            assert bool(values) == (situation != EMPTY or variable["name"] not in of_aws), variable["name"]


def test_the_newest_job_comes_first(scene: Scene) -> None:
    """The Job dashboard offers the jobs of the chosen resource, the newest first."""
    *_, resource, job_id = JOB.variables
    arn = _values_of(scene, resource, Settings(job=PAIR))[0]
    chosen = Settings(job=PAIR, resource=re.escape(arn).replace("\\", "\\\\"))

    offered = _values_of(scene, job_id, chosen)

    created = {
        series.labels["job_id"]: series.value
        for series in scene.instant(
            "max by (job_id) (aws_backup_job_created_timestamp_seconds{job='$job'}"
            " and on (job_id) aws_backup_job_info{job='$job', resource_arn=~'$resource'})",
            chosen,
        )
    }
    assert offered == sorted(created, key=lambda one: -created[one])
    assert len(offered) == len({*offered}) > 1

"""The queries for missed backups in docs/metrics.md, on what the exporter published over ten weeks."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.docs.markdown import blocks, document
from tests.missed import cast
from tests.missed.cast import CAST, HEALTHY, UNHEARD, arn, backups_of, last_success_before, successes
from tests.missed.history import LONGEST_STEP, history
from tests.missed.past import ARN_LABEL, Found, Past, prometheus_of
from tests.missed.rules import BEGIN, DAY, END, HOUR, MINUTE
from tests.support.programs import require

EVERY = 10 * MINUTE  # of simulated time: how often a query is evaluated
LAST = END - EVERY
[OVERDUE, NEVER_SUCCEEDED] = blocks(
    document("docs/metrics.md").partition("\n## A resource\n")[2].partition("\n## ")[0], "promql"
)
LAST_SUCCESS = "aws_backup_resource_last_success_timestamp_seconds"
EXPECTED_INTERVAL = "aws_backup_resource_expected_interval_seconds"


@dataclass
class Scene:
    """A Prometheus that knows the ten weeks, and what it said already."""

    prometheus: Past
    _said: dict[str, list[Found]] = field(default_factory=dict)

    def all_of(self, query: str) -> list[Found]:
        """Evaluate a query over the ten weeks; once, however often it is asked for."""
        if query not in self._said:
            self._said[query] = self.prometheus.between(query, BEGIN, LAST, EVERY)
        return self._said[query]

    def times(self, query: str, resource: str) -> list[float]:
        """Tell when a query had a result for a resource."""
        found = (series for series in self.all_of(query) if series.labels[ARN_LABEL] == arn(resource))
        return sorted({time for series in found for time in series.times})

    def fires(self, query: str, resource: str, time: float) -> bool:
        """Tell whether a query has a result for a resource at one moment."""
        return arn(resource) in self.prometheus.at(query, time)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Ten weeks of backups, exported and brought into a Prometheus."""
    require("prometheus")
    require("promtool")
    directory = tmp_path_factory.mktemp("missed")
    openmetrics = directory / "history.txt"
    with openmetrics.open("wb") as file:
        file.writelines(history())
    # Prometheus lets a sample count for five minutes: there it would need a scrape in each of these. Here a
    # sample counts until the next scrape.
    with prometheus_of(openmetrics, directory, lookback=LONGEST_STEP) as prometheus:
        yield Scene(prometheus)


def every(start: float, end: float) -> list[float]:
    """Give the moments of evaluation after one moment and until another."""
    steps = range(int((LAST - BEGIN) // EVERY) + 1)
    return [moment for moment in (BEGIN + step * EVERY for step in steps) if start < moment <= end]


def test_refreshes_got_through(scene: Scene) -> None:
    """Nothing else went wrong: every refresh of both collectors got through to AWS, all the time."""
    up = scene.all_of("aws_backup_up == 1")

    assert [len(series.times) for series in up] == [len(every(BEGIN - 1, LAST))] * 2


@pytest.mark.parametrize("resource", HEALTHY)
def test_no_false_alarm(scene: Scene, resource: str) -> None:
    """A resource whose every backup succeeds is never overdue, weekends, month ends and clock changes too."""
    assert scene.times(OVERDUE, resource) == []


@pytest.mark.parametrize("resource", HEALTHY)
def test_no_false_alarm_about_the_first_backup(scene: Scene, resource: str) -> None:
    """A resource whose every backup succeeds lacks a success at most while its first backup runs."""
    first = min(backup.created for backup in backups_of(resource))
    seen = successes(resource)[0] + LONGEST_STEP

    assert [time for time in scene.times(NEVER_SUCCEEDED, resource) if not first <= time < seen] == []


@pytest.mark.parametrize("resource", [*HEALTHY, "stopped", "weekly-stopped", "hourly-stopped", "failing"])
def test_queries_see_the_resource(scene: Scene, resource: str) -> None:
    """Silence is an answer: from the first success to the end, both sides of the comparison match."""
    seen = every(successes(resource)[0] + LONGEST_STEP, LAST)

    assert set(seen) <= set(scene.times(f"{LAST_SUCCESS} and {EXPECTED_INTERVAL}", resource))


@pytest.mark.parametrize(
    ("resource", "stopped", "interval"),
    [
        ("stopped", cast.STOPPED_FROM, DAY),
        ("failing", cast.FAILED_FROM, DAY),
        ("weekly-stopped", cast.WEEKLY_STOPPED_FROM, 7 * DAY),
        ("hourly-stopped", cast.HOURLY_STOPPED_FROM, HOUR),
    ],
    ids=["stopped", "failing", "weekly-stopped", "hourly-stopped"],
)
def test_overdue_after_two_intervals(scene: Scene, resource: str, stopped: float, interval: float) -> None:
    """A resource is overdue from two intervals after its last success on, and not a second before."""
    overdue = last_success_before(resource, stopped) + 2 * interval

    assert not scene.fires(OVERDUE, resource, overdue)
    assert scene.fires(OVERDUE, resource, overdue + 1)
    assert scene.times(OVERDUE, resource)[0] == every(overdue, LAST)[0]


@pytest.mark.parametrize(
    ("resource", "interval"),
    [("failing", DAY), ("weekly-stopped", 7 * DAY)],
    ids=["failing", "weekly-stopped"],
)
def test_overdue_as_long_as_it_lasts(scene: Scene, resource: str, interval: float) -> None:
    """An overdue resource stays so without a gap, whether jobs fail afresh or there are none."""
    overdue = successes(resource)[-1] + 2 * interval

    assert scene.times(OVERDUE, resource) == every(overdue, LAST)


def test_attempts_were_fresh(scene: Scene) -> None:
    """The failing resource is overdue although it was attempted within every interval."""
    attempt = f"time() - aws_backup_resource_last_attempt_timestamp_seconds > 2 * {EXPECTED_INTERVAL}"

    assert scene.times(attempt, "failing") == []
    assert scene.times(OVERDUE, "failing") != []


def test_shortest_rule_tells_how_long_a_success_helps(scene: Scene) -> None:
    """When only the monthly rule goes on, its success helps for two hours, not for two months."""
    monthly = successes("hourly-stopped")[-1]

    assert monthly > cast.HOURLY_STOPPED_FROM + 2 * HOUR
    assert scene.times(OVERDUE, "hourly-stopped")[0] < monthly
    assert not scene.fires(OVERDUE, "hourly-stopped", monthly + 2 * HOUR)
    assert scene.fires(OVERDUE, "hourly-stopped", monthly + 2 * HOUR + 1)
    assert scene.times(OVERDUE, "hourly-stopped")[-1] == LAST


def test_success_ends_it(scene: Scene) -> None:
    """When backups succeed again, the resource is overdue until the next scrape and never after it."""
    overdue = last_success_before("stopped", cast.STOPPED_FROM) + 2 * DAY
    resumed = min(ended for ended in successes("stopped") if ended > cast.RESUMED_FROM)
    times = scene.times(OVERDUE, "stopped")

    assert times == every(overdue, times[-1])
    assert resumed - EVERY <= times[-1] < resumed + LONGEST_STEP


def test_unheard_of(scene: Scene) -> None:
    """A resource that the configuration expects and AWS never heard of lacks a success, all the time."""
    assert scene.times(NEVER_SUCCEEDED, UNHEARD) == every(BEGIN - 1, LAST)


def test_never_succeeded(scene: Scene) -> None:
    """A resource whose jobs all failed lacks a success from the first one on."""
    first = min(backup.created for backup in backups_of("never"))
    times = scene.times(NEVER_SUCCEEDED, "never")

    assert times == every(times[0] - 1, LAST)
    assert first <= times[0] <= first + LONGEST_STEP


def test_resources_without_success_are_not_overdue(scene: Scene) -> None:
    """What never succeeded is the second query's alone."""
    assert scene.times(OVERDUE, "never") == []
    assert scene.times(OVERDUE, UNHEARD) == []


def test_both_queries_name_these_resources_alone(scene: Scene) -> None:
    """At the end the queries have one result for each resource that needs help, and no other."""
    overdue = ("failing", "hourly-stopped", "weekly-stopped")

    assert scene.prometheus.at(OVERDUE, LAST) == [arn(resource) for resource in overdue]
    assert scene.prometheus.at(NEVER_SUCCEEDED, LAST) == [arn("never"), arn(UNHEARD)]


def test_results_carry_the_labels_of_the_resource(scene: Scene) -> None:
    """Who is called can tell from the result which resource it is about."""
    labels = {"aws_account_id", "aws_region", ARN_LABEL, "resource_name", "resource_type"}

    for series in scene.all_of(OVERDUE):
        assert series.labels.keys() == labels
        assert series.labels["resource_name"] in CAST


def test_renamed_resource_goes_on(scene: Scene) -> None:
    """A renamed resource has one series before and another after, with no time between them."""
    series = [found for found in scene.all_of(LAST_SUCCESS) if found.labels[ARN_LABEL] == arn("renamed")]
    [before, after] = sorted(series, key=lambda found: found.times)

    assert [found.labels["resource_name"] for found in (before, after)] == ["renamed", "new-name"]
    assert sorted({*before.times, *after.times}) == every(before.times[0] - 1, LAST)

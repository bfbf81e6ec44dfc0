"""All alerts over five weeks of virtual time: none without a cause, and each one in time.

The exporter runs in process and is restarted at random. Prometheus evaluates the rules on what it published.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from tests.missed.past import prometheus_of
from tests.month.account import BEGIN, HEALTHY_EVENTS, HEALTHY_RUNS
from tests.month.alerts import Firing, firings, metrics_of
from tests.month.history import OLD_BACKUPS, RESTARTS, SCRAPES, TIMES, Month
from tests.month.incidents import INCIDENTS, Expected
from tests.rules.checks import read
from tests.support.harness import Clock, Series, bench
from tests.support.programs import require
from tests.support.staged_account import DAY, MINUTE

STEP = 10 * MINUTE  # of virtual time, between two evaluations
RULES = [rule for rule in read() if rule.name != "AwsBackupDataStale"]
"""All but the one that asks for more scrapes than there are here."""

RULE_LAST_SUCCESS = "aws_backup_resource_rule_last_success_timestamp_seconds"
RULE_DUE = "aws_backup_resource_rule_due_timestamp_seconds"
EXPECTED = [expected for incident in INCIDENTS.values() for expected in incident.alerts]


@dataclass
class Scene:
    """The month, and the alerts that fired in it."""

    month: Month
    firings: list[Firing]

    def of(self, expected: Expected) -> list[Firing]:
        """Return the firings of an expected alert."""
        return [firing for firing in self.firings if matches(firing, expected)]


def matches(firing: Firing, expected: Expected) -> bool:
    """Whether an alert that fired is this one, whenever it fired."""
    return firing.alert == expected.alert and expected.labels.items() <= firing.labels.items()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The month with all incidents, and its alerts."""
    require("prometheus")
    require("promtool")
    directory = tmp_path_factory.mktemp("month")
    incidents = INCIDENTS.values()
    month = Month(
        [*HEALTHY_EVENTS, *(event for incident in incidents for event in incident.events)],
        [*HEALTHY_RUNS, *(runs for incident in incidents for runs in incident.runs)],
        metrics_of(RULES),
    )
    openmetrics = directory / "history.txt"
    with (
        openmetrics.open("wb") as file,
        bench(Clock(BEGIN)) as aws,
        pytest.MonkeyPatch.context() as environment,
    ):
        environment.setenv("AWS_ENDPOINT_URL", aws.server.endpoint_url)
        file.writelines(month.samples(aws))
    with prometheus_of(openmetrics, directory, lookback=SCRAPES) as past:
        begin, end = TIMES[0] + STEP / 2, TIMES[-1] + SCRAPES - STEP
        yield Scene(month, [*firings(past, RULES, scrapes=SCRAPES, begin=begin, end=end, step=STEP)])


def test_no_alert_without_a_cause(scene: Scene) -> None:
    """Nothing fires but the alerts of the incidents: not for rules that succeed, new plans, or restarts."""
    unexpected = [
        (firing.alert, firing.labels, str(datetime.fromtimestamp(firing.start, UTC)))
        for firing in scene.firings
        if not any(matches(firing, expected) for expected in EXPECTED)
    ]

    assert unexpected == []


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda it: f"{it.alert}-{len(it.labels)}")
def test_each_alert_fires_in_time_and_resolves(scene: Scene, expected: Expected) -> None:
    """An alert fires once: not before it should, and not much later; it ends soon after its cause."""
    found = scene.of(expected)

    assert len(found) == 1, found
    [firing] = found
    assert 0 <= firing.start - expected.start <= expected.late
    assert -STEP <= firing.end - expected.end <= expected.late


def test_a_restart_changes_no_facts(scene: Scene) -> None:
    """Each resource has the same facts before and after a restart, also those older than the look-back."""
    facts = scene.month.facts

    assert len(facts) == RESTARTS + 1
    assert all(before for before, _ in facts.values())
    assert [sorted(before ^ after) for before, after in facts.values()] == [[]] * len(facts)


@pytest.mark.parametrize(("rule_name", "days"), [("month-end", 29), ("quarterly", 80)])
def test_old_backups_are_known_after_a_restart(scene: Scene, rule_name: str, days: float) -> None:
    """A monthly backup 29 days old and a quarterly one 80 days old are known, with a look-back of a week."""
    _, after = scene.month.facts[OLD_BACKUPS]
    series = Series(b"\n".join((*after, b"")).decode())

    age = OLD_BACKUPS - series.value(RULE_LAST_SUCCESS, rule_name=rule_name)

    assert days <= age / DAY
    assert series.value(RULE_DUE, rule_name=rule_name) > OLD_BACKUPS

"""What the exporter times, held against prometheus-client's histograms."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.parser import text_string_to_metric_families

from exporter.exposition.self_metrics import REFRESH_SECONDS, REQUEST_SECONDS, Telemetry

BOUNDS = {
    REQUEST_SECONDS: (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
    REFRESH_SECONDS: (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
}
NAMES = {f"{family.name}_{ending}" for family in BOUNDS for ending in ("bucket", "count", "sum")}
SECONDS = st.one_of(st.sampled_from([0.0, *BOUNDS[REQUEST_SECONDS], 60.0]), st.floats(0, 100))
OPERATIONS = st.sampled_from(["ListBackupJobs", "DescribeBackupJob", 'odd"\\\n', ""])
Samples = list[tuple[str, dict[str, str], float]]


def timed_lines(telemetry: Telemetry) -> str:
    """Write what was timed."""
    return b"".join(lines for _, lines in telemetry.lines(NAMES)).decode()


def timed(telemetry: Telemetry) -> Samples:
    """Read back what was timed."""
    read = text_string_to_metric_families(timed_lines(telemetry))
    return [(sample.name, sample.labels, sample.value) for metric in read for sample in metric.samples]


@given(st.lists(st.tuples(OPERATIONS, SECONDS)), st.lists(SECONDS))
def test_it_is_what_prometheus_client_counts(calls: list[tuple[str, float]], refreshes: list[float]) -> None:
    """Whatever is timed, the series are those that prometheus-client's histograms have."""
    registry, telemetry = CollectorRegistry(), Telemetry()
    theirs = {
        family: Histogram(family.name, family.help, family.labels, buckets=bounds, registry=registry)
        for family, bounds in BOUNDS.items()
    }
    for operation, seconds in calls:
        theirs[REQUEST_SECONDS].labels(operation).observe(seconds)
        telemetry.observe_request(operation, seconds)
    for seconds in refreshes:
        theirs[REFRESH_SECONDS].observe(seconds)
        telemetry.observe_refresh(seconds)
    assert timed(telemetry) == [
        (sample.name, sample.labels, sample.value)
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name in NAMES
    ]


@pytest.mark.slow
def test_a_scrape_while_calls_end() -> None:
    """Calls that end in another thread while everything is written disturb nothing, and are all counted."""
    telemetry = Telemetry()
    with ThreadPoolExecutor(1) as thread:
        calls = [thread.submit(telemetry.observe_request, f"Call{number}", 0.5) for number in range(5000)]
        while not calls[-1].done():
            timed_lines(telemetry)
    for call in calls:
        call.result()
    assert timed_lines(telemetry).count(f"{REQUEST_SECONDS.name}_count{{") == 5000


@pytest.mark.parametrize("name", ["process_cpu_seconds_total", "python_info", "python_gc_collections_total"])
def test_the_process_is_told_under_its_usual_names(name: str) -> None:
    """What prometheus-client tells of the process is named as it names it, counters with their ending."""
    [(family, text)] = Telemetry().lines({name})
    assert family.name == name
    assert text.decode().startswith(name)

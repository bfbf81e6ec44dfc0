"""What is written is read back by prometheus-client, and equals what prometheus-client would write."""

import gzip
from collections.abc import Callable, Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.registry import Collector

from exporter.exposition.exposition import Exposition, Form
from exporter.exposition.job_metrics import job_group, running_group, tally_group
from exporter.exposition.metrics import families
from exporter.exposition.scope_metrics import exporter_group, items_group
from exporter.exposition.scope_series import ScopeSeries
from exporter.exposition.self_metrics import REFRESH_SECONDS, Telemetry
from exporter.model.job_kinds import BACKUP
from exporter.model.records import Health, Job, RunningJob
from tests.support.harness import Clock
from tests.support.makers import NOW, SCOPE, Written, item_counts, job, ledger, store, written

Parse = Callable[[str], Iterable[Metric]]
Samples = set[tuple[str, frozenset[tuple[str, str]], float]]
OPENMETRICS = Form(openmetrics=True)
EACH_FORMAT = pytest.mark.parametrize(
    ("form", "parse"), [(Form(), parse_text), (OPENMETRICS, parse_openmetrics)], ids=["text", "OpenMetrics"]
)
# Its OpenMetrics parser takes a carriage return and other odd line ends in a label for the end of the line.
TEXTS = st.text(
    st.one_of(st.sampled_from('"\\\n {}=,#'), st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]))
)
JOBS = st.lists(
    st.builds(
        job,
        st.one_of(st.sampled_from("abcde"), TEXTS.filter(bool)),
        st.sampled_from([*BACKUP.states, "NOVEL"]),
        created=st.floats(NOW - 3600, NOW),
        vault=TEXTS,
        message=TEXTS,
        category=st.sampled_from(["", "SUCCESS", "FAILED"]),
        resource_name=TEXTS,
        numbers=st.dictionaries(
            st.sampled_from([gauge.suffix for gauge in BACKUP.gauges]),
            st.one_of(st.integers(-(2**63), 2**63), st.floats(allow_nan=False, allow_infinity=False)),
        ),
        child_states=st.lists(
            st.tuples(TEXTS, st.integers(0, 9)), max_size=2, unique_by=lambda pair: pair[0]
        ),
    ),
    max_size=6,
    unique_by=lambda told: told.id,
)


def samples(metrics: Iterable[Metric]) -> Samples:
    """Take parsed metrics for a set of samples, none of which comes twice."""
    found = [
        (sample.name, frozenset(sample.labels.items()), float(sample.value))
        for metric in metrics
        for sample in metric.samples
    ]
    assert len({(name, labels) for name, labels, _ in found}) == len(found)
    return set(found)


def running_jobs(jobs: Iterable[Job]) -> dict[str, RunningJob]:
    """Give what is published of those that run, by id."""
    made = store()
    for told in jobs:
        made.update(told, NOW, described=True)
    return {job_id: running for job_id, running in made.drain().running.items() if running}


def put_in(made: Written, jobs: Iterable[Job]) -> Samples:
    """Give the samples that are to be published, straight from the records."""
    with made.ledger.open(BACKUP) as of:
        tallies = of.tallies(made.clock())
    running = running_jobs(jobs)
    groups = [
        *(job_group(BACKUP, told, made.ledger) for told in jobs),
        *(running_group(BACKUP, job_id, told, made.ledger) for job_id, told in running.items()),
        *(tally_group(BACKUP, tally, made.ledger) for tally in tallies),
        exporter_group(made.ledger),
        items_group(item_counts(made.ledger), made.ledger),
    ]
    return {
        (name, frozenset((*group.labels, *labels)), float(value))
        for group in groups
        for name, labels, value in group.samples
    }


class Collected(Collector):
    """The same samples, for prometheus-client to render."""

    def __init__(self, found: Samples) -> None:
        """Take the samples to be rendered."""
        self._found = found

    def collect(self) -> Iterator[Metric]:
        """Make a metric of each family."""
        for family in families():
            of_family = [(labels, value) for name, labels, value in self._found if name == family.name]
            kind = CounterMetricFamily if family.type == "counter" else GaugeMetricFamily
            metric = kind(family.name.removesuffix("_total"), family.help)
            for labels, value in of_family:
                metric.add_sample(family.name, dict(labels), value)
            if of_family:
                yield metric


@EACH_FORMAT
@given(jobs=JOBS)
def test_what_is_put_in_comes_out(form: Form, parse: Parse, jobs: list[Job]) -> None:
    """Every sample of every job is parsed back with its labels and its value, and no other is."""
    made = written(ledger(collectors=["backup_jobs"], labels={"team": 'a"b'}))
    made.ledger.set_health("backup_jobs", Health(up=True, last_success=NOW))
    made.ledger.count_call("ListBackupJobs", "ok")
    made.enter(*jobs)
    assert samples(parse(made.text(form).decode())) == put_in(made, jobs)


@EACH_FORMAT
@given(jobs=JOBS)
def test_prometheus_client_writes_the_same(form: Form, parse: Parse, jobs: list[Job]) -> None:
    """prometheus-client renders the same samples to metrics of the same names, types, HELP and values."""
    made = written(ledger(collectors=["backup_jobs"]))
    made.enter(*jobs)
    registry = CollectorRegistry()
    registry.register(Collected(put_in(made, jobs)))
    generate = generate_openmetrics if form.openmetrics else generate_latest
    ours = list(parse(made.text(form).decode()))
    theirs = list(parse(generate(registry).decode()))
    assert samples(ours) == samples(theirs)
    assert [(metric.name, metric.type, metric.documentation) for metric in ours] == [
        (metric.name, metric.type, metric.documentation) for metric in theirs
    ]


@EACH_FORMAT
def test_the_whole_is_valid(form: Form, parse: Parse) -> None:
    """What the process tells of itself stands behind the series of all scopes, in both formats."""
    made = ledger(collectors=["backup_jobs"])
    telemetry = Telemetry()
    telemetry.observe_request("ListBackupJobs", 0.3)
    telemetry.observe_refresh(7)
    telemetry.configuration_read(NOW)
    series = [ScopeSeries(made, Clock(NOW))]
    exposition = Exposition(lambda: series, telemetry)
    metrics = list(parse(exposition.write(form).decode()))
    names = [metric.name for metric in metrics]
    assert len(names) == len(set(names))
    assert {"aws_backup_up", "aws_backup_exporter_build_info", "process_cpu_seconds"} <= set(names)
    [took] = [metric for metric in metrics if metric.name == REFRESH_SECONDS.name]
    by_bucket = {sample.labels.get("le", sample.name): sample.value for sample in took.samples}
    assert (by_bucket["5.0"], by_bucket["10.0"], by_bucket["+Inf"]) == (0, 1, 1)
    assert by_bucket[f"{REFRESH_SECONDS.name}_sum"] == 7
    assert not [sample for metric in metrics for sample in metric.samples if sample.name[-8:] == "_created"]


@EACH_FORMAT
def test_names_choose_samples(form: Form, parse: Parse) -> None:
    """With names, samples of these names are written and no others, those of histograms included."""
    telemetry = Telemetry()
    telemetry.observe_refresh(7)
    series = [ScopeSeries(ledger(collectors=["backup_jobs"]), Clock(NOW))]
    exposition = Exposition(lambda: series, telemetry)
    of_histogram = {f"{REFRESH_SECONDS.name}_{ending}" for ending in ("bucket", "count", "sum")}
    names = {"aws_backup_up", "process_cpu_seconds_total", "unknown", *of_histogram}
    found = samples(parse(exposition.write(form, names=names).decode()))
    assert {name for name, _, _ in found} == names - {"unknown"}


def test_names_choose_within_a_histogram() -> None:
    """A name of one of a histogram's series leaves the others out, as prometheus-client does."""
    telemetry = Telemetry()
    telemetry.observe_refresh(7)
    name = f"{REFRESH_SECONDS.name}_count"
    text = Exposition(list, telemetry).write(Form(), names={name}).decode()
    assert [line for line in text.splitlines() if not line.startswith("#")] == [f"{name} 1.0"]


@pytest.mark.parametrize("form", [Form(), Form(gzip=True), Form(openmetrics=True)], ids=str)
def test_names_that_nobody_has_leave_nothing(form: Form) -> None:
    """With unknown names alone the answer is empty, but for OpenMetrics' end mark."""
    made = written()
    empty = b"# EOF\n" if form.openmetrics else b""
    text = made.text(form, names=["unknown"])
    assert (gzip.decompress(text) if form.gzip else text) == empty


def test_one_scope_leaves_the_process_out() -> None:
    """The answer for one scope tells nothing of the process, nor of other scopes."""
    made = written(ledger(collectors=["backup_jobs"]))
    text = made.text().decode()
    assert f'target="{SCOPE.target}"' in text
    assert "process" not in text


def test_a_bad_configuration_is_told() -> None:
    """A refused configuration is told as a failed reload, and the time of the last good one stays."""
    telemetry = Telemetry()
    telemetry.configuration_read(NOW)
    telemetry.configuration_refused()
    lines = b"".join(of_family for _, of_family in telemetry.lines()).decode().splitlines()
    assert "aws_backup_exporter_config_last_reload_successful 0" in lines
    assert f"aws_backup_exporter_config_last_reload_success_timestamp_seconds {NOW!r}" in lines
    telemetry.configuration_read(NOW + 1)
    lines = b"".join(of_family for _, of_family in telemetry.lines()).decode().splitlines()
    assert "aws_backup_exporter_config_last_reload_successful 1" in lines

"""The reader of PromQL that the checks of rules and dashboards stand on."""

import pytest

from exporter.exposition.scope_metrics import API_REQUESTS, UP
from exporter.exposition.self_metrics import REQUEST_SECONDS
from tests.support.promql import (
    Matcher,
    Selector,
    known_metrics,
    label_names,
    made_labels,
    mistakes,
    selectors,
)

METRICS = {
    "last_over_time(aws_backup_up[10m] offset 1h)": ["aws_backup_up"],
    "sum(a) by (job_id) / avg without (x) (b{state='or (c)'})": ["a", "b"],
    "a and on (job_id) group_left (name) b or c unless ignoring (x) d": ["a", "b", "c", "d"],
    "quantile_over_time(0.5, (max by (x) (rate(a[5m])))[14d:6h])": ["a"],
    "a > BOOL 5 OR b == Inf  # and c": ["a", "b"],
    "rate(a{job=~`$job`}[$__rate_interval]) * ${factor} + 1e3 - 0x1F - .5": ["a"],
    "a:b:c @ end() - time()": ["a:b:c"],
    'topk(5, {__name__="a"})': [""],
}
LABELS = {
    "sum by (x, y) (a{z='1'})": {"x", "y"},
    "a * ON (x) group_left(y,) b": {"x", "y"},
    "count without () (a)": set(),
    "by_name (a)": set(),
}


@pytest.mark.parametrize("expression", METRICS)
def test_metrics_are_found(expression: str) -> None:
    """Metrics are told from functions, keywords, labels, texts, comments and Grafana's variables."""
    assert [selector.metric for selector in selectors(expression)] == METRICS[expression]


def test_conditions_are_found() -> None:
    """A selector has the conditions that stand in its braces, whatever their texts hold."""
    [found] = selectors('a{state=~"FAILED|}",job!="x\\"y", instance!~`z`,}[5m]')
    assert found == Selector(
        "a",
        (Matcher("state", "=~", "FAILED|}"), Matcher("job", "!=", 'x\\"y'), Matcher("instance", "!~", "z")),
    )


@pytest.mark.parametrize("expression", LABELS)
def test_labels_are_found(expression: str) -> None:
    """The labels of by, without, on, ignoring and group_left are found."""
    assert label_names(expression) == LABELS[expression]


def test_made_labels_are_found() -> None:
    """A label that a function makes is one of the expression's."""
    made = 'count_values("v", label_join(label_replace(a{x="y"}, "r", "$1", "s", "(.*)"), "j", ",", "k"))'
    assert made_labels(made) == {"r", "j", "v"}


def test_known_metrics_are_those_of_a_query() -> None:
    """A histogram is known by its four names, a counter by its own, the process's metrics by theirs."""
    known = known_metrics()
    assert known[REQUEST_SECONDS.name] == {"operation"}
    assert known[f"{REQUEST_SECONDS.name}_bucket"] == {"operation", "le"}
    assert known[f"{REQUEST_SECONDS.name}_count"] == {"operation"}
    assert known[API_REQUESTS.name] == set(API_REQUESTS.labels)
    assert "process_resident_memory_bytes" in known


MISTAKES = {
    'max by (target, job) (aws_backup_up{collector="plans"}) == 0': [],
    'label_replace(up, "made", "$1", "instance", "(.*)") * on (made) up': [],
    'aws_backup_jobs{state=~"FAILED|EXPIRED|.+"} and aws_backup_jobs{state!="$state"}': [],
    "aws_backup_upp": ["no metric aws_backup_upp"],
    '{__name__=~".+"}': ["no metric without a name"],
    'aws_backup_up{vault_name="x"}': ["aws_backup_up has no label vault_name"],
    "sum by (vault) (aws_backup_jobs)": ["no metric here has a label vault"],
    'aws_backup_jobs{state="FAILD"}': ["state is never FAILD"],
    'aws_backup_up{collector!~"plans|vault"}': ["collector is never vault"],
}


@pytest.mark.parametrize("expression", MISTAKES)
def test_mistakes_are_told(expression: str) -> None:
    """What the exporter does not have is told by name; what it has is not."""
    assert mistakes(expression, known_metrics()) == MISTAKES[expression]


def test_a_renamed_metric_is_a_mistake() -> None:
    """An expression with the name that a metric had before is told."""
    renamed = {name: labels for name, labels in known_metrics().items() if name != UP.name}
    assert mistakes(f"{UP.name} == 0", renamed) == [f"no metric {UP.name}"]

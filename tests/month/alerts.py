"""Evaluates the alert rules over a period of virtual time."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from exporter.config.duration import parse
from tests.missed.past import Past
from tests.rules.checks import Rule
from tests.support.promql import selectors

_RECORD = re.compile(r"\b(aws_backup:[\w:]+)(\{[^}]*\})?(\[\w+\])?")
_BRIDGE = re.compile(r"\[(?:10m|1h)\]")


@dataclass(frozen=True)
class Firing:
    """An alert that fired for some labels: when it started, in seconds since 1970, and when it ended."""

    alert: str
    labels: Mapping[str, str]
    start: float
    end: float


def metrics_of(rules: Sequence[Rule]) -> frozenset[str]:
    """Return the metrics that rules read."""
    return frozenset(
        selector.metric
        for rule in rules
        for selector in selectors(rule.expression)
        if selector.metric.startswith("aws_backup_")
    )


class Queries:
    """The queries of rules, for scrapes that are further apart.

    Rules bridge ten minutes or an hour with `last_over_time`; here they bridge the time between two scrapes.
    Recording rules are inlined.

    Args:
        rules: in the order of the file.
        scrapes: seconds between two scrapes.
        step: seconds between two evaluations.
    """

    def __init__(self, rules: Sequence[Rule], *, scrapes: float, step: float) -> None:
        self._rules = rules
        self._window = f"{scrapes:.0f}s"
        self._step = f"{step:.0f}s"
        self._records = {rule.name: rule.expression for rule in rules if not rule.is_alert}

    def of(self, rule: Rule) -> str:
        """Return the query of an alert."""
        return self._inlined(rule.expression)

    def _inlined(self, expression: str) -> str:
        bridged = _BRIDGE.sub(lambda _: f"[{self._window}]", expression)
        return _RECORD.sub(self._record, bridged)

    def _record(self, match: re.Match[str]) -> str:
        name, matchers, window = match.groups()
        inner = self._inlined(self._records[name])
        if matchers:
            state = re.fullmatch(r'\{state="(\w+)"\}', matchers)
            assert state, matchers
            inner = re.sub(r'state=~"[^"]*"', f'state="{state[1]}"', inner)
        return f"({inner})" + (f"{window[:-1]}:{self._step}]" if window else "")


def firings(
    past: Past, rules: Sequence[Rule], *, scrapes: float, begin: float, end: float, step: float
) -> Iterator[Firing]:
    """Give every alert that fires in a period, with the delay that its `for` asks for."""
    queries = Queries(rules, scrapes=scrapes, step=step)
    for rule in rules:
        if rule.is_alert:
            for series in past.between(queries.of(rule), begin, end, step):
                labels = {name: value for name, value in series.labels.items() if name != "__name__"}
                for first, last in _unbroken(series.times, step):
                    if (start := first + parse(rule.fields["for"])) <= last:
                        yield Firing(rule.name, labels, start, last)


def _unbroken(times: Sequence[float], step: float) -> Iterator[tuple[float, float]]:
    """Give the periods without a gap: the first and the last time of each."""
    start = before = None
    for time in times:
        if before is None or time - before > 1.5 * step:
            if start is not None and before is not None:
                yield start, before
            start = time
        before = time
    if start is not None and before is not None:
        yield start, before

"""Metrics about the exporter itself: durations, versions, reloads, and those of the process.

The metrics `process_*` and `python_*` come from prometheus-client.
"""

import platform
import threading
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from itertools import accumulate, chain

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from exporter import __version__
from exporter.exposition.metric_types import Family
from exporter.exposition.text_format import label_text, line

REQUEST_SECONDS = Family(
    "aws_backup_exporter_api_request_duration_seconds",
    "histogram",
    "Duration of requests to AWS, in seconds, including failed ones.",
    ("operation",),
)
REFRESH_SECONDS = Family(
    "aws_backup_exporter_refresh_duration_seconds",
    "histogram",
    "Duration of one refresh of all targets for a scrape, in seconds.",
    (),
)
BUILD_INFO = Family(
    "aws_backup_exporter_build_info",
    "gauge",
    "Versions of the exporter, Python and boto3, always 1.",
    ("version", "python_version", "boto3_version"),
)
RELOAD_SUCCESSFUL = Family(
    "aws_backup_exporter_config_last_reload_successful",
    "gauge",
    "Whether the last reload of the configuration succeeded (1 yes, 0 no).",
    (),
)
RELOAD_TIME = Family(
    "aws_backup_exporter_config_last_reload_success_timestamp_seconds",
    "gauge",
    "Unix timestamp of the last successful reload of the configuration.",
    (),
)
_REQUEST_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_REFRESH_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


def families() -> tuple[Family, ...]:
    """Return all metrics about the exporter, except those of prometheus-client."""
    return (REQUEST_SECONDS, REFRESH_SECONDS, BUILD_INFO, RELOAD_SUCCESSFUL, RELOAD_TIME)


class Telemetry:
    """The metrics about the exporter itself. Thread-safe."""

    def __init__(self) -> None:
        self._request_seconds = _Histogram(REQUEST_SECONDS, _REQUEST_BUCKETS)
        self._refresh_seconds = _Histogram(REFRESH_SECONDS, _REFRESH_BUCKETS)
        self._registry = CollectorRegistry()
        self._registry.register(_Build())
        self._reload = _Reload()
        self._registry.register(self._reload)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def observe_request(self, operation: str, seconds: float) -> None:
        """Record the duration of one request to AWS."""
        self._request_seconds.observe(seconds, operation)

    def observe_refresh(self, seconds: float) -> None:
        """Record the duration of one refresh."""
        self._refresh_seconds.observe(seconds)

    def configuration_read(self, now: float) -> None:
        """Record that a configuration was loaded."""
        self._reload.successful = True
        self._reload.at = now

    def configuration_refused(self) -> None:
        """Record that a new configuration was invalid; the old one stays in force."""
        self._reload.successful = False

    def lines(self, names: Collection[str] = ()) -> Iterator[tuple[Family, bytes]]:
        """Render each metric's samples; if names are given, only samples with these names."""
        for histogram in (self._request_seconds, self._refresh_seconds):
            if lines := histogram.lines(names):
                yield histogram.family, lines
        for metric in self._registry.collect():
            lines = b"".join(
                line(sample.name, _label_text(tuple(sample.labels.items())), sample.value)
                for sample in metric.samples
                if not names or sample.name in names
            )
            if lines:
                yield _family(metric.name, metric.type, metric.documentation), lines


_label_text = cache(label_text)


@cache
def _family(name: str, type_: str, help_: str) -> Family:
    return Family(f"{name}_total" if type_ == "counter" else name, type_, help_, ())


class _Histogram:
    """A histogram of durations. It changes with each scrape, so its labels are rendered in advance.

    Args:
        family: the metric; its labels do not include `le`.
        bounds: the upper bounds of the buckets in seconds, ascending, without +Inf.
    """

    def __init__(self, family: Family, bounds: Sequence[float]) -> None:
        self.family = family
        self._bounds = bounds
        self._observed: dict[tuple[str, ...], _Observed] = {}
        if not family.labels:
            self._observed[()] = self._new_observed()
        self._lock = threading.Lock()

    def observe(self, seconds: float, *labels: str) -> None:
        """Record one duration."""
        with self._lock:
            if labels not in self._observed:
                self._observed[labels] = self._new_observed(*labels)
            observed = self._observed[labels]
            observed.counts[bisect_left(self._bounds, seconds)] += 1
            observed.seconds += seconds

    def lines(self, names: Collection[str]) -> bytes:
        """Render the samples; if names are given, only samples with these names."""
        with self._lock:
            return b"".join(
                line(name, labels, number)
                for observed in self._observed.values()
                for (name, labels), number in zip(observed.series, observed.numbers(), strict=True)
                if not names or name in names
            )

    def _new_observed(self, *labels: str) -> "_Observed":
        name, own = self.family.name, tuple(zip(self.family.labels, labels, strict=True))
        bounds = [*map(repr, self._bounds), "+Inf"]
        series = [(f"{name}_bucket", label_text((*own, ("le", bound)))) for bound in bounds]
        series += [(f"{name}_count", label_text(own)), (f"{name}_sum", label_text(own))]
        return _Observed(series, [0] * len(bounds))


@dataclass(slots=True)
class _Observed:
    """The durations with the same labels: the names and labels of their series, and the count per bucket."""

    series: Sequence[tuple[str, str]]
    counts: list[int]
    seconds: float = 0.0

    def numbers(self) -> Iterator[float]:
        """Return the values of the series."""
        up_to = list(accumulate(self.counts, initial=0.0))
        return chain(up_to[1:], up_to[-1:], (self.seconds,))


class _Build(Collector):
    def __init__(self) -> None:
        self._info = GaugeMetricFamily(BUILD_INFO.name, BUILD_INFO.help, labels=BUILD_INFO.labels)
        self._info.add_metric([__version__, platform.python_version(), version("boto3")], 1)

    def collect(self) -> Iterable[Metric]:
        yield self._info


class _Reload(Collector):
    successful = False
    at: float | None = None

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily(RELOAD_SUCCESSFUL.name, RELOAD_SUCCESSFUL.help, value=int(self.successful))
        if self.at is not None:
            yield GaugeMetricFamily(RELOAD_TIME.name, RELOAD_TIME.help, value=self.at)

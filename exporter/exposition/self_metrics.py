"""What the exporter tells of itself beside its scopes: how long things took, its build, the process.

What the process and Python tell is prometheus-client's.
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
from exporter.exposition.families import Family
from exporter.exposition.text_format import label_text, line

REQUEST_SECONDS = Family(
    "aws_backup_exporter_api_request_duration_seconds",
    "histogram",
    "How long calls to AWS took, in seconds, failed ones included.",
    ("operation",),
)
REFRESH_SECONDS = Family(
    "aws_backup_exporter_refresh_duration_seconds",
    "histogram",
    "How long it took to refresh everything that a scrape asks for, in seconds.",
    (),
)
BUILD_INFO = Family(
    "aws_backup_exporter_build_info",
    "gauge",
    "The versions that are running, always 1.",
    ("version", "python_version", "boto3_version"),
)
RELOAD_SUCCESSFUL = Family(
    "aws_backup_exporter_config_last_reload_successful",
    "gauge",
    "1 when the configuration was last read without an error, 0 when not and the one before is in force.",
    (),
)
RELOAD_TIME = Family(
    "aws_backup_exporter_config_last_reload_success_timestamp_seconds",
    "gauge",
    "When the configuration was last read without an error, in seconds since 1970.",
    (),
)
_REQUEST_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_REFRESH_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


def families() -> tuple[Family, ...]:
    """Every metric that is made here, the process's own not counted."""
    return (REQUEST_SECONDS, REFRESH_SECONDS, BUILD_INFO, RELOAD_SUCCESSFUL, RELOAD_TIME)


class Telemetry:
    """What the exporter tells of itself. May be used from several threads."""

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
        """Take note of one call to AWS."""
        self._request_seconds.observe(seconds, operation)

    def observe_refresh(self, seconds: float) -> None:
        """Take note of one refresh."""
        self._refresh_seconds.observe(seconds)

    def configuration_read(self, now: float) -> None:
        """Take note that a configuration came into force."""
        self._reload.successful = True
        self._reload.at = now

    def configuration_refused(self) -> None:
        """Take note that a new configuration was bad and the old one stays."""
        self._reload.successful = False

    def lines(self, names: Collection[str] = ()) -> Iterator[tuple[Family, bytes]]:
        """Render each metric's samples; with names, only those of these names."""
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
    """Counts durations. All of it changes with each scrape, so it is made to be written fast.

    Args:
        family: the metric; its labels are those beside `le`.
        bounds: the upper bound of each bucket but the last, in seconds, ascending.
    """

    def __init__(self, family: Family, bounds: Sequence[float]) -> None:
        self.family = family
        self._bounds = bounds
        self._observed: dict[tuple[str, ...], _Observed] = {}
        if not family.labels:
            self._observed[()] = self._nothing_observed()
        self._lock = threading.Lock()

    def observe(self, seconds: float, *labels: str) -> None:
        """Take note of one duration."""
        with self._lock:
            if labels not in self._observed:
                self._observed[labels] = self._nothing_observed(*labels)
            observed = self._observed[labels]
            observed.counts[bisect_left(self._bounds, seconds)] += 1
            observed.seconds += seconds

    def lines(self, names: Collection[str]) -> bytes:
        """Render the samples; with names, only those of these names."""
        with self._lock:
            return b"".join(
                line(name, labels, number)
                for observed in self._observed.values()
                for (name, labels), number in zip(observed.series, observed.numbers(), strict=True)
                if not names or name in names
            )

    def _nothing_observed(self, *labels: str) -> "_Observed":
        name, own = self.family.name, tuple(zip(self.family.labels, labels, strict=True))
        bounds = [*map(repr, self._bounds), "+Inf"]
        series = [(f"{name}_bucket", label_text((*own, ("le", bound)))) for bound in bounds]
        series += [(f"{name}_count", label_text(own)), (f"{name}_sum", label_text(own))]
        return _Observed(series, [0] * len(bounds))


@dataclass(slots=True)
class _Observed:
    """Durations under the same labels: the names and labels of their series, how many fell in each bucket."""

    series: Sequence[tuple[str, str]]
    counts: list[int]
    seconds: float = 0.0

    def numbers(self) -> Iterator[float]:
        """Give the values of the series."""
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

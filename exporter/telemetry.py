"""The exporter's own metrics that prometheus-client keeps: histograms, build information, the process."""

import platform
from collections.abc import Collection, Iterable, Iterator
from importlib.metadata import version

from prometheus_client import CollectorRegistry, GCCollector, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from exporter import __version__
from exporter.lines import label_text, line
from exporter.metrics import Family

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
        self._registry = CollectorRegistry()
        self._request_seconds = Histogram(
            REQUEST_SECONDS.name,
            REQUEST_SECONDS.help,
            REQUEST_SECONDS.labels,
            buckets=_REQUEST_BUCKETS,
            registry=self._registry,
        )
        self._refresh_seconds = Histogram(
            REFRESH_SECONDS.name, REFRESH_SECONDS.help, buckets=_REFRESH_BUCKETS, registry=self._registry
        )
        self._registry.register(_Build())
        self._reload = _Reload()
        self._registry.register(self._reload)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def observe_request(self, operation: str, seconds: float) -> None:
        """Take note of one call to AWS."""
        self._request_seconds.labels(operation).observe(seconds)

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
        for metric in self._registry.collect():
            suffix = "_total" if metric.type == "counter" else ""
            lines = [
                line(sample.name, label_text(tuple(sample.labels.items())), sample.value)
                for sample in metric.samples
                # prometheus-client adds when each counter was made: nobody asks for that.
                if (not names or sample.name in names) and not sample.name.endswith("_created")
            ]
            if lines:
                family = Family(f"{metric.name}{suffix}", metric.type, metric.documentation, ())
                yield family, b"".join(lines)


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

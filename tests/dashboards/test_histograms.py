"""Histograms as Prometheus 3 may keep them: classic, converted to native ones, or both."""

import time
from collections.abc import Iterator

import pytest

from tests.dashboards.model import Panel, Settings, Target, dashboards
from tests.dashboards.scene import Scene
from tests.e2e.process import Process, environment, exporter_command, until
from tests.e2e.prometheus import serving
from tests.support.programs import require_prometheus

CONVERTED = {"convert_classic_histograms_to_nhcb": True}
KEPT: dict[str, dict[str, bool]] = {
    "classic": {},
    "native": CONVERTED,
    "both": CONVERTED | {"always_scrape_classic_histograms": True},
}
QUERIES = [
    (panel, target)
    for dashboard in dashboards().values()
    for panel, target in dashboard.queries
    if "histogram_quantile" in target.expression
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus that scrapes the demo three times, and keeps its histograms in each way."""
    program = require_prometheus("prometheus", "3")
    directory = tmp_path_factory.mktemp("histograms")
    command = exporter_command("--web.listen-address", "127.0.0.1:0", "--demo")
    demo = Process(command, environment(directory), directory / "demo")
    try:
        static = [{"targets": [demo.address()]}]
        jobs = [{"job_name": name, "static_configs": static, **kept} for name, kept in KEPT.items()]
        config = {"global": {"scrape_interval": "1s"}, "scrape_configs": jobs}
        with serving(program, directory / "prometheus", config) as served:
            yield served
    finally:
        demo.kill()


def names(queries: list[tuple[Panel, Target]]) -> list[str]:
    """Name the queries."""
    return [f"{panel.title} {target.ref}" for panel, target in queries]


def test_there_are_such_queries() -> None:
    """Quantiles are read of calls and of refreshes."""
    assert len({panel.title for panel, _ in QUERIES}) == 2


@pytest.mark.parametrize(("panel", "target"), QUERIES, ids=names(QUERIES))
@pytest.mark.parametrize("job", KEPT)
def test_quantiles_are_found(address: str, job: str, panel: Panel, target: Target) -> None:
    """A panel of quantiles has a result, however Prometheus keeps the histogram."""

    def answered() -> bool:
        now = time.time()
        return bool(Scene(address, now, now).instant(target.expression, Settings(job=job)))

    until(answered, 60, every=0.5, or_say=lambda: panel.title)


@pytest.mark.parametrize(
    ("job", "classic", "native"), [("classic", True, False), ("native", False, True), ("both", True, True)]
)
def test_histograms_are_kept_so(address: str, job: str, classic: bool, native: bool) -> None:
    """The Prometheus of these tests keeps the histograms in the ways that they are about."""
    name = "aws_backup_exporter_refresh_duration_seconds"

    def kept() -> tuple[bool, bool]:
        now = time.time()
        scene = Scene(address, now, now)
        buckets, whole = (
            scene.instant(f'count({each}{{job="{job}"}})', Settings()) for each in (f"{name}_bucket", name)
        )
        return bool(buckets), bool(whole)

    until(lambda: kept() == (classic, native), 60, every=0.5)

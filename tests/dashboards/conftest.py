from collections.abc import Iterator, Mapping

import pytest

from tests.dashboards.scene import Scene, staged
from tests.e2e.fork_server import ForkServer
from tests.support.programs import PROMETHEUS_VERSIONS, find_prometheus, require_prometheus


@pytest.fixture(scope="package")
def scenes(tmp_path_factory: pytest.TempPathFactory, forks: ForkServer) -> Iterator[Mapping[str, Scene]]:
    """Every situation, scraped by each version of Prometheus that is there."""
    found = {version: find_prometheus("prometheus", version) for version in PROMETHEUS_VERSIONS}
    programs = {version: program for version, program in found.items() if program}
    with staged([*programs.values()], tmp_path_factory.mktemp("dashboards"), forks) as made:
        yield dict(zip(programs, made, strict=True))


@pytest.fixture(scope="package", params=PROMETHEUS_VERSIONS)
def scene(request: pytest.FixtureRequest) -> Scene:
    """Every situation, scraped by a real Prometheus."""
    require_prometheus("prometheus", request.param)
    scenes: Mapping[str, Scene] = request.getfixturevalue("scenes")
    return scenes[request.param]

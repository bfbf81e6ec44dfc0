from collections.abc import Iterator

import pytest

from tests.dashboards.scene import Scene, staged
from tests.e2e.fork_server import ForkServer
from tests.support.programs import PROMETHEUS_VERSIONS, require_prometheus


@pytest.fixture(scope="package", params=PROMETHEUS_VERSIONS)
def scene(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, forks: ForkServer
) -> Iterator[Scene]:
    """Every situation, scraped by a real Prometheus."""
    program = require_prometheus("prometheus", request.param)
    with staged(program, tmp_path_factory.mktemp("dashboards"), forks) as made:
        yield made

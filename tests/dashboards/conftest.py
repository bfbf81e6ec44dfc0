from collections.abc import Iterator

import pytest

from tests.dashboards.scene import Scene, staged
from tests.programs import require


@pytest.fixture(scope="package")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Every situation, scraped by a real Prometheus."""
    with staged(require("prometheus"), tmp_path_factory.mktemp("dashboards")) as made:
        yield made

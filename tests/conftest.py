from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.support.harness import Bench, bench

# Examples may take their time: a busy machine fails no test.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture
def aws() -> Iterator[Bench]:
    """A simulated AWS with one empty account, and a clock that moves when told."""
    with bench() as made:
        yield made

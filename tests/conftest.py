from collections.abc import Iterator

import pytest

from tests.harness import Bench, bench


@pytest.fixture
def aws() -> Iterator[Bench]:
    """A simulated AWS with one empty account, and a clock that moves when told."""
    with bench() as made:
        yield made

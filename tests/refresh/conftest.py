from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.refresh.fakes import Scrapes, Start


@pytest.fixture
def start() -> Iterator[Start]:
    """Makes a refresher of these targets; settings are those of Scrapes."""
    with ExitStack() as running:

        def begin(*targets: str, **settings: Any) -> Scrapes:
            made = Scrapes(*targets, **settings)
            running.callback(made.stop)
            return made

        yield begin

import logging
from collections.abc import Iterator
from io import StringIO

import pytest
from _pytest.logging import LogCaptureFixture

from exporter import logs
from tests.faults.sight import Log
from tests.faults.wire import Wire, unplugged
from tests.harness import Bench


@pytest.fixture
def wire(aws: Bench) -> Iterator[Wire]:
    """A wire to the simulated AWS, in working order."""
    with unplugged(aws.server.endpoint_url) as laid:
        laid.plug_in()
        yield laid


@pytest.fixture
def log(caplog: LogCaptureFixture) -> Log:
    """The log of the exporter."""
    caplog.set_level(logging.INFO)
    return Log(caplog)


@pytest.fixture
def written() -> Iterator[StringIO]:
    """What the program writes to its log, as it does when it runs."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = StringIO()
    logs.configure("info", "logfmt", stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)

import logging
import os
import threading
from collections.abc import Callable, Iterator
from functools import partial
from io import StringIO
from pathlib import Path

import pytest
from _pytest.logging import LogCaptureFixture

from exporter.assembly import Assembler, Dependencies
from exporter.aws import default_session, in_environment
from exporter.command import logs
from exporter.config import Config, Target
from exporter.exposition.self_metrics import Telemetry
from exporter.runtime.clock import Clock
from exporter.runtime.redaction import Secrets
from tests.faults.sight import Log
from tests.faults.wire import Wire, unplugged
from tests.support.harness import LOADER, Bench, Watch, never_idle

Start = Callable[..., Watch]


@pytest.fixture
def wire(aws: Bench) -> Iterator[Wire]:
    """A wire to the simulated AWS, in working order."""
    with unplugged(aws.server.endpoint_url) as laid:
        laid.plug_in()
        yield laid


@pytest.fixture
def log(caplog: LogCaptureFixture) -> Iterator[Log]:
    """The log of the exporter, without what threads of earlier tests still write."""
    earlier = {*threading.enumerate()} - {threading.main_thread()}

    def is_of_this_test(_: logging.LogRecord) -> bool:
        return threading.current_thread() not in earlier

    caplog.set_level(logging.INFO)
    caplog.handler.addFilter(is_of_this_test)
    yield Log(caplog)
    caplog.handler.removeFilter(is_of_this_test)


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


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without anything of AWS: no variables, no files, no instance role."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))


@pytest.fixture
def dependencies(aws: Bench) -> Dependencies:
    """Dependencies that find credentials as on a real machine; the test controls the time."""
    secrets = Secrets(in_environment(os.environ))
    return Dependencies(
        open_session=partial(default_session, loader=LOADER, secrets=secrets),
        clock=Clock(aws.clock, aws.clock),
        steady=aws.clock,
        sleep=aws.clock.advance,
        secrets=secrets,
    )


@pytest.fixture
def start(aws: Bench, dependencies: Dependencies) -> Iterator[Start]:
    """Start an exporter that finds its credentials by itself."""
    watches = []

    def begin(*targets: Target) -> Watch:
        watches.append(
            Watch(
                Assembler(Telemetry(), dependencies).assemble(
                    never_idle(Config(targets=targets, collectors=("backup_jobs",)))
                ),
                aws.clock,
            )
        )
        return watches[-1]

    yield begin
    for watch in watches:
        watch.exporter.stop()


@pytest.fixture
def lay_down(tmp_path: Path) -> Callable[[str], None]:
    """Write an access key into the shared credentials file."""

    def write(key: str, profile: str = "default") -> None:
        text = f"[{profile}]\naws_access_key_id = {key}\naws_secret_access_key = secret-of-{key}\n"
        (tmp_path / "credentials").write_text(text)

    return write

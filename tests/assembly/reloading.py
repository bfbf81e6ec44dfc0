"""An exporter whose configuration file the test changes."""

import threading
from concurrent.futures import Future

from exporter.assembly.assembly import Assembler
from exporter.assembly.reload import Reloader
from exporter.config import Config, ConfigError, Problem
from exporter.exposition.self_metrics import Telemetry
from exporter.ledger.ledger import Ledger
from tests.e2e.process import until
from tests.support.harness import TEXT, Bench, Series, dependencies


class File:
    """A configuration file as an editor leaves it: a configuration, or what is wrong with it.

    Attributes:
        reads: how often it was begun to be read.
        answers: set unless its file system is gone.
    """

    def __init__(self, config: Config) -> None:
        self.content: Config | ConfigError = config
        self.reads = 0
        self.answers = threading.Event()
        self.answers.set()

    def read(self) -> Config:
        """Read it, as long as that takes."""
        self.reads += 1
        self.answers.wait()
        if isinstance(self.content, ConfigError):
            raise self.content
        return self.content

    def break_(self) -> None:
        """Leave a mistake in it."""
        self.content = ConfigError([Problem("config.yaml", 3, 5, "targets[0].regoins", "unknown key")])


class Running:
    """An exporter on a configuration file, refreshed when asked."""

    def __init__(self, aws: Bench, config: Config, read_timeout: float) -> None:
        self.file = File(config)
        self.web_config_error: ConfigError | None = None
        telemetry = Telemetry()
        self.reloader = Reloader(
            self.file.read,
            Assembler(telemetry, dependencies(aws.clock)),
            reload_web_config=self._reload_web_config,
            telemetry=telemetry,
            clock=aws.clock,
            read_timeout=read_timeout,
        )

    def _reload_web_config(self) -> None:
        if self.web_config_error:
            raise self.web_config_error

    def scrape(self) -> Series:
        """Refresh, then read the exposition."""
        self.reloader.exporter.refresher.refresh().all.result()
        return Series(self.reloader.exporter.exposition.write(TEXT).decode())

    def reload(self, config: Config) -> None:
        """Save another configuration and have it read."""
        self.file.content = config
        self.reloader.reload()

    def ask(self, times: int) -> list[Future[None]]:
        """Ask for so many reloads at the same time, when one has begun to read."""
        before = self.file.reads
        asked = [self.reloader.begin_reload()]
        until(lambda: self.file.reads > before)
        return asked + [self.reloader.begin_reload() for _ in range(times - 1)]

    def ledger(self, target: str) -> Ledger:
        """What is known of a target."""
        return next(one for one in self.reloader.exporter.ledgers if one.scope.target == target)

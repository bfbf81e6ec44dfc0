"""An exporter on a simulated organization."""

from collections import Counter

from exporter.assembly import Assembler, Exporter, Reloader
from exporter.config import Config, Target
from exporter.exposition import Telemetry
from tests.support.harness import TEXT, Bench, Series, dependencies, never_idle


class Company:
    """An exporter on a simulated organization."""

    def __init__(self, aws: Bench, target: Target, *others: Target) -> None:
        self.aws = aws
        self.config = self.of(target, *others)
        telemetry = Telemetry()
        self.reloader = Reloader(
            lambda: self.config,
            Assembler(telemetry, dependencies(aws.clock, aws.server.endpoint_url)),
            reload_web_config=lambda: None,
            telemetry=telemetry,
            clock=aws.clock,
        )

    def of(self, *targets: Target) -> Config:
        """The configuration with these targets."""
        return never_idle(Config(targets=targets, collectors=("backup_jobs", "vaults", "resources")))

    @property
    def exporter(self) -> Exporter:
        """The exporter."""
        return self.reloader.exporter

    @property
    def targets(self) -> list[str]:
        """The targets, without the organization's own."""
        return [scope.target for scope in self.exporter.scopes if "/" in scope.target]

    def settle(self) -> Series:
        """Read everything, then everything of new members; return what is published then."""
        self.exporter.refresher.refresh_completely()
        self.reloader.rebuild()
        self.exporter.refresher.refresh_completely()
        return self.read()

    def scrape(self) -> Series:
        """Refresh as a scrape does, and return what is published."""
        self.exporter.refresher.refresh().all.result()
        return self.read()

    def read(self) -> Series:
        """Return what is published; no series comes twice."""
        series = Series(self.exporter.exposition.write(TEXT).decode())
        numbers = Counter((name, tuple(sorted(labels.items()))) for name, labels, _ in series.samples)
        assert [key for key, number in numbers.items() if number > 1] == []
        return series

    def reload(self, *targets: Target) -> None:
        """Reload with other targets."""
        self.config = self.of(*targets)
        self.reloader.reload()

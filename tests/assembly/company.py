"""An exporter on a simulated organization, and what tests of it have in common."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from exporter.assembly import Assembler, Exporter, Reloader
from exporter.config import Config, Members, Organization, Target
from exporter.exposition import Telemetry
from tests.support.harness import REGION, TEXT, Bench, Series, dependencies, job, never_idle

SHOP, WIKI, LATE = "111111111111", "222222222222", "333333333333"
OWN = "123456789012"
HOUR, MINUTE = 3600.0, 60.0


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


Start = Callable[..., Company]


def target(aws: Bench, *, jobs: bool = False, members: dict[str, Any] | None = None) -> Target:
    """The target of the organization; members are all accounts unless there are other settings."""
    of = Members.model_validate({"role_name": "exporter"} | ({} if members is None else members))
    return aws.target(name="company", organization=Organization(jobs=jobs, members=of))


def put(aws: Bench, account_id: str, job_id: str, state: str = "RUNNING", **fields: Any) -> None:
    """Put a backup job into an account."""
    settings: dict[str, Any] = {"AccountId": account_id, "created": aws.clock.now - 60} | fields
    made = job(job_id, state, **settings)
    aws.server.account(REGION, account_id).put(made)


def up(series: Series, account_id: str, collector: str = "backup_jobs") -> float:
    """Whether a collector of a member is up."""
    return series.value("aws_backup_up", target=f"company/{account_id}", collector=collector)


def targets_of(series: Series, name: str, **labels: str) -> list[str]:
    """The account of each series of a metric."""
    return sorted(own["aws_account_id"] for own, _ in series.find(name, **labels))

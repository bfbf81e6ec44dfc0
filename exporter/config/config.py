"""The top-level configuration and the rules between its sections."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Annotated, ClassVar

from pydantic import Field

from exporter.config.base import Record
from exporter.config.errors import Path, quoted
from exporter.config.fields import (
    COLLECTORS,
    FILLED,
    INVENTORY,
    UNREPEATED,
    Broken,
    Collector,
    first_places,
)
from exporter.config.sections import Api, Discovery, Expectation, Limits, ResourceInventory, Target
from exporter.config.suggestions import nearest
from exporter.model import KINDS

_JOB_COLLECTORS = frozenset(kind.collector for kind in KINDS)


class Config(Record):
    """A valid configuration."""

    decisive: ClassVar[frozenset[str]] = frozenset({"targets"})

    targets: Annotated[tuple[Target, ...], FILLED] = Field(
        default=(Target(name="default"),), examples=["[{name: production}]"]
    )
    """The accounts and Regions to monitor. Default: one target named `default` with the default AWS chain."""

    discovery: Discovery = Field(default=Discovery(), examples=["{window: 24h}"])
    """Which jobs to discover."""

    collectors: Annotated[tuple[Collector, ...], FILLED, UNREPEATED] = Field(
        default=COLLECTORS, examples=["[backup_jobs, copy_jobs]"]
    )
    """The collectors to run. Jobs are refreshed on scrapes, recovery points once an hour, the others
    every 5 minutes."""

    inventory: ResourceInventory = Field(default=ResourceInventory(), examples=["{enabled: true}"])
    """Whether to check which resources of the account are selected by a backup plan."""

    api: Api = Field(default=Api(), examples=["{requests_per_second: 10}"])
    """Rate limit and timeouts for calls to AWS."""

    limits: Limits = Field(default=Limits(), examples=["{max_jobs: 20000}"])
    """Limits on the number of series."""

    expectations: tuple[Expectation, ...] = Field(
        default=(),
        examples=["[{resource_arn: 'arn:aws:ec2:eu-west-1:123456789012:volume/vol-0abc', within: 26h}]"],
    )
    """Resources that must be backed up, even if AWS Backup does not know them. Empty: none."""

    def broken_rules(self) -> Iterable[Broken]:
        """Return the violated rules between sections that are valid individually."""
        yield from _same_names(self.targets)
        yield from _same_scopes(self.targets)
        if not self.discovery.enabled and not any(target.job_ids for target in self.targets):
            message = "no jobs to monitor; set it to true, or add job_ids to a target"
            yield Broken(("discovery", "enabled"), message)
        yield from self._useless_organizations()
        if self.inventory.enabled and "plans" not in self.collectors:
            message = "needs the plans and their selections; add plans to collectors, or set it to false"
            yield Broken(("inventory", "enabled"), message, ("collectors",))
        arns = [expectation.resource_arn for expectation in self.expectations]
        for place, before, arn in first_places(arns):
            message = f"{quoted(arn)} is a duplicate; remove one of them"
            yield _expected(place, "resource_arn", message, ("expectations", before, "resource_arn"))
        for place, expectation in enumerate(self.expectations):
            yield from _check_target(place, expectation, self.targets)

    def _useless_organizations(self) -> Iterable[Broken]:
        """Find organizations whose jobs are to be listed, but discovery or all job collectors are off."""
        for place, target in enumerate(self.targets):
            if target.organization is None or not target.organization.jobs:
                continue
            path = ("targets", place, "organization", "jobs")
            if not self.discovery.enabled:
                message = "needs discovery; set discovery.enabled to true, or this to false"
                yield Broken(path, message, ("discovery", "enabled"))
            if _JOB_COLLECTORS.isdisjoint(self.collectors):
                message = "needs a collector of jobs; add backup_jobs to collectors, or set this to false"
                yield Broken(path, message, ("collectors",))

    @property
    def enabled_collectors(self) -> tuple[str, ...]:
        """The collectors to run: those listed, and `inventory` if its block enables it."""
        return (*self.collectors, INVENTORY) if self.inventory.enabled else self.collectors

    def expected_in(self, target: Target, region: str) -> dict[str, float]:
        """Return the resources that a target must back up in a Region, and their maximum age in seconds.

        A target with a role in the ARN's account is preferred to one whose organization may include the
        account, and that to a target without a role, whose account is unknown.
        """
        return {
            expectation.resource_arn: expectation.within
            for expectation in self.expectations
            if _monitoring_target(expectation, self.targets) == target
            and (expectation.region or expectation.arn_region or region) == region
        }


def _monitoring_target(expectation: Expectation, targets: tuple[Target, ...]) -> Target | None:
    region = expectation.region or expectation.arn_region
    candidates = [
        target
        for target in targets
        if _may_monitor(target, expectation)
        and (not region or not target.regions or region in target.regions)
    ]
    return min(candidates, key=lambda target: _uncertainty(target, expectation.arn_account), default=None)


def _uncertainty(target: Target, account_id: str) -> int:
    """Return how uncertain it is that a target monitors an account: 0 if its role is in the account."""
    if target.role_arn is not None and _role_account(target.role_arn) == account_id:
        return 0
    return 1 if _organization_sees(target, account_id) else 2


def _same_names(targets: tuple[Target, ...]) -> Iterable[Broken]:
    for place, before, name in first_places(target.name for target in targets):
        message = f"{quoted(name)} is already the name of another target; choose another name"
        yield Broken(("targets", place, "name"), message, ("targets", before, "name"))


def _same_scopes(targets: tuple[Target, ...]) -> Iterable[Broken]:
    """Find targets with the same account and Region, which would produce duplicate series."""
    first: dict[tuple[str, ...], tuple[int, Path]] = {}
    for place, target in enumerate(targets):
        for path, account in _accounts(place, target):
            shared: dict[tuple[int, Path], list[str]] = defaultdict(list)
            for region in target.regions or ("",):
                key = (account, _region(target, region), _endpoint(target))
                before = first.setdefault(key, (place, path))
                if before[0] != place:
                    shared[before].append(region or "the default Region")
            for (other, clash), regions in shared.items():
                name = quoted(targets[other].name)
                message = f"the same account and Region ({', '.join(regions)}) as target {name}"
                yield Broken(path, f"{message}; remove it from one of the targets", clash)


def _accounts(place: int, target: Target) -> Iterable[tuple[Path, str]]:
    """Yield the accounts that a target certainly monitors, and where the configuration says so."""
    if not target.organization:
        yield ("targets", place), _own_account(target)
    members = target.organization and target.organization.members
    for at, account_id in enumerate(members.accounts if members else ()):
        yield ("targets", place, "organization", "members", "accounts", at), account_id


def _own_account(target: Target) -> str:
    if target.role_arn is not None:
        return _role_account(target.role_arn)
    return f"profile {target.profile}" if target.profile else "default chain"


def _role_account(role_arn: str) -> str:
    return role_arn.split(":")[4]


def _region(target: Target, region: str) -> str:
    return region or f"of profile {target.profile or ''}"


def _endpoint(target: Target) -> str:
    return (target.endpoint_url or "").rstrip("/")


def _check_target(place: int, expectation: Expectation, targets: tuple[Target, ...]) -> Iterable[Broken]:
    """Report when no target, or more than one, can monitor the resource."""
    names = [target.name for target in targets]
    if expectation.target is not None and expectation.target not in names:
        hint = nearest(expectation.target, names, "the configured targets")
        yield _expected(place, "target", f"no target is named {quoted(expectation.target)}; {hint}")
        return
    if expectation.target is None and not expectation.arn_account and len(targets) > 1:
        message = f"the ARN contains no account; set target to one of: {', '.join(names)}"
        yield _expected(place, "target", message)
        return
    if not expectation.arn_account and (organization := _organization_of(expectation, targets)):
        message = (
            f"the ARN contains no account, and {organization.name} is an organization; add a target with a "
            "role in the account that backs the resource up, and set target to it"
        )
        yield _expected(place, "target" if expectation.target else "resource_arn", message)
        return
    candidates = [target for target in targets if _may_monitor(target, expectation)]
    if not candidates:
        message = f"no target monitors account {expectation.arn_account}; "
        yield _expected(place, "resource_arn", f"{message}add a target for the account or set target")
        return
    yield from _check_region(place, expectation, candidates)


def _organization_of(expectation: Expectation, targets: tuple[Target, ...]) -> Target | None:
    """Return the target that may monitor the resource and is that of an organization; None without one."""
    found = (target for target in targets if _may_monitor(target, expectation) and target.organization)
    return next(found, None)


def _may_monitor(target: Target, expectation: Expectation) -> bool:
    """Return whether the target is the configured one or may be in the account of the ARN."""
    if expectation.target is not None:
        return target.name == expectation.target
    if target.role_arn is None or not expectation.arn_account:
        return True
    account_id = expectation.arn_account
    return _role_account(target.role_arn) == account_id or _organization_sees(target, account_id)


def _organization_sees(target: Target, account_id: str) -> bool:
    return target.organization is not None and target.organization.may_see(account_id)


def _check_region(place: int, expectation: Expectation, candidates: list[Target]) -> Iterable[Broken]:
    """Report when no Region, or more than one, can be that of the resource."""
    region = expectation.region or expectation.arn_region
    listed = sorted({region for target in candidates for region in target.regions})
    if not region and any(len(target.regions) > 1 for target in candidates):
        yield _expected(
            place, "region", f"the ARN contains no Region; set region to one of: {', '.join(listed)}"
        )
    if region and not any(region in target.regions or not target.regions for target in candidates):
        key = "region" if expectation.region else "resource_arn"
        message = (
            f"no matching target monitors {region}; add it to the target's regions ({', '.join(listed)})"
        )
        yield _expected(place, key, message)


def _expected(place: int, key: str, message: str, clash: Path | None = None) -> Broken:
    return Broken(("expectations", place, key), message, clash)

"""The whole configuration, and the rules between its parts."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Annotated, ClassVar

from pydantic import Field

from exporter.config.base import Record
from exporter.config.errors import Path, nearest, quoted
from exporter.config.fields import COLLECTORS, FILLED, UNREPEATED, Broken, Collector, first_places
from exporter.config.sections import Api, Discovery, Expectation, Limits, Target


class Config(Record):
    """A configuration that can be used as it stands."""

    decisive: ClassVar[frozenset[str]] = frozenset({"targets"})

    targets: Annotated[tuple[Target, ...], FILLED] = Field(
        default=(Target(name="default"),), examples=["[{name: production}]"]
    )
    """The accounts and Regions to watch. Left out: one target named `default`, with AWS's default chain."""

    discovery: Discovery = Field(default=Discovery(), examples=["{window: 24h}"])
    """Which jobs to look for."""

    collectors: Annotated[tuple[Collector, ...], FILLED, UNREPEATED] = Field(
        default=COLLECTORS, examples=["[backup_jobs, copy_jobs]"]
    )
    """What to collect. The jobs are asked for on each scrape, the other three every 5 minutes."""

    api: Api = Field(default=Api(), examples=["{requests_per_second: 10}"])
    """How hard and how patiently to call AWS."""

    limits: Limits = Field(default=Limits(), examples=["{max_jobs: 20000}"])
    """What keeps the number of series within bounds."""

    expectations: tuple[Expectation, ...] = Field(
        default=(),
        examples=["[{resource_arn: 'arn:aws:ec2:eu-west-1:123456789012:volume/vol-0abc', within: 26h}]"],
    )
    """Resources that must be backed up, whether or not AWS Backup knows them. Empty: none."""

    def broken_rules(self) -> Iterable[Broken]:
        """Return what is wrong between the parts, each sound by itself."""
        yield from _same_names(self.targets)
        yield from _same_scopes(self.targets)
        if not self.discovery.enabled and not any(target.job_ids for target in self.targets):
            message = "nothing to do: set it to true, or name jobs in a target's job_ids"
            yield Broken(("discovery", "enabled"), message)
        arns = [expectation.resource_arn for expectation in self.expectations]
        for place, before, arn in first_places(arns):
            message = f"{quoted(arn)} is repeated; remove one of the two"
            yield _expected(place, "resource_arn", message, ("expectations", before, "resource_arn"))
        for place, expectation in enumerate(self.expectations):
            yield from _unwatched(place, expectation, self.targets)

    def expected_in(self, target: Target, region: str) -> dict[str, float]:
        """Give the resources that a target must back up in a Region, and the seconds within which.

        A target without a role may be of any account, so one whose role is in the ARN's account comes first.
        """
        return {
            expectation.resource_arn: expectation.within
            for expectation in self.expectations
            if _watcher(expectation, self.targets) == target
            and (expectation.region or expectation.arn_region or region) == region
        }


def _watcher(expectation: Expectation, targets: tuple[Target, ...]) -> Target | None:
    region = expectation.region or expectation.arn_region
    watching = [
        target
        for target in targets
        if _may_watch(target, expectation) and (not region or not target.regions or region in target.regions)
    ]
    return min(watching, key=lambda target: target.role_arn is None, default=None)


def _same_names(targets: tuple[Target, ...]) -> Iterable[Broken]:
    for place, before, name in first_places(target.name for target in targets):
        message = f"{quoted(name)} names another target too; choose another name"
        yield Broken(("targets", place, "name"), message, ("targets", before, "name"))


def _same_scopes(targets: tuple[Target, ...]) -> Iterable[Broken]:
    """Find targets that show the same account and Region: their series would come twice."""
    first: dict[tuple[str, ...], int] = {}
    for place, target in enumerate(targets):
        shared: dict[int, list[str]] = defaultdict(list)
        for region in target.regions or ("",):
            before = first.setdefault((_account(target), _region(target, region), _endpoint(target)), place)
            if before != place:
                shared[before].append(region or "the default Region")
        for before, regions in shared.items():
            message = (
                f"the same account and Region ({', '.join(regions)}) as target {quoted(targets[before].name)}"
            )
            yield Broken(("targets", place), f"{message}; remove it from one of them", ("targets", before))


def _account(target: Target) -> str:
    if target.role_arn is not None:
        return _role_account(target.role_arn)
    return f"profile {target.profile}" if target.profile else "default chain"


def _role_account(role_arn: str) -> str:
    return role_arn.split(":")[4]


def _region(target: Target, region: str) -> str:
    return region or f"of profile {target.profile or ''}"


def _endpoint(target: Target) -> str:
    return (target.endpoint_url or "").rstrip("/")


def _unwatched(place: int, expectation: Expectation, targets: tuple[Target, ...]) -> Iterable[Broken]:
    """Say why no target, or no single one, can watch the resource."""
    names = [target.name for target in targets]
    if expectation.target is not None and expectation.target not in names:
        hint = nearest(expectation.target, names, "the targets")
        yield _expected(place, "target", f"no target is named {quoted(expectation.target)}; {hint}")
        return
    if expectation.target is None and not expectation.arn_account and len(targets) > 1:
        message = f"the ARN names no account; add target, one of {', '.join(names)}"
        yield _expected(place, "target", message)
        return
    watching = [target for target in targets if _may_watch(target, expectation)]
    if not watching:
        message = f"no target's role is in account {expectation.arn_account}; "
        yield _expected(place, "resource_arn", f"{message}add a target for it, or name one with target")
        return
    yield from _nowhere(place, expectation, watching)


def _may_watch(target: Target, expectation: Expectation) -> bool:
    """Tell whether the target is the one named, or else may be of the ARN's account."""
    if expectation.target is not None:
        return target.name == expectation.target
    if target.role_arn is None or not expectation.arn_account:
        return True
    return _role_account(target.role_arn) == expectation.arn_account


def _nowhere(place: int, expectation: Expectation, watching: list[Target]) -> Iterable[Broken]:
    """Say why none of the Regions, or no single one, can be the resource's."""
    region = expectation.region or expectation.arn_region
    listed = sorted({region for target in watching for region in target.regions})
    if not region and any(len(target.regions) > 1 for target in watching):
        yield _expected(place, "region", f"the ARN names no Region; add region, one of {', '.join(listed)}")
    if region and not any(region in target.regions or not target.regions for target in watching):
        key = "region" if expectation.region else "resource_arn"
        message = (
            f"no target for it watches {region}; add the Region to the target's regions ({', '.join(listed)})"
        )
        yield _expected(place, key, message)


def _expected(place: int, key: str, message: str, clash: Path | None = None) -> Broken:
    return Broken(("expectations", place, key), message, clash)

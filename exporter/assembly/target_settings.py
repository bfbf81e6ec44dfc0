"""All settings that determine how one target is monitored; member accounts of organizations are targets."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from exporter.assembly.members import member_targets
from exporter.aws import Profiles, regions_of
from exporter.collectors import RecoveryPointsCollector, ResourcesCollector
from exporter.config import Api, Config, Discovery, Limits, Members, ResourceInventory, Target
from exporter.model import Account, account_in_arn


class LedgerSettings(NamedTuple):
    """The settings of which the state of a target in one Region is a result.

    A ledger is kept on a reload if these do not change.
    """

    target: Target
    region: str
    account_id: str
    discovery: Discovery
    collectors: tuple[str, ...]
    limits: Limits
    expected: Mapping[str, float]

    @property
    def follows_resources(self) -> bool:
        """Whether the metrics of resources are published."""
        return not {ResourcesCollector.name, RecoveryPointsCollector.name}.isdisjoint(self.collectors)

    @property
    def lookback(self) -> float:
        """How far back to list jobs, in seconds: beyond the window only for the facts about resources."""
        return self.discovery.lookback if self.follows_resources else self.discovery.window


@dataclass(frozen=True)
class TargetSettings:
    """All settings that determine how one target is monitored.

    Attributes:
        target: the target, as configured or generated.
        source: the target whose credentials assume the role, for a member of an organization.
        account_id: the account, if it is known from the configuration; otherwise empty.
        regions: its Regions.
        expected: for each Region, the resources that must be backed up.
    """

    target: Target
    source: Target | None
    account_id: str
    regions: tuple[str, ...]
    discovery: Discovery
    collectors: tuple[str, ...]
    inventory: ResourceInventory
    api: Api
    limits: Limits
    expected: tuple[Mapping[str, float], ...]

    def ledgers(self) -> Iterator[LedgerSettings]:
        """Yield the settings of the ledger of each Region."""
        organization = self.target.organization
        if organization:
            organization = organization.model_copy(update={"members": None})
        target = self.target.model_copy(
            update={"regions": (), "external_id": None, "organization": organization}
        )
        for region, expected in zip(self.regions, self.expected, strict=True):
            yield LedgerSettings(
                target, region, self.account_id, self.discovery, self.collectors, self.limits, expected
            )


def all_settings(
    config: Config, profiles: Profiles, accounts: Mapping[str, Iterable[Account]]
) -> Iterator[TargetSettings]:
    """Yield the settings of the targets, each followed by the members of its organization.

    An account that has a target of its own in a Region is not monitored there as a member.

    Args:
        config: the configuration.
        profiles: the AWS profiles, for targets without Regions.
        accounts: the known accounts of organizations, by the name of the target.
    """
    own = {
        (account_in_arn(target.role_arn), region)
        for target in config.targets
        if target.role_arn and not target.organization
        for region in regions_of(target, profiles)
    }
    for target in config.targets:
        regions = regions_of(target, profiles)
        expected = tuple(config.expected_in(target, region) for region in regions)
        account_id = account_in_arn(target.role_arn or "")
        settings = TargetSettings(
            target=target,
            source=None,
            account_id=account_id,
            regions=regions,
            discovery=config.discovery,
            collectors=config.enabled_collectors,
            inventory=config.inventory,
            api=config.api,
            limits=config.limits,
            expected=expected,
        )
        yield settings
        if target.organization and target.organization.members:
            yield from _members(settings, target.organization.members, accounts.get(target.name, ()), own)


def _members(
    settings: TargetSettings,
    members: Members,
    accounts: Iterable[Account],
    own: Collection[tuple[str, str]],
) -> Iterator[TargetSettings]:
    expected = dict(zip(settings.regions, settings.expected, strict=True))
    for account_id, target in member_targets(settings.target, members, accounts).items():
        regions = tuple(region for region in settings.regions if (account_id, region) not in own)
        if regions:
            yield replace(
                settings,
                target=target,
                source=settings.target.model_copy(update={"organization": None, "job_ids": ()}),
                account_id=account_id,
                regions=regions,
                expected=tuple(expected_in_account(expected[region], account_id) for region in regions),
            )


def expected_in_account(expected: Mapping[str, float], account_id: str) -> dict[str, float]:
    """Return the resources of one account among those that an organization must back up."""
    return {arn: within for arn, within in expected.items() if account_in_arn(arn) == account_id}

"""Collects the tagged resources of the account, and whether a backup plan selects each of them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from exporter.aws import BackupApi
from exporter.collectors.duplicate_accounts import check_owner
from exporter.collectors.protocols import HOUR, MAX_WAIT
from exporter.config import ResourceInventory
from exporter.ledger import AccountOwners, Inventory, Ledger
from exporter.model import (
    RESOURCE_TYPES,
    Answer,
    ListedResource,
    account_in_arn,
    possible_resource_types,
    selects,
    tagging_filters,
)

COMPOSITE_TYPES = ("CloudFormation", "EKS")
"""Composite types. They are always listed, because selecting a composite also backs up its parts."""

NAME = "Name"
STACK = "aws:cloudformation:stack-id"
"""The tags with the name of a resource, and with the ARN of the CloudFormation stack it belongs to."""


class InventoryCollector:
    """Collects the inventory of one scope.

    Args:
        api: calls AWS.
        ledger: provides the plans and stores the inventory.
        owners: decides which scope publishes an account and Region.
        settings: which resources to list.
    """

    name = "inventory"
    pace = HOUR

    def __init__(
        self, api: BackupApi, ledger: Ledger, *, owners: AccountOwners, settings: ResourceInventory
    ) -> None:
        self._api = api
        self._ledger = ledger
        self._owners = owners
        self._wanted = frozenset(settings.resource_types or RESOURCE_TYPES)
        self._excluded = frozenset(settings.exclude_tags.items())

    def refresh(self) -> None:
        """List the resources, and check whether a backup plan selects each of them.

        A resource that is not selected is left out if a plan or a selection cannot be read, because that one
        might select it. A resource of an unknown account is also left out (S3 ARNs have no account).

        Raises:
            AwsError, OverBudgetError: the list could not be read; the last inventory stays published.
        """
        tags = self._tags_by_arn()
        accounts = Counter(filter(None, map(account_in_arn, tags)))
        own = next((account for account, _ in accounts.most_common(1)), self._ledger.own_account_id)
        if own:
            check_owner(self._owners, self._ledger.scope, [own])
        with self._ledger.open_resources() as resources:
            composites = {resource.arn: resource.parent_arn for resource in resources.published()}
        composites |= {arn: of_one[STACK] for arn, of_one in tags.items() if STACK in of_one}
        coverage = _Coverage(self._ledger.inventory, tags, composites)
        listing = [*self._listing(tags, coverage, own)]
        with self._ledger.open_resources() as resources:
            resources.set_listed(listing)

    def _tags_by_arn(self) -> dict[str, Mapping[str, str]]:
        pages = self._api.pages(
            "GetResources",
            "ResourceTagMappingList",
            reserve=self._api.budget.reserve,
            max_wait=MAX_WAIT,
            ResourceTypeFilters=[*tagging_filters((*sorted(self._wanted), *COMPOSITE_TYPES))],
        )
        listed = (tagged for page in pages for row in page if (tagged := _tagged(row)))
        return {tagged.arn: tagged.tags for tagged in listed}

    def _listing(
        self, tags: Mapping[str, Mapping[str, str]], coverage: "_Coverage", own: str
    ) -> Iterable[ListedResource]:
        for arn, of_one in tags.items():
            types = [name for name in possible_resource_types(arn) if name in self._wanted]
            is_own = own and account_in_arn(arn) in ("", own)
            if types and is_own and self._excluded.isdisjoint(of_one.items()):
                is_selected = coverage.of(arn)
                if is_selected is not None:
                    yield ListedResource(arn, of_one.get(NAME, ""), types[0], own, is_selected)


class _Tagged(NamedTuple):
    arn: str
    tags: Mapping[str, str]


def _tagged(row: Answer) -> _Tagged | None:
    """Parse a row of GetResources; None if AWS Backup does not support the resource."""
    arn = str(row.get("ResourceARN") or "")
    if not possible_resource_types(arn):
        return None
    tags = filter(None, row.get("Tags") or ())
    return _Tagged(arn, {str(tag.get("Key") or ""): str(tag.get("Value") or "") for tag in tags})


class _Coverage:
    """Determines whether a selection of a plan selects a resource.

    Args:
        known: the plans and the settings of the Region.
        tags: the tags of each resource, by ARN.
        composites: the composite that each resource belongs to, by ARN.
    """

    def __init__(
        self, known: Inventory, tags: Mapping[str, Mapping[str, str]], composites: Mapping[str, str]
    ) -> None:
        self._tags = tags
        self._composites = composites
        self._opt_in = known.opt_in
        self._selections = [selection for plan in known.plans for selection in plan.selections or ()]
        self._knows_all = (
            known.has_all_plans
            and all(plan.selections is not None for plan in known.plans)
            and not any(selection.unreadable for selection in self._selections)
        )

    def of(self, arn: str) -> bool | None:
        """Return whether a resource, or a composite it belongs to, is selected; None if that is unknown."""
        seen: set[str] = set()
        while arn and arn not in seen:
            if self._is_selected(arn):
                return True
            seen.add(arn)
            arn = self._composites.get(arn, "")
        return False if self._knows_all else None

    def _is_selected(self, arn: str) -> bool:
        tags = self._tags.get(arn, {})
        return any(
            selects(selection, arn, resource_type, tags, self._opt_in)
            for resource_type in possible_resource_types(arn)
            for selection in self._selections
        )

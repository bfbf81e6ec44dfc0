"""Creates the collectors of data that rarely changes, for the exporter and for the doctor."""

from collections.abc import Callable

from exporter.aws import BackupApi
from exporter.collectors.frameworks import FRAMEWORKS
from exporter.collectors.inventory import InventoryCollector
from exporter.collectors.list_collector import ListCollector
from exporter.collectors.plans import PlansCollector
from exporter.collectors.protocols import SlowCollector
from exporter.collectors.recovery_points import RecoveryPointsCollector
from exporter.collectors.resources import ResourcesCollector
from exporter.collectors.restore_testing import restore_testing_plans
from exporter.collectors.settings import SettingsCollector
from exporter.collectors.vaults import VAULTS
from exporter.config import Discovery, ResourceInventory
from exporter.ledger import AccountOwners, Ledger


def slow_collectors(
    api: BackupApi,
    ledger: Ledger,
    *,
    discovery: Discovery,
    inventory: ResourceInventory,
    owners: AccountOwners,
    ledger_of: Callable[[str, str], Ledger | None],
    clock: Callable[[], float],
) -> tuple[SlowCollector, ...]:
    """Return all slow collectors, in the order in which they run.

    Args:
        api: calls AWS.
        ledger: stores the results.
        discovery: which resources to collect.
        inventory: which resources to check for a plan that selects them.
        owners: decides which scope publishes an account and Region.
        ledger_of: returns the ledger of an account and Region; None if it is not a target.
        clock: seconds since 1970.
    """
    return (
        ListCollector(VAULTS, api, ledger, owners=owners),
        ResourcesCollector(api, ledger, owners=owners, discovery=discovery, clock=clock),
        SettingsCollector(api, ledger, owners=owners),
        PlansCollector(api, ledger, owners=owners, clock=clock),
        ListCollector(restore_testing_plans(clock), api, ledger, owners=owners),
        ListCollector(FRAMEWORKS, api, ledger, owners=owners),
        RecoveryPointsCollector(api, ledger, owners=owners, ledger_of=ledger_of, clock=clock),
        InventoryCollector(api, ledger, owners=owners, settings=inventory),
    )

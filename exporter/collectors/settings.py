"""Collects the settings of the Region: the resource types that are opted in (DescribeRegionSettings)."""

from exporter.aws import BackupApi
from exporter.collectors.duplicate_accounts import check_owner
from exporter.collectors.protocols import MAX_WAIT, PACE
from exporter.ledger import AccountOwners, Ledger

OPT_IN = "ResourceTypeOptInPreference"


class SettingsCollector:
    """Collects the Region settings of one scope.

    Args:
        api: calls AWS.
        ledger: stores the settings.
        owners: decides which scope publishes an account and Region.
    """

    name = "settings"
    pace = PACE

    def __init__(self, api: BackupApi, ledger: Ledger, *, owners: AccountOwners) -> None:
        self._api = api
        self._ledger = ledger
        self._owners = owners

    def refresh(self) -> None:
        """Read the settings. The response has no account ID, so the account must be known to store them."""
        answer = self._api.call(
            "DescribeRegionSettings", OPT_IN, reserve=self._api.budget.reserve, max_wait=MAX_WAIT
        )
        opt_in = {str(name): value for name, value in answer[OPT_IN].items() if isinstance(value, bool)}
        account_id = self._ledger.own_account_id
        if account_id:
            check_owner(self._owners, self._ledger.scope, [account_id])
        self._ledger.update_inventory(lambda known: known.with_opt_in(opt_in))

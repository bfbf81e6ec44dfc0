"""The Region's settings: which resource types the account backs up, as DescribeRegionSettings tells."""

from exporter.aws import BackupApi
from exporter.collectors.duplicate_accounts import check_owner
from exporter.collectors.protocols import MAX_WAIT, PACE
from exporter.ledger import AccountOwners, Ledger

OPT_IN = "ResourceTypeOptInPreference"


class SettingsCollector:
    """Keeps the settings of one scope.

    Args:
        api: asks AWS.
        ledger: takes in what AWS tells.
        owners: tells whether another scope publishes the same account and Region already.
    """

    name = "settings"
    pace = PACE

    def __init__(self, api: BackupApi, ledger: Ledger, *, owners: AccountOwners) -> None:
        self._api = api
        self._ledger = ledger
        self._owners = owners

    def refresh(self) -> None:
        """Read them. The answer names no account: while none is known, nothing is published."""
        answer = self._api.call(
            "DescribeRegionSettings", OPT_IN, reserve=self._api.budget.reserve, max_wait=MAX_WAIT
        )
        opt_in = {str(name): value for name, value in answer[OPT_IN].items() if isinstance(value, bool)}
        account_id = self._ledger.own_account_id
        if account_id:
            check_owner(self._owners, self._ledger.scope, [account_id])
        self._ledger.update_inventory(lambda known: known.with_opt_in(opt_in))

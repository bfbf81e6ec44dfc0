"""The frameworks of AWS Backup Audit Manager, and whether each is deployed."""

from exporter.aws import BackupApi
from exporter.collectors.duplicate_accounts import check_owner
from exporter.collectors.protocols import PACE, list_all
from exporter.ledger import AccountOwners, Ledger
from exporter.model import Answer, Framework, account_in_arn


class FrameworksCollector:
    """Keeps the frameworks of one scope.

    Args:
        api: asks AWS.
        ledger: takes in what AWS tells.
        owners: tells whether another scope publishes the same account and Region already.
    """

    name = "frameworks"
    pace = PACE

    def __init__(self, api: BackupApi, ledger: Ledger, *, owners: AccountOwners) -> None:
        self._api = api
        self._ledger = ledger
        self._owners = owners

    def refresh(self) -> None:
        """List them all. While a row cannot be read, frameworks that are not listed stay as they were."""
        rows = list_all(self._api, "ListFrameworks", "Frameworks")
        frameworks = [_framework(row) for row in rows]
        check_owner(self._owners, self._ledger.scope, (each.account_id or each.name for each in frameworks))
        self._ledger.update_inventory(
            lambda known: known.with_frameworks((*(() if rows.complete else known.frameworks), *frameworks))
        )


def _framework(row: Answer) -> Framework:
    return Framework(
        name=str(row["FrameworkName"]),
        account_id=account_in_arn(str(row.get("FrameworkArn") or "")),
        deployment_status=str(row.get("DeploymentStatus") or ""),
    )

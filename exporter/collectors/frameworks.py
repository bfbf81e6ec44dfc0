"""Collects the frameworks of AWS Backup Audit Manager, with their deployment status."""

from exporter.aws import BackupApi
from exporter.collectors.duplicate_accounts import check_owner
from exporter.collectors.protocols import PACE, list_all
from exporter.ledger import AccountOwners, Ledger
from exporter.model import Answer, Framework, account_in_arn


class FrameworksCollector:
    """Collects the frameworks of one scope.

    Args:
        api: calls AWS.
        ledger: stores the frameworks.
        owners: decides which scope publishes an account and Region.
    """

    name = "frameworks"
    pace = PACE

    def __init__(self, api: BackupApi, ledger: Ledger, *, owners: AccountOwners) -> None:
        self._api = api
        self._ledger = ledger
        self._owners = owners

    def refresh(self) -> None:
        """List all frameworks. If a row is malformed, no known framework is removed."""
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

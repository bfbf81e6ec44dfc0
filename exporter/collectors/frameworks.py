"""The frameworks of AWS Backup Audit Manager, with their deployment status."""

from exporter.collectors.list_collector import Listing
from exporter.model import Answer, Framework, account_in_arn


def _framework(row: Answer) -> Framework:
    return Framework(
        name=str(row["FrameworkName"]),
        account_id=account_in_arn(str(row.get("FrameworkArn") or "")),
        deployment_status=str(row.get("DeploymentStatus") or ""),
    )


FRAMEWORKS = Listing(
    collector="frameworks",
    operation="ListFrameworks",
    member="Frameworks",
    parse=_framework,
    name_of=lambda framework: framework.name,
    known=lambda inventory: inventory.frameworks,
    replace=lambda inventory, frameworks, _: inventory.with_frameworks(frameworks),
)

"""Operations on rows that tests put: selections, restore testing plans, frameworks, tagged resources."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from moto.core.resource_tagging import make_tag_matcher, match_resource_type

from exporter.simulator.errors import ApiError, not_found
from exporter.simulator.job_kinds import Answer
from exporter.simulator.pagination import Pager
from exporter.simulator.static_rows import StaticRows

RESOURCE_TYPES = (
    "Aurora",
    "CloudFormation",
    "DocumentDB",
    "DynamoDB",
    "EBS",
    "EC2",
    "EFS",
    "EKS",
    "FSx",
    "Neptune",
    "RDS",
    "Redshift",
    "Redshift Serverless",
    "S3",
    "SAP HANA on Amazon EC2",
    "Storage Gateway",
    "Timestream",
    "VirtualMachine",
)
"""The resource types that AWS Backup supports, as DescribeRegionSettings spells them."""

MAX_PER_PAGE = 100
"""The maximum of ResourcesPerPage and of the number of ResourceTypeFilters."""

DEFAULT_PER_PAGE = 50


def list_selections(selections: StaticRows, pager: Pager, parameters: Mapping[str, Any]) -> Answer:
    """Answer ListBackupSelections from rows shaped like the answers of GetBackupSelection."""
    rows = [
        _selection_row(row)
        for row in selections.over(())
        if row.get("BackupPlanId") == parameters["BackupPlanId"]
    ]
    return pager.page("ListBackupSelections", parameters, rows, selections.key, "BackupSelectionsList")


def get_selection(selections: StaticRows, parameters: Mapping[str, Any]) -> Answer:
    """Answer GetBackupSelection; a selection of another plan is a ResourceNotFoundException."""
    selection_id = parameters["SelectionId"]
    row = selections.get(selection_id)
    if row is None or row.get("BackupPlanId") != parameters["BackupPlanId"]:
        raise not_found(f"Backup selection {selection_id} of plan {parameters['BackupPlanId']}")
    return row


def list_frameworks(frameworks: StaticRows, pager: Pager, parameters: Mapping[str, Any]) -> Answer:
    """Answer ListFrameworks."""
    rows = frameworks.over(())
    return pager.page("ListFrameworks", parameters, rows, frameworks.key, "Frameworks")


def list_restore_testing_plans(
    plans: StaticRows, pager: Pager, restores: Iterable[Answer], parameters: Mapping[str, Any]
) -> Answer:
    """Answer ListRestoreTestingPlans; LastExecutionTime comes from restore jobs unless it is put."""
    last: dict[str, float] = {}
    for job in restores:
        plan = job.get("CreatedBy", {}).get("RestoreTestingPlanArn")
        if plan and "CreationDate" in job:
            last[plan] = max(last.get(plan, 0.0), job["CreationDate"])
    rows = plans.over((), lambda row: {"LastExecutionTime": last.get(row["RestoreTestingPlanArn"])})
    return pager.page("ListRestoreTestingPlans", parameters, rows, plans.key, "RestoreTestingPlans")


def get_resources(tagged: StaticRows, parameters: Mapping[str, Any]) -> Answer:
    """Answer GetResources of the Resource Groups Tagging API."""
    size = parameters.get("ResourcesPerPage", DEFAULT_PER_PAGE)
    types = parameters.get("ResourceTypeFilters") or []
    if not 1 <= size <= MAX_PER_PAGE or len(types) > MAX_PER_PAGE:
        raise ApiError(
            "InvalidParameterException",
            400,
            f"ResourcesPerPage must be from 1 to {MAX_PER_PAGE}, with as many ResourceTypeFilters at most",
        )
    behind = parameters.get("PaginationToken") or ""
    arns = parameters.get("ResourceARNList")
    matches = make_tag_matcher(parameters.get("TagFilters"))
    rows = [
        row
        for row in tagged.over(())
        if row[tagged.key] > behind
        and (not arns or row[tagged.key] in arns)
        and match_resource_type(tagging_type(row[tagged.key]), types)
        and matches({tag["Key"]: tag["Value"] for tag in row["Tags"]})
    ]
    more = len(rows) > size
    return {
        "ResourceTagMappingList": rows[:size],
        "PaginationToken": rows[size - 1][tagged.key] if more else "",
    }


def tagging_type(arn: str) -> str:
    """Return the `service:type` by which GetResources filters an ARN; an S3 bucket is `s3:bucket`."""
    service, _, _, resource = arn.split(":", 5)[2:]
    if service == "s3":
        return "s3:bucket"
    return f"{service}:{resource.replace('/', ':').partition(':')[0]}"


def tag_list(tags: Mapping[str, str]) -> Sequence[Mapping[str, str]]:
    """Return tags as GetResources lists them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _selection_row(selection: Answer) -> Answer:
    """Return the row of a selection in ListBackupSelections."""
    row = {name: value for name, value in selection.items() if name != "BackupSelection"}
    also = ("SelectionName", "IamRoleArn")
    inner = selection.get("BackupSelection", {})
    return row | {name: inner[name] for name in also if name in inner}

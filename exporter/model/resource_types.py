"""The resource types that AWS Backup supports, and the forms of their ARNs.

The names are from GetSupportedResourceTypes in botocore's service model and from the opt-in map of
DescribeRegionSettings, which has two more (`DSQL`, `Redshift Serverless`). The ARN forms are from the syntax
of backup policies in AWS Organizations.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ArnForm:
    """A form of the ARNs of a resource type. A type can have two forms, and several types can share a form.

    Attributes:
        resource_type: as AWS Backup spells it.
        service: the third part of the ARN (`ec2`).
        prefix: the start of the resource part of the ARN (`volume/`); empty for S3, because S3 ARNs have no
            type, Region or account.
        infix: a string that the resource part must also contain. A Storage Gateway ARN without `/volume/` is
            a gateway, which AWS Backup does not support.
    """

    resource_type: str
    service: str
    prefix: str
    infix: str = ""

    @property
    def tagging_filter(self) -> str:
        """The filter of the Resource Groups Tagging API that finds resources of this form."""
        return f"{self.service}:{self.prefix[:-1]}" if self.prefix else self.service

    def has(self, resource: str) -> bool:
        """Return whether the resource part of an ARN of this service has this form."""
        rest = resource.removeprefix(self.prefix)
        if not self.prefix:
            return bool(resource) and "/" not in resource and ":" not in resource
        return rest != resource and bool(rest) and self.infix in rest


ARN_FORMS = (
    ArnForm("Aurora", "rds", "cluster:"),
    ArnForm("CloudFormation", "cloudformation", "stack/"),
    ArnForm("DSQL", "dsql", "cluster/"),
    ArnForm("DocumentDB", "rds", "cluster:"),
    ArnForm("DynamoDB", "dynamodb", "table/"),
    ArnForm("EBS", "ec2", "volume/"),
    ArnForm("EC2", "ec2", "instance/"),
    ArnForm("EFS", "elasticfilesystem", "file-system/"),
    ArnForm("EKS", "eks", "cluster/"),
    ArnForm("FSx", "fsx", "file-system/"),
    ArnForm("FSx", "fsx", "volume/"),  # FSx for ONTAP is backed up per volume
    ArnForm("Neptune", "rds", "cluster:"),
    ArnForm("RDS", "rds", "db:"),
    ArnForm("RDS", "rds", "cluster:"),  # a Multi-AZ DB cluster
    ArnForm("Redshift", "redshift", "cluster:"),
    ArnForm("Redshift Serverless", "redshift-serverless", "namespace/"),
    ArnForm("S3", "s3", ""),
    ArnForm("SAP HANA on Amazon EC2", "ssm-sap", "HANA/", "/DB/"),
    ArnForm("Storage Gateway", "storagegateway", "gateway/", "/volume/"),
    ArnForm("Timestream", "timestream", "database/", "/table/"),
    ArnForm("VirtualMachine", "backup-gateway", "vm/"),
)
"""The table of ARN forms. If several types share a form, `resource_type_of` returns the first one."""

RESOURCE_TYPES = tuple(dict.fromkeys(form.resource_type for form in ARN_FORMS))
"""All resource types, in alphabetical order."""

_FORMS_OF_SERVICE = {
    service: tuple(form for form in ARN_FORMS if form.service == service)
    for service in {form.service for form in ARN_FORMS}
}


def possible_resource_types(arn: str) -> tuple[str, ...]:
    """Return all types that a resource with this ARN can have; empty if AWS Backup does not support it."""
    parts = arn.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn":
        return ()
    service, region, account, resource = parts[2:]
    if service == "s3" and (region or account):
        return ()
    return tuple(form.resource_type for form in _FORMS_OF_SERVICE.get(service, ()) if form.has(resource))


def resource_type_of(arn: str) -> str:
    """Return the type of a resource from its ARN, as AWS Backup spells it; empty if it is unknown.

    The ARNs of clusters of Aurora, DocumentDB, Neptune and RDS (Multi-AZ) have the same form
    (`arn:aws:rds:…:cluster:…`). The result for these is `Aurora`, the most common one, so prefer the type
    that AWS Backup reports for a job or a protected resource. `possible_resource_types` returns all four.
    """
    return next(iter(possible_resource_types(arn)), "")


def tagging_filters(resource_types: Iterable[str]) -> tuple[str, ...]:
    """Return the ResourceTypeFilters for GetResources to find resources of these types.

    A filter can return other resources too: all kinds of clusters for `Aurora`, gateways for `Storage
    Gateway`. Check each ARN with `possible_resource_types`. An unknown type adds no filter; note that
    GetResources without a filter returns all resources.
    """
    wanted = set(resource_types)
    return tuple(dict.fromkeys(form.tagging_filter for form in ARN_FORMS if form.resource_type in wanted))

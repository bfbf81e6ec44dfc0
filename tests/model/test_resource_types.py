"""The table of resource types."""

import re

import botocore.session
import pytest

from exporter.model import RESOURCE_TYPES, possible_resource_types, resource_type_of, tagging_filters
from exporter.simulator.arns import resource_type

PLACE = "eu-west-1:123456789012"
ARNS = {
    f"arn:aws:rds:{PLACE}:cluster:orders": "Aurora",
    f"arn:aws:cloudformation:{PLACE}:stack/shop/5f0a": "CloudFormation",
    f"arn:aws:dsql:{PLACE}:cluster/abc": "DSQL",
    f"arn:aws:dynamodb:{PLACE}:table/orders": "DynamoDB",
    f"arn:aws:ec2:{PLACE}:volume/vol-1": "EBS",
    f"arn:aws-cn:ec2:{PLACE}:instance/i-1": "EC2",
    f"arn:aws:elasticfilesystem:{PLACE}:file-system/fs-1": "EFS",
    f"arn:aws:eks:{PLACE}:cluster/shop": "EKS",
    f"arn:aws:fsx:{PLACE}:file-system/fs-1": "FSx",
    f"arn:aws:fsx:{PLACE}:volume/fs-1/fsvol-1": "FSx",
    f"arn:aws:rds:{PLACE}:db:orders": "RDS",
    f"arn:aws:redshift:{PLACE}:cluster:facts": "Redshift",
    f"arn:aws:redshift-serverless:{PLACE}:namespace/5f0a": "Redshift Serverless",
    "arn:aws:s3:::photos": "S3",
    f"arn:aws:ssm-sap:{PLACE}:HANA/app/DB/SYSTEMDB": "SAP HANA on Amazon EC2",
    f"arn:aws:storagegateway:{PLACE}:gateway/sgw-1/volume/vol-1": "Storage Gateway",
    f"arn:aws:timestream:{PLACE}:database/facts/table/orders": "Timestream",
    f"arn:aws:backup-gateway:{PLACE}:vm/vm-1": "VirtualMachine",
}


@pytest.mark.parametrize(("arn", "name"), ARNS.items())
def test_type(arn: str, name: str) -> None:
    """The ARN tells the type."""
    assert resource_type_of(arn) == name


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "photos",
        "arn:aws:ec2",
        f"arn:aws:ec2:{PLACE}:snapshot/snap-1",
        f"arn:aws:ec2:{PLACE}:volume/",
        f"arn:aws:EC2:{PLACE}:volume/vol-1",
        f"arn:aws:lambda:{PLACE}:function:shop",
        f"arn:aws:rds:{PLACE}:cluster-snapshot:orders",
        "arn:aws:s3:::photos/1.jpg",
        "arn:aws:s3:::",
        f"arn:aws:s3:{PLACE}:accesspoint/photos",
        f"arn:aws:storagegateway:{PLACE}:gateway/sgw-1",
        f"arn:aws:timestream:{PLACE}:database/facts",
        f"nra:aws:ec2:{PLACE}:volume/vol-1",
    ],
)
def test_unknown(arn: str) -> None:
    """What AWS Backup does not back up has no type."""
    assert resource_type_of(arn) == ""
    assert possible_resource_types(arn) == ()


def test_cluster() -> None:
    """The ARN of a database cluster does not tell its engine."""
    types = possible_resource_types(f"arn:aws:rds:{PLACE}:cluster:orders")
    assert types == ("Aurora", "DocumentDB", "Neptune", "RDS")


def test_every_supported_type() -> None:
    """The table has each type that the service model documents, and two that only the opt-in map names."""
    shapes = botocore.session.get_session().get_service_model("backup")
    answer = shapes.operation_model("GetSupportedResourceTypes").output_shape
    assert answer is not None
    documented = re.findall(r"<code>([^<]+)</code> for", answer.members["ResourceTypes"].documentation)

    assert set(documented) | {"DSQL", "Redshift Serverless"} == set(RESOURCE_TYPES)
    assert len(documented) > 10


def test_simulator() -> None:
    """The simulated account spells the types alike."""
    for arn, name in ARNS.items():
        if resource_type(arn) in RESOURCE_TYPES and "fsx" not in arn:
            assert resource_type(arn) == name


@pytest.mark.parametrize(
    ("types", "filters"),
    [
        (["EBS"], ("ec2:volume",)),
        (["RDS"], ("rds:db", "rds:cluster")),
        (["Neptune", "Aurora"], ("rds:cluster",)),
        (["FSx"], ("fsx:file-system", "fsx:volume")),
        (["S3", "VirtualMachine"], ("s3", "backup-gateway:vm")),
        (["SAP HANA on Amazon EC2"], ("ssm-sap:HANA",)),
        (["ebs", "Lambda"], ()),
    ],
)
def test_filters(types: list[str], filters: tuple[str, ...]) -> None:
    """Each form of a type's ARNs is one filter, and none comes twice."""
    assert tagging_filters(types) == filters


def test_all_filters() -> None:
    """All types together stay below the hundred filters that one call takes."""
    filters = tagging_filters(RESOURCE_TYPES)
    assert len(set(filters)) == len(filters) <= 100
    assert all(re.fullmatch(r"[a-z0-9-]+(:[A-Za-z-]+)?", name) for name in filters)

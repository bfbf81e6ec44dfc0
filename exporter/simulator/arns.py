"""Parses ARNs of resources and creates the ARNs that AWS Backup derives from them."""

import re

_TYPES = {
    "ec2:instance": "EC2",
    "ec2:volume": "EBS",
    "rds:db": "RDS",
    "rds:cluster": "Aurora",
    "dynamodb:table": "DynamoDB",
    "elasticfilesystem:file-system": "EFS",
    "s3:": "S3",
    "fsx:file-system": "FSx",
    "cloudformation:stack": "CloudFormation",
}


def resource_type(arn: str) -> str:
    """Return the AWS Backup resource type for the ARN of a resource."""
    service, *_, resource = arn.split(":", 5)[2:]
    kind = resource.replace("/", ":").split(":")[0] if service != "s3" else ""
    return _TYPES.get(f"{service}:{kind}", service)


def recovery_point_arn(resource: str, region: str, account_id: str, job_id: str) -> str:
    """Return the ARN of the recovery point that a job creates for a resource."""
    digits = job_id.replace("-", "")[:17]
    forms = {
        "EBS": f"arn:aws:ec2:{region}::snapshot/snap-{digits}",
        "EC2": f"arn:aws:ec2:{region}::image/ami-{digits}",
        "RDS": f"arn:aws:rds:{region}:{account_id}:snapshot:awsbackup:job-{job_id}",
        "Aurora": f"arn:aws:rds:{region}:{account_id}:cluster-snapshot:awsbackup:job-{job_id}",
    }
    other = f"arn:aws:backup:{region}:{account_id}:recovery-point:{job_id}"
    return forms.get(resource_type(resource), other)


def restored_arn(resource: str, job_id: str) -> str:
    """Return the ARN of the resource that a restore job creates, with another id or name."""
    other_id, found = re.subn(r"-0[0-9a-f]+$", f"-0{job_id.replace('-', '')[:16]}", resource)
    return other_id if found else f"{resource}-restored-{job_id[:8]}"


def vault_arn(region: str, account_id: str, name: str = "") -> str:
    """Return the ARN of a vault."""
    return f"arn:aws:backup:{region}:{account_id}:backup-vault:{name}"

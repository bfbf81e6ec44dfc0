"""The CloudFormation templates: who may assume the roles, and what the roles may do."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.iam.cloudformation import Stack, load

ROOT = Path(__file__).resolve().parents[2]
AWS = ROOT / "deploy" / "aws"
TEMPLATES = sorted((AWS / "cloudformation").glob("*.yaml"))
EXPORTER, MEMBER = (
    (AWS / "cloudformation" / name).read_text(encoding="utf-8")
    for name in ("exporter-role.yaml", "member-role.yaml")
)
OTHER_ROLE = "arn:aws:iam::444455556666:role/prometheus"
ISSUER = "oidc.eks.eu-west-1.amazonaws.com/id/A1"
ASSUME = ["sts:AssumeRole", "sts:TagSession"]


def policy_file(name: str) -> list[dict[str, Any]]:
    """Give the statements of a policy in `deploy/aws/policies`."""
    statements: list[dict[str, Any]] = json.loads((AWS / "policies" / name).read_text())["Statement"]
    return statements


def permissions(stack: Stack) -> list[dict[str, Any]]:
    """Give the statements of the only policy of the role."""
    [policy] = stack.resources["Role"]["Policies"]
    statements: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return statements


def trust(stack: Stack) -> dict[str, Any]:
    """Give the only statement of the role's trust policy."""
    document = stack.resources["Role"]["AssumeRolePolicyDocument"]
    [statement] = (json.loads(document) if isinstance(document, str) else document)["Statement"]
    assert statement.pop("Effect") == "Allow"
    return dict(statement)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_templates_fit_into_a_request(template: Path) -> None:
    """A template can be deployed from a file, without a bucket: it is smaller than 51,200 bytes."""
    assert template.stat().st_size < 51_200


@pytest.mark.parametrize(
    ("settings", "file"),
    [
        ({}, "account.json"),
        ({"Inventory": "true"}, "account-with-inventory.json"),
        ({"Organization": "true", "MemberOrganizationalUnitIds": "r-ab12"}, "organization.json"),
        (
            {"Organization": "true", "MemberOrganizationalUnitIds": "r-ab12", "Inventory": "true"},
            "organization-with-inventory.json",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_permissions_are_those_of_the_policy(settings: dict[str, str], file: str) -> None:
    """The role of the exporter has the permissions of the documented policy, no more, no less."""
    assert permissions(Stack(EXPORTER, RunsOn="ec2", **settings)) == policy_file(file)


@pytest.mark.parametrize(("inventory", "file"), [("false", "account"), ("true", "account-with-inventory")])
def test_a_member_has_the_permissions_of_one_account(inventory: str, file: str) -> None:
    """The role in another account has the permissions for one account, and may assume no role."""
    stack = Stack(MEMBER, ExporterRoleArn=OTHER_ROLE, Inventory=inventory)

    assert permissions(stack) == policy_file(f"{file}.json")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (
            {"RunsOn": "ec2"},
            {"Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"},
        ),
        (
            {"RunsOn": "ecs"},
            {
                "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": "123456789012"},
                    "ArnLike": {"aws:SourceArn": "arn:aws:ecs:*:123456789012:*"},
                },
            },
        ),
        (
            {"RunsOn": "eks-pod-identity", "Namespace": "observability"},
            {
                "Principal": {"Service": "pods.eks.amazonaws.com"},
                "Action": ASSUME,
                "Condition": {
                    "StringEquals": {
                        "aws:RequestTag/kubernetes-namespace": "observability",
                        "aws:RequestTag/kubernetes-service-account": "aws-backup-exporter",
                    }
                },
            },
        ),
        (
            {"RunsOn": "eks-irsa", "OidcProvider": ISSUER},
            {
                "Principal": {"Federated": f"arn:aws:iam::123456789012:oidc-provider/{ISSUER}"},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {
                    "StringEquals": {
                        f"{ISSUER}:aud": "sts.amazonaws.com",
                        f"{ISSUER}:sub": ("system:serviceaccount:monitoring:aws-backup-exporter"),
                    }
                },
            },
        ),
        (
            {"RunsOn": "other-role", "ExporterRoleArn": OTHER_ROLE, "ExternalId": "a-long-random-text"},
            {
                "Principal": {"AWS": OTHER_ROLE},
                "Action": ASSUME,
                "Condition": {"StringEquals": {"sts:ExternalId": "a-long-random-text"}},
            },
        ),
        (
            {"RunsOn": "other-role", "ExporterRoleArn": OTHER_ROLE},
            {"Principal": {"AWS": OTHER_ROLE}, "Action": ASSUME},
        ),
    ],
    ids=lambda value: value.get("RunsOn", ""),
)
def test_one_identity_may_assume_the_role(settings: dict[str, str], expected: dict[str, Any]) -> None:
    """Only the place where the exporter runs may assume its role, with the conditions that AWS recommends."""
    assert trust(Stack(EXPORTER, **settings)) == expected


@pytest.mark.parametrize("external_id", ["", "a-long-random-text"])
def test_a_member_trusts_the_exporter(external_id: str) -> None:
    """The role in another account trusts the role of the exporter, with the external ID if there is one."""
    condition = {"Condition": {"StringEquals": {"sts:ExternalId": external_id}}} if external_id else {}
    stack = Stack(MEMBER, ExporterRoleArn=OTHER_ROLE, ExternalId=external_id)

    assert trust(stack) == {"Principal": {"AWS": OTHER_ROLE}, "Action": ASSUME} | condition


@pytest.mark.parametrize(
    ("runs_on", "others", "failed"),
    [
        ("eks-irsa", {}, 1),
        ("eks-irsa", {"OidcProvider": ISSUER}, 0),
        ("other-role", {}, 1),
        ("other-role", {"ExporterRoleArn": OTHER_ROLE}, 0),
        ("ec2", {}, 0),
    ],
)
def test_missing_parameters_are_refused(runs_on: str, others: dict[str, str], failed: int) -> None:
    """A role that nobody could assume for lack of a parameter is not created."""
    assert len(Stack(EXPORTER, RunsOn=runs_on, **others).failed_rules) == failed


def test_monitored_roles_are_named() -> None:
    """Roles in accounts outside an organization are assumed by their ARNs."""
    arns = "arn:aws:iam::111122223333:role/a,arn:aws:iam::222233334444:role/b"
    [_, statement] = permissions(Stack(EXPORTER, RunsOn="ec2", MonitoredRoleArns=arns))

    assert statement["Resource"] == arns.split(",")
    assert statement["Action"] == ASSUME


def test_members_only_where_units_are_named() -> None:
    """Without organizational units there is no stack set."""
    assert "MemberRoles" not in Stack(EXPORTER, RunsOn="ec2", Organization="true").resources


def test_the_stack_set_makes_the_roles_of_members() -> None:
    """The stack set creates the role of the member template, which trusts the role of the exporter."""
    stack = Stack(EXPORTER, RunsOn="ec2", MemberOrganizationalUnitIds="ou-ab12-1,ou-ab12-2", Inventory="true")
    members = stack.resources["MemberRoles"]
    parameters = {row["ParameterKey"]: row["ParameterValue"] for row in members["Parameters"]}

    assert load(members["TemplateBody"]) == load(MEMBER)
    assert parameters == {
        "RoleName": "aws-backup-exporter",
        "ExporterRoleArn": "Role.Arn",
        "Inventory": "true",
    }
    assert members["StackInstancesGroup"] == [
        {
            "DeploymentTargets": {"OrganizationalUnitIds": ["ou-ab12-1", "ou-ab12-2"]},
            "Regions": ["eu-west-1"],
        }
    ]


def test_a_delegated_administrator_is_no_member_of_its_own() -> None:
    """In a delegated administrator account the stack set leaves out this account, which has the role."""
    stack = Stack(EXPORTER, RunsOn="ec2", MemberOrganizationalUnitIds="ou-ab12-1", CallAs="DELEGATED_ADMIN")
    [group] = stack.resources["MemberRoles"]["StackInstancesGroup"]

    assert group["DeploymentTargets"] == {
        "OrganizationalUnitIds": ["ou-ab12-1"],
        "AccountFilterType": "DIFFERENCE",
        "Accounts": ["123456789012"],
    }

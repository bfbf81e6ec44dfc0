"""The policies in `deploy/aws/policies`, held against the calls in the code of the exporter."""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from exporter.aws import action_of
from tools import iam_policies

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "aws" / "policies"
POLICIES = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}
CALLERS = ("exporter/aws", "exporter/collectors", "exporter/model")
SERVICES = {
    "backup": "backup",
    "tag": "resourcegroupstaggingapi",
    "organizations": "organizations",
    "sts": "sts",
}
READS = re.compile(r"backup:(List|Describe|Get)\w+|organizations:List\w+|tag:GetResources")


def statements() -> list[Any]:
    """Give each statement of each policy."""
    return [
        pytest.param(statement, id=f"{name}-{statement['Sid']}")
        for name, policy in POLICIES.items()
        for statement in policy["Statement"]
    ]


def allowed(name: str) -> set[str]:
    """Give the actions that a policy allows."""
    return {action for statement in POLICIES[name]["Statement"] for action in statement["Action"]}


@cache
def operation_names(prefix: str) -> frozenset[str]:
    """Give the operations of a service that botocore knows."""
    return frozenset(botocore.session.get_session().get_service_model(SERVICES[prefix]).operation_names)


def texts(folder: str) -> Iterator[str]:
    """Give each string in the code of a package."""
    for path in (ROOT / folder).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_every_operation_in_the_code_is_allowed() -> None:
    """The largest policy allows each AWS operation that the code names, except those of STS, and no other."""
    known = frozenset().union(*(operation_names(prefix) for prefix in SERVICES if prefix != "sts"))
    named = {action_of(text) for folder in CALLERS for text in texts(folder) if text in known}

    assert len(named) > 20
    assert named == allowed("organization-with-inventory.json") - {*iam_policies.ASSUME_ROLE}


def test_each_file_is_one_of_the_policies() -> None:
    """The folder holds the policies that the tool writes, and no other."""
    assert {path.name for path in FOLDER.iterdir()} == iam_policies.policy_files().keys()


@pytest.mark.parametrize("statement", statements())
def test_actions_exist(statement: dict[str, Any]) -> None:
    """A statement names operations of AWS in full, without wildcards."""
    for action in statement["Action"]:
        prefix, operation = action.split(":")
        if action != "sts:TagSession":  # an action without an operation
            assert operation in operation_names(prefix)


@pytest.mark.parametrize("statement", statements())
def test_every_resource_may_only_be_read(statement: dict[str, Any]) -> None:
    """A statement for all resources only reads; roles are assumed by name, within the organization."""
    if statement["Resource"] == "*":
        assert all(READS.fullmatch(action) for action in statement["Action"])
    else:
        assert statement["Action"] == ["sts:AssumeRole", "sts:TagSession"]
        assert statement["Resource"] == "arn:aws:iam::*:role/aws-backup-exporter"
        assert statement["Condition"] == {"StringEquals": {"aws:ResourceOrgID": "${aws:PrincipalOrgID}"}}


@pytest.mark.parametrize("name", POLICIES)
def test_policies_fit(name: str) -> None:
    """A policy is shorter than the 6,144 characters that IAM allows for a managed policy."""
    assert len(re.sub(r"\s", "", json.dumps(POLICIES[name]))) < 6144

"""The IAM policies of the exporter, derived from the calls that its collectors make."""

import json
from collections.abc import Iterable, Mapping

from exporter.config import Config, ResourceInventory
from exporter.doctor import actions, organization_actions

ROLE_NAME = "aws-backup-exporter"
ASSUME_ROLE = ("sts:AssumeRole", "sts:TagSession")
SAME_ORGANIZATION = {"StringEquals": {"aws:ResourceOrgID": "${aws:PrincipalOrgID}"}}

Statement = dict[str, object]


def account_actions() -> list[str]:
    """Return the actions that the default configuration needs in one account."""
    return _unique(actions(Config()).values())


def inventory_actions() -> list[str]:
    """Return the actions that `inventory.enabled` needs beside those of the default configuration."""
    with_inventory = _unique(actions(Config(inventory=ResourceInventory(enabled=True))).values())
    return [action for action in with_inventory if action not in account_actions()]


def accounts_actions() -> list[str]:
    """Return the actions that an organization needs beside those for one account."""
    needed = _unique(organization_actions(Config()).values())
    return [action for action in needed if action not in account_actions()]


def read_statement(sid: str, condition: object = None) -> Statement:
    """Return the statement for one account."""
    return _statement(sid, account_actions(), condition=condition)


def inventory_statement() -> Statement:
    """Return the statement for the inventory."""
    return _statement("ReadResources", inventory_actions())


def organization_statements() -> list[Statement]:
    """Return the statements for an organization and its members, beside that for one account."""
    return [
        _statement("ReadAccountsOfTheOrganization", accounts_actions()),
        _statement(
            "AssumeTheRolesOfMembers",
            ASSUME_ROLE,
            resource=f"arn:aws:iam::*:role/{ROLE_NAME}",
            condition=SAME_ORGANIZATION,
        ),
    ]


def policy(*statements: Statement) -> str:
    """Return a policy as JSON."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2) + "\n"


def policy_files() -> Mapping[str, str]:
    """Return the contents of the policies in `deploy/aws/policies/` by file name."""
    account = read_statement("ReadAwsBackup")
    return {
        "account.json": policy(account),
        "account-with-inventory.json": policy(account, inventory_statement()),
        "organization.json": policy(account, *organization_statements()),
        "organization-with-inventory.json": policy(
            account, inventory_statement(), *organization_statements()
        ),
    }


def _statement(
    sid: str, allowed: Iterable[str], *, resource: str = "*", condition: object = None
) -> Statement:
    statement: Statement = {"Sid": sid, "Effect": "Allow", "Action": [*allowed], "Resource": resource}
    return statement | ({"Condition": condition} if condition else {})


def _unique(groups: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(action for group in groups for action in group))

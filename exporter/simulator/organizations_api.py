"""AWS Organizations as the accounts of a simulated organization can call it."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from moto.core.common_types import TYPE_RESPONSE

from exporter.simulator.account import Account
from exporter.simulator.errors import ApiError, unknown_operation
from exporter.simulator.organization import Member, Organization, Unit
from exporter.simulator.role_sessions import RoleSessions
from exporter.simulator.service_response import ServiceResponse

ORGANIZATIONS_URL = r"https?://organizations\.(.+)\.amazonaws\.com/"

Answer = dict[str, Any]


class OrganizationsApi:
    """The operations that read an organization."""

    def __init__(self, organization: Organization) -> None:
        self._organization = organization
        self._page = organization.pager.page
        self.operations: Mapping[str, Callable[[Mapping[str, Any]], Answer]] = {
            "DescribeAccount": self._describe_account,
            "DescribeOrganization": self._describe_organization,
            "DescribeOrganizationalUnit": self._describe_unit,
            "ListAccounts": self._list_accounts,
            "ListAccountsForParent": self._list_accounts_for_parent,
            "ListDelegatedAdministrators": self._list_administrators,
            "ListOrganizationalUnitsForParent": self._list_units_for_parent,
            "ListParents": self._list_parents,
            "ListRoots": self._list_roots,
        }

    def call(self, operation: str, parameters: Mapping[str, Any], caller: str) -> Answer:
        """Perform an operation for an account; raise ApiError for an error response."""
        organization = self._organization
        organization.requests.admit(operation, parameters)
        if not organization.is_member(caller):
            raise _not_in_use()
        if operation != "DescribeOrganization" and not organization.may_see_all(caller):
            raise ApiError(
                "AccessDeniedException", 400, "You don't have permissions to access this resource."
            )
        if operation not in self.operations:
            raise unknown_operation(operation)
        return self.operations[operation](parameters)

    def _describe_organization(self, _: Mapping[str, Any]) -> Answer:
        management = self._organization.management_account_id
        fields = {
            "Id": self._organization.organization_id,
            "Arn": self._arn("organization"),
            "FeatureSet": "ALL",
            "MasterAccountArn": self._arn("account", management),
            "MasterAccountId": management,
            "MasterAccountEmail": _email(management),
            "AvailablePolicyTypes": [],
        }
        return {"Organization": fields}

    def _list_roots(self, parameters: Mapping[str, Any]) -> Answer:
        root = self._organization.unit(self._organization.root_id)
        row = {
            "Id": root.unit_id,
            "Arn": self._arn("root", root.unit_id),
            "Name": root.name,
            "PolicyTypes": [{"Type": "BACKUP_POLICY", "Status": "ENABLED"}],
        }
        return self._page("ListRoots", parameters, [row], "Id", "Roots")

    def _list_accounts(self, parameters: Mapping[str, Any]) -> Answer:
        rows = [self._account(member) for member in self._organization.members()]
        return self._page("ListAccounts", parameters, rows, "Id", "Accounts")

    def _list_accounts_for_parent(self, parameters: Mapping[str, Any]) -> Answer:
        parent = self._parent(parameters)
        members = self._organization.members()
        rows = [self._account(member) for member in members if member.unit_id == parent.unit_id]
        return self._page("ListAccountsForParent", parameters, rows, "Id", "Accounts")

    def _list_units_for_parent(self, parameters: Mapping[str, Any]) -> Answer:
        parent = self._parent(parameters)
        units = self._organization.units()
        rows = [self._unit(unit) for unit in units if unit.parent_id == parent.unit_id]
        operation = "ListOrganizationalUnitsForParent"
        return self._page(operation, parameters, rows, "Id", "OrganizationalUnits")

    def _describe_unit(self, parameters: Mapping[str, Any]) -> Answer:
        unit = self._find_unit(parameters["OrganizationalUnitId"], "OrganizationalUnitNotFoundException")
        return {"OrganizationalUnit": self._unit(unit)}

    def _describe_account(self, parameters: Mapping[str, Any]) -> Answer:
        return {
            "Account": self._account(self._find_account(parameters["AccountId"], "AccountNotFoundException"))
        }

    def _list_parents(self, parameters: Mapping[str, Any]) -> Answer:
        child, error = parameters["ChildId"], "ChildNotFoundException"
        if child.startswith("ou-"):
            parent_id = self._find_unit(child, error).parent_id
        else:
            parent_id = self._find_account(child, error).unit_id
        kind = "ROOT" if parent_id == self._organization.root_id else "ORGANIZATIONAL_UNIT"
        return {"Parents": [{"Id": parent_id, "Type": kind}]}

    def _list_administrators(self, parameters: Mapping[str, Any]) -> Answer:
        administrators = self._organization.administrators()
        rows = [
            self._account(member) | {"DelegationEnabledDate": administrators[member.account_id]}
            for member in self._organization.members()
            if member.account_id in administrators
        ]
        for row in rows:
            del row["Paths"]
        operation = "ListDelegatedAdministrators"
        return self._page(operation, parameters, rows, "Id", "DelegatedAdministrators")

    def _account(self, member: Member) -> Answer:
        """Return an account as AWS describes it."""
        status = member.state if member.state != "CLOSED" else "SUSPENDED"
        row = {
            "Id": member.account_id,
            "Arn": self._arn("account", member.account_id),
            "Email": _email(member.account_id),
            "Name": member.name,
            "State": member.state,
            "Paths": [f"{self._organization.path(member.unit_id)}{member.account_id}/"],
            "JoinedMethod": "CREATED",
            "JoinedTimestamp": member.joined,
        }
        return row | ({"Status": status} if self._organization.has_status else {})

    def _unit(self, unit: Unit) -> Answer:
        """Return a unit as AWS describes it."""
        arn, path = self._arn("ou", unit.unit_id), self._organization.path(unit.unit_id)
        return {"Id": unit.unit_id, "Arn": arn, "Name": unit.name, "Path": path}

    def _parent(self, parameters: Mapping[str, Any]) -> Unit:
        return self._find_unit(parameters["ParentId"], "ParentNotFoundException")

    def _find_unit(self, unit_id: str, error: str) -> Unit:
        try:
            return self._organization.unit(unit_id)
        except KeyError as missing:
            raise ApiError(error, 400, f"You specified an ID that does not exist: {unit_id}") from missing

    def _find_account(self, account_id: str, error: str) -> Member:
        try:
            return self._organization.member(account_id)
        except KeyError as missing:
            raise ApiError(error, 400, f"You specified an ID that does not exist: {account_id}") from missing

    def _arn(self, *parts: str) -> str:
        kind, *rest = parts
        organization = self._organization
        path = "/".join([kind, organization.organization_id, *rest])
        return f"arn:aws:organizations::{organization.management_account_id}:{path}"


class OrganizationsResponse(ServiceResponse):
    """One request to AWS Organizations.

    Args:
        find: returns the account of a Region and an account id.
        sessions: the sessions of roles.
        organization: None if there is none.
    """

    def __init__(
        self, find: Callable[[str, str], Account], sessions: RoleSessions, organization: Organization | None
    ) -> None:
        super().__init__(find, sessions)
        self.service_name = "organizations"
        self._organization = organization

    def call_action(self) -> TYPE_RESPONSE:
        """Handle the call."""
        if self._organization is None:
            raise _not_in_use()
        parameters = json.loads(self.body or "{}")
        api = OrganizationsApi(self._organization)
        answer = api.call(self._get_action(), parameters, self.current_account)
        return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer)


def _email(account_id: str) -> str:
    return f"aws-{account_id}@example.com"


def _not_in_use() -> ApiError:
    return ApiError(
        "AWSOrganizationsNotInUseException", 400, "Your account is not a member of an organization."
    )

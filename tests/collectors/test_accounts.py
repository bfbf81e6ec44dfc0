"""The accounts of an organization."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from exporter.aws import AwsError, BackupApi, Budget
from exporter.collectors import AccountsCollector
from exporter.ledger import AccountOwners, Ledger
from exporter.model import Account, Fault, Scope

ONE, TWO, THREE = "111111111111", "222222222222", "333333333333"
DENIED = AwsError(Fault("AccessDeniedException", "not allowed", "allow it"))


def row(account_id: str, name: str = "name", status: str = "ACTIVE") -> dict[str, Any]:
    """An account in a list."""
    arn = f"arn:aws:organizations::9:account/o-1/{account_id}"
    return {"Id": account_id, "Arn": arn, "Name": name, "Status": status}


@dataclass
class Organizations:
    """Answers the calls of AWS Organizations, two rows a page.

    Attributes:
        accounts: the accounts.
        units: the name and the parent of each organizational unit, by ID.
        homes: the parent of each account; the root unless given.
        denied: operations that fail.
        calls: the operations called.
    """

    accounts: list[dict[str, Any]]
    units: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    homes: Mapping[str, str] = field(default_factory=dict)
    denied: Sequence[str] = ()
    calls: list[str] = field(default_factory=list)

    def call(self, region: str, operation: str, **parameters: Any) -> Mapping[str, Any]:
        """Answer one call."""
        assert region == "eu-west-1"
        self.calls.append(operation)
        if operation in self.denied:
            raise DENIED
        member, rows = self._rows(operation, parameters.get("ParentId", ""))
        if not member:
            return {"Account": ONE}
        start = int(parameters.get("NextToken", 0))
        more = {"NextToken": str(start + 2)} if len(rows) > start + 2 else {}
        return {member: rows[start : start + 2], **more}

    def _rows(self, operation: str, parent: str) -> tuple[str, list[dict[str, Any]]]:
        match operation:
            case "ListAccounts":
                return "Accounts", self.accounts
            case "ListRoots":
                return "Roots", [{"Id": "r-1"}]
            case "ListAccountsForParent":
                return "Accounts", [
                    one for one in self.accounts if self.homes.get(one["Id"], "r-1") == parent
                ]
            case "ListOrganizationalUnitsForParent":
                units = self.units.items()
                found = [{"Id": unit, "Name": name} for unit, (name, above) in units if above == parent]
                return "OrganizationalUnits", found
        return "", []


@dataclass
class Run:
    """A collector, and the accounts it has told of each time."""

    collector: AccountsCollector
    ledger: Ledger
    told: list[dict[str, Account]]

    @property
    def known(self) -> dict[str, Account]:
        """The accounts in the ledger."""
        return {account.id: account for account in self.ledger.inventory.accounts}


def run(aws: Organizations, *, needs_units: bool = False, needs_own_id: bool = False) -> Run:
    """Create a collector."""
    ledger, told = Ledger(Scope("company", "global"), (), max_jobs=0), []
    api = BackupApi(
        aws,
        "eu-west-1",
        budget=Budget(100.0, lambda: 0.0),
        meter=lambda _operation, _code, _seconds: None,
        omissions=lambda _operation, _left_out: None,
        clock=lambda: 0.0,
        sleep=lambda _: None,
    )
    collector = AccountsCollector(
        api,
        ledger,
        owners=AccountOwners(),
        pace=3600.0,
        needs_own_id=needs_own_id,
        needs_units=needs_units,
        on_accounts=lambda accounts: told.append({account.id: account for account in accounts}),
    )
    return Run(collector, ledger, told)


def test_all_pages_are_read() -> None:
    """Accounts on later pages of the list are known too."""
    made = run(Organizations([row(ONE), row(TWO), row(THREE)]))
    made.collector.refresh()
    assert made.known.keys() == {ONE, TWO, THREE}


def test_accounts_are_told_before_their_units() -> None:
    """The accounts are known after the first list, because organizational units take many more calls."""
    aws = Organizations([row(ONE)], denied=["ListRoots"])
    made = run(aws)
    with pytest.raises(AwsError):
        made.collector.refresh()
    assert made.told[0].keys() == {ONE}


def test_units_are_paths_of_names() -> None:
    """The unit of an account is the path of names below the root."""
    units = {"ou-a": ("Workloads", "r-1"), "ou-b": ("Production", "ou-a")}
    made = run(Organizations([row(ONE), row(TWO)], units, {ONE: "ou-b"}))
    made.collector.refresh()
    assert (made.known[ONE].unit, made.known[TWO].unit) == ("Workloads/Production", "")


def test_the_ids_of_all_units_above_an_account_are_known() -> None:
    """An account can be selected by its root and by each organizational unit above it."""
    units = {"ou-a": ("Workloads", "r-1"), "ou-b": ("Production", "ou-a")}
    made = run(Organizations([row(ONE)], units, {ONE: "ou-b"}))
    made.collector.refresh()
    assert made.known[ONE].unit_ids == ("r-1", "ou-a", "ou-b")


def test_paths_make_the_lists_of_each_unit_unnecessary() -> None:
    """If AWS tells the path of each account, the accounts of each unit are not listed."""
    units = {"ou-a": ("Workloads", "r-1"), "ou-b": ("Production", "ou-a")}
    aws = Organizations([row(ONE) | {"Paths": [f"o-1/r-1/ou-a/ou-b/{ONE}/"]}], units, {ONE: "ou-b"})
    made = run(aws, needs_units=True)
    made.collector.refresh()
    assert made.told[0][ONE].unit_ids == ("r-1", "ou-a", "ou-b")
    assert made.known[ONE].unit == "Workloads/Production"
    assert "ListAccountsForParent" not in aws.calls


@pytest.mark.parametrize("member", ["State", "Status"])
def test_the_state_is_known_by_either_name(member: str) -> None:
    """AWS replaces the field Status with State."""
    account = row(ONE)
    del account["Status"]
    made = run(Organizations([account | {member: "SUSPENDED"}]))
    made.collector.refresh()
    assert made.known[ONE].status == "SUSPENDED"


def test_accounts_wait_for_units_that_select_them() -> None:
    """If units select the members, accounts are told only when their units are known."""
    made = run(Organizations([row(ONE)], denied=["ListRoots"]), needs_units=True)
    with pytest.raises(AwsError):
        made.collector.refresh()
    assert not made.told


def test_a_renamed_unit_is_told_at_the_next_refresh() -> None:
    """The path of an account changes with the name of its unit."""
    aws = Organizations([row(ONE)], {"ou-a": ("Old", "r-1")}, {ONE: "ou-a"})
    made = run(aws)
    made.collector.refresh()
    aws.units = {"ou-a": ("New", "r-1")}
    made.collector.refresh()
    assert made.known[ONE].unit == "New"


def test_known_units_stay_while_the_list_of_accounts_is_read() -> None:
    """Between the list of accounts and that of the units, an account keeps its unit."""
    made = run(Organizations([row(ONE)], {"ou-a": ("Unit", "r-1")}, {ONE: "ou-a"}))
    made.collector.refresh()
    made.collector.refresh()
    assert {told[ONE].unit for told in made.told[1:]} == {"Unit"}


def test_an_account_that_left_is_gone() -> None:
    """An account that is no longer listed is no longer known."""
    aws = Organizations([row(ONE), row(TWO)])
    made = run(aws)
    made.collector.refresh()
    aws.accounts = [row(TWO)]
    made.collector.refresh()
    assert made.known.keys() == {TWO}


def test_a_failure_keeps_the_known_accounts() -> None:
    """While the accounts cannot be listed, those known before stay."""
    aws = Organizations([row(ONE)])
    made = run(aws)
    made.collector.refresh()
    aws.denied = ["ListAccounts"]
    with pytest.raises(AwsError):
        made.collector.refresh()
    assert made.known.keys() == {ONE}


def test_the_own_account_is_marked() -> None:
    """The account of the credentials is marked, because it needs no role."""
    made = run(Organizations([row(ONE), row(TWO)]), needs_own_id=True)
    made.collector.refresh()
    assert {account_id for account_id, account in made.known.items() if account.is_own} == {ONE}


def test_the_own_account_is_asked_for_once() -> None:
    """The identity of the credentials does not change, so it is asked for only at the first refresh."""
    aws = Organizations([row(ONE)])
    made = run(aws, needs_own_id=True)
    made.collector.refresh()
    made.collector.refresh()
    assert aws.calls.count("GetCallerIdentity") == 1

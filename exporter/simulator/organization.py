"""A simulated organization of AWS accounts, which a test or the demo changes while it is running."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from threading import RLock
from typing import Any

from exporter.simulator.pagination import Pager
from exporter.simulator.request_control import RequestControl

LARGEST_PAGE = 20


@dataclass(frozen=True)
class Unit:
    """An organizational unit, or the root, which has no parent."""

    unit_id: str
    name: str
    parent_id: str | None


@dataclass(frozen=True)
class Member:
    """An account of the organization.

    `state` is that of AWS, such as ACTIVE, SUSPENDED, PENDING_CLOSURE or CLOSED. `joined` is in seconds since
    1970.
    """

    account_id: str
    name: str
    unit_id: str
    joined: float
    state: str = "ACTIVE"


class Organization:
    """The accounts and organizational units of an organization. Thread-safe.

    Units are identified by the ID that `add_unit` returns. All methods raise KeyError for an account or a
    unit that does not exist.

    Args:
        management_account_id: the account that manages the organization.
        clock: returns seconds since 1970.

    Attributes:
        requests: injects failures and delays into the calls to AWS Organizations, and records the calls.
        has_status: whether accounts have the field Status, which AWS retires in September 2026; State
            replaces it.
        pager: shortens pages.
    """

    organization_id = "o-simulated00"
    root_id = "r-root"

    def __init__(self, management_account_id: str, clock: Callable[[], float]) -> None:
        self.management_account_id = management_account_id
        self.requests = RequestControl(clock)
        self.has_status = True
        self.pager = Pager(LARGEST_PAGE)
        self._clock = clock
        self._units = {self.root_id: Unit(self.root_id, "Root", None)}
        self._members: dict[str, Member] = {}
        self._administrators: dict[str, float] = {}
        self._numbers = count(1)
        self._lock = RLock()
        self.add_account(management_account_id, "management")

    def add_unit(self, name: str, parent_id: str = root_id) -> str:
        """Add an organizational unit; return its ID."""
        with self._lock:
            unit_id = f"ou-root-{next(self._numbers):08x}"
            self._units[unit_id] = Unit(unit_id, name, self.unit(parent_id).unit_id)
            return unit_id

    def rename_unit(self, unit_id: str, name: str) -> None:
        """Rename an organizational unit."""
        with self._lock:
            self._units[unit_id] = replace(self._units[unit_id], name=name)

    def add_account(
        self, account_id: str, name: str, unit_id: str = root_id, joined: float | None = None
    ) -> None:
        """Let an account join, or replace it; `joined` is in seconds since 1970, by default now."""
        with self._lock:
            joined = self._clock() if joined is None else joined
            self._members[account_id] = Member(account_id, name, self.unit(unit_id).unit_id, joined)

    def remove_account(self, account_id: str) -> None:
        """Let an account leave."""
        with self._lock:
            del self._members[account_id]
            self._administrators.pop(account_id, None)

    def rename_account(self, account_id: str, name: str) -> None:
        """Rename an account."""
        self._change(account_id, name=name)

    def move_account(self, account_id: str, unit_id: str) -> None:
        """Move an account to another organizational unit, or to the root."""
        self._change(account_id, unit_id=self.unit(unit_id).unit_id)

    def set_state(self, account_id: str, state: str) -> None:
        """Set the state of an account. The roles of an account can be assumed only while it is ACTIVE."""
        self._change(account_id, state=state)

    def register_administrator(self, account_id: str) -> None:
        """Make an account a delegated administrator of AWS Backup, which may do what the management may."""
        with self._lock:
            self._administrators[self.member(account_id).account_id] = self._clock()

    def deregister_administrator(self, account_id: str) -> None:
        """Undo register_administrator."""
        with self._lock:
            del self._administrators[account_id]

    def unit(self, unit_id: str) -> Unit:
        """Return a unit, or the root."""
        return self._units[unit_id]

    def member(self, account_id: str) -> Member:
        """Return an account."""
        return self._members[account_id]

    def units(self) -> list[Unit]:
        """Return all organizational units by ID, without the root."""
        with self._lock:
            return sorted((unit for unit in self._units.values() if unit.parent_id), key=_unit_id)

    def members(self) -> list[Member]:
        """Return all accounts by ID."""
        with self._lock:
            return sorted(self._members.values(), key=_account_id)

    def administrators(self) -> dict[str, float]:
        """Return the delegated administrators, and when each was registered in seconds since 1970."""
        with self._lock:
            return dict(self._administrators)

    def path(self, unit_id: str) -> str:
        """Return the path of a unit as AWS has it: the IDs of the organization and of all units above."""
        return "".join(f"{part}/" for part in [self.organization_id, *reversed([*self._upwards(unit_id)])])

    def is_member(self, account_id: str) -> bool:
        """Return whether an account belongs to the organization."""
        return account_id in self._members

    def may_see_all(self, account_id: str) -> bool:
        """Return whether an account is the management account or a delegated administrator."""
        return account_id == self.management_account_id or account_id in self._administrators

    def is_closed(self, account_id: str) -> bool:
        """Return whether an account is a member that is not active."""
        member = self._members.get(account_id)
        return member is not None and member.state != "ACTIVE"

    def _change(self, account_id: str, **fields: Any) -> None:
        with self._lock:
            self._members[account_id] = replace(self._members[account_id], **fields)

    def _upwards(self, unit_id: str | None) -> Iterator[str]:
        while unit_id is not None:
            yield unit_id
            unit_id = self._units[unit_id].parent_id


def _unit_id(unit: Unit) -> str:
    return unit.unit_id


def _account_id(member: Member) -> str:
    return member.account_id

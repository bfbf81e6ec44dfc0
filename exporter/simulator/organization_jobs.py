"""Lists the jobs of all accounts of an organization in one Region."""

from collections.abc import Mapping
from threading import Lock
from typing import Any

from exporter.simulator.account import Account
from exporter.simulator.job_index import JobIndex
from exporter.simulator.job_kinds import KINDS, Answer, Kind
from exporter.simulator.job_lists import JobSource, list_jobs
from exporter.simulator.pagination import Position


class OrganizationJobs:
    """The jobs of many accounts in one Region, in one index for each kind. Thread-safe."""

    def __init__(self) -> None:
        self._indexes = {kind.name: JobIndex(kind) for kind in KINDS}
        self._indexed: set[str] = set()
        self._lock = Lock()

    def list(
        self, caller: Account, kind: Kind, parameters: Mapping[str, Any], accounts: Mapping[str, Account]
    ) -> Answer:
        """Answer a call of `caller` that lists the jobs of `accounts`; each row has an AccountId."""
        self._index(accounts)
        for account in accounts.values():
            account.advance()

        def row(position: Position) -> Answer | None:
            account = accounts.get(position.account_id)
            job = account.answer(position.job_id, kind) if account else None
            return job if job is None else {"AccountId": position.account_id, **job}

        index = self._indexes[kind.name]
        source = JobSource(caller.account_id, index, row, caller.now(), caller.list_children)
        return list_jobs(kind, parameters, caller.pager, source)

    def _index(self, accounts: Mapping[str, Account]) -> None:
        """Index the jobs of accounts that are not indexed yet."""
        with self._lock:
            for account_id in accounts.keys() - self._indexed:
                self._indexed.add(account_id)
                accounts[account_id].share(self._indexes)

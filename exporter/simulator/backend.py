"""The simulated accounts behind moto: moto's vaults and plans, and the job operations moto does not have."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from threading import RLock
from typing import Any

from moto.backup.models import BackupBackend, Plan, Vault, backup_backends
from moto.backup.responses import BackupResponse
from moto.core.common_types import TYPE_RESPONSE
from moto.core.request import Request

from exporter.simulator.account import DEFAULT_ACCOUNT, Account
from exporter.simulator.errors import ApiError, unknown_operation
from exporter.simulator.summaries import last_executions, recovery_points

Handler = Callable[[Request, str, Any], TYPE_RESPONSE]


class SimulatedBackend(BackupBackend):
    """Moto's vaults and plans of one account and Region, beside the account's jobs.

    `runs` tells, by a plan's id, its coming runs after a time: when (epoch seconds) and by which rule's id.
    """

    def __init__(self, account: Account, handler: Handler) -> None:
        super().__init__(account.region, account.account_id)
        self.account = account
        self.runs: dict[str, Callable[[float], Iterator[tuple[float, str]]]] = {}
        self._handler = handler

    @property
    def urls(self) -> dict[str, Handler]:
        """Every path of the service, as AWS's own host names have it."""
        return {r"https?://backup\.(.+)\.amazonaws\.com/.*": self._handler}

    def list_backup_vaults(self) -> list[Vault]:
        """List moto's vaults, with the recovery points the jobs made."""
        count = recovery_points(self.account.jobs())
        vaults = super().list_backup_vaults()
        for vault in vaults:
            vault.num_of_recovery_points = count[vault.backup_vault_name]
        return vaults

    def list_backup_plans(self, include_deleted: Any) -> list[Plan]:
        """List moto's plans, with their last executions."""
        last = last_executions(self.account.jobs())
        plans = super().list_backup_plans(include_deleted)
        for plan in plans:
            plan.last_execution_date = last.get(plan.backup_plan_id)  # type: ignore[assignment]
        return plans

    def scheduled_runs(self, plan_id: str, most: int) -> list[dict[str, Any]]:
        """Give the next runs of a plan, as GetBackupPlan previews them."""
        runs = self.runs[plan_id](self.account.now()) if plan_id in self.runs else iter(())
        return [
            {"ExecutionTime": time, "RuleId": rule_id, "RuleExecutionType": "SNAPSHOTS"}
            for time, rule_id in islice(runs, most)
        ]

    def reset(self) -> None:
        """Keep everything: a simulation outlives moto's mocks and ends with whoever made it."""


class Simulation:
    """All simulated accounts, each made when it is first asked for.

    `make` gives the Account of an account id and a Region.
    """

    def __init__(self, make: Callable[[str, str], Account]) -> None:
        self._make = make
        self._backends: dict[tuple[str, str], SimulatedBackend] = {}
        self._lock = RLock()

    def account(self, region: str, account_id: str = DEFAULT_ACCOUNT) -> Account:
        """Give the account's engine in a Region."""
        return self.backend(region, account_id).account

    def backend(self, region_name: str, account_id: str) -> SimulatedBackend:
        """Give moto's side of an account in a Region."""
        with self._lock:
            key = (account_id, region_name)
            if key not in self._backends:
                self._backends[key] = SimulatedBackend(self._make(account_id, region_name), self.handle)
            return self._backends[key]

    def handle(self, request: Request, url: str | None = None, headers: Any = None) -> TYPE_RESPONSE:
        """Answer one HTTP request to AWS Backup: status, headers and body."""
        return SimulatedResponse(self).respond(request, url, headers)

    @contextmanager
    def in_process(self) -> Iterator[None]:
        """Let moto's mock_aws find these accounts behind AWS Backup, until the block ends."""
        original = backup_backends.backend
        backup_backends.clear()
        backup_backends.backend = self.backend  # type: ignore[assignment]
        try:
            yield
        finally:
            backup_backends.backend = original
            backup_backends.clear()


class SimulatedResponse(BackupResponse):
    """One request to AWS Backup."""

    def __init__(self, simulation: Simulation) -> None:
        super().__init__()
        self._simulation = simulation

    @property
    def backup_backend(self) -> SimulatedBackend:
        """The backend the request is for: the account of its credentials, the Region it was signed for."""
        return self._simulation.backend(self.region, self.current_account)

    def respond(self, request: Request, url: str | None, headers: Any) -> TYPE_RESPONSE:
        """Answer the request."""
        self.setup_class(request, url, headers)
        return self.call_action()

    def call_action(self) -> TYPE_RESPONSE:
        """Answer job operations from the account, everything else from moto."""
        operation = self._get_action()
        try:
            if not operation:
                raise unknown_operation(self.method + " " + self.path)
            self.parse_parameters(self.normalized_request)
            parameters = _in_utc(self.params)
            account = self.backup_backend.account
            account.admit(operation, parameters)
            if not account.answers(operation):
                return self._ask_moto(operation)
            answer = json.dumps(account.call(operation, parameters))
            status, new_headers, body = 200, {"Content-Type": "application/json"}, answer
        except ApiError as error:
            status, new_headers, body = error.status, error.headers, error.body
        headers, body = self._enrich_response(self.response_headers | new_headers, body)
        return status, headers, body

    def get_backup_plan(self) -> str:
        """Answer as moto does, with the next runs when they are asked for."""
        answer = json.loads(super().get_backup_plan())
        most = self.params.get("MaxScheduledRunsPreview", 0)
        if most:
            answer["ScheduledRunsPreview"] = self.backup_backend.scheduled_runs(answer["BackupPlanId"], most)
        return json.dumps(answer)

    def _ask_moto(self, operation: str) -> TYPE_RESPONSE:
        try:
            return super().call_action()
        except NotImplementedError as error:
            raise unknown_operation(operation) from error


def _in_utc(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Give moto's zoneless times the zone they are in."""
    return {
        name: value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
        for name, value in parameters.items()
    }

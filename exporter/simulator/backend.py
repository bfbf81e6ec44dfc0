"""The simulated accounts behind moto: moto's vaults and plans, and the job operations moto does not have."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import formatdate
from itertools import islice
from threading import RLock
from typing import Any

from moto.backup.models import BackupBackend, backup_backends
from moto.backup.responses import BackupResponse
from moto.core.common_types import TYPE_RESPONSE
from moto.core.request import Request
from moto.resourcegroupstaggingapi.models import resourcegroupstaggingapi_backends

from exporter.simulator.account import DEFAULT_ACCOUNT, Account
from exporter.simulator.arns import vault_arn
from exporter.simulator.errors import ApiError, invalid_value, not_found, unknown_operation
from exporter.simulator.schedule import plan_runs
from exporter.simulator.summaries import last_executions
from exporter.simulator.tagging import TaggingBackend, TaggingResponse

LONGEST_PREVIEW = 10
"""The most runs that GetBackupPlan previews."""

Handler = Callable[[Request, str, Any], TYPE_RESPONSE]


class SimulatedBackend(BackupBackend):
    """Moto's vaults and plans of one account and Region, beside the account's jobs."""

    def __init__(self, account: Account, handler: Handler) -> None:
        super().__init__(account.region, account.account_id)
        self.account = account
        self._handler = handler

    @property
    def urls(self) -> dict[str, Handler]:
        """Every path of the service, as AWS's own host names have it."""
        return {r"https?://backup\.(.+)\.amazonaws\.com/.*": self._handler}

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

    def deliver_copies(self, account: Account) -> None:
        """Let the points that other accounts' copy jobs made in an account's vaults be there."""
        with self._lock:
            accounts = [backend.account for backend in self._backends.values()]
        vaults = vault_arn(account.region, account.account_id)
        for other in accounts:
            for point in other.take_copies(vaults) if other is not account else ():
                account.recovery_points.derive(point)

    def handle(self, request: Request, url: str | None = None, headers: Any = None) -> TYPE_RESPONSE:
        """Answer one HTTP request to AWS Backup: status, headers and body."""
        return SimulatedResponse(self).respond(request, url, headers)

    def handle_tagging(self, request: Request, url: str | None = None, headers: Any = None) -> TYPE_RESPONSE:
        """Answer one HTTP request to the Resource Groups Tagging API: status, headers and body."""
        return TaggingResponse(self.account).respond(request, url, headers)

    def tagging_backend(self, region_name: str, account_id: str) -> TaggingBackend:
        """Give moto's side of the Resource Groups Tagging API of an account in a Region."""
        return TaggingBackend(region_name, account_id, self.handle_tagging)

    @contextmanager
    def in_process(self) -> Iterator[None]:
        """Let moto's mock_aws find these accounts behind AWS Backup, until the block ends."""
        with (
            _replaced(backup_backends, self.backend),
            _replaced(resourcegroupstaggingapi_backends, self.tagging_backend),
        ):
            yield


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
        status, answered, body = self.call_action()
        date = formatdate(self.backup_backend.account.now(), usegmt=True)
        return status, {**answered, "Date": date}, body

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
            self._prepare(operation, parameters)
            if not account.answers(operation):
                return self._ask_moto(operation)
            answer = json.dumps(account.call(operation, parameters))
            status, new_headers, body = 200, {"Content-Type": "application/json"}, answer
        except ApiError as error:
            status, new_headers, body = error.status, error.headers, error.body
        headers, body = self._enrich_response(self.response_headers | new_headers, body)
        return status, headers, body

    def list_backup_vaults(self) -> str:
        """List moto's vaults and those put, with the recovery points that jobs and copies made."""
        account = self.backup_backend.account
        wanted = self.params.get("ByVaultType")
        rows = [
            row
            for row in account.vaults.over(self._vaults(), lambda row: _vault_facts(row, account))
            if wanted in (None, row.get("VaultType"))
        ]
        page = account.pager.page(
            "ListBackupVaults", self.params, rows, account.vaults.key, "BackupVaultList"
        )
        return json.dumps(page)

    def list_backup_plans(self) -> str:
        """List moto's plans and those put, with their last executions."""
        account = self.backup_backend.account
        rows = [_plan_row(plan) for plan in self._plans(deleted=self.params.get("IncludeDeleted", False))]
        page = account.pager.page("ListBackupPlans", self.params, rows, account.plans.key, "BackupPlansList")
        return json.dumps(page)

    def get_backup_plan(self) -> str:
        """Give one of moto's plans or of those put, with the next runs when they are asked for."""
        most = self.params.get("MaxScheduledRunsPreview", 0)
        if not 0 <= most <= LONGEST_PREVIEW:
            raise invalid_value(f"MaxScheduledRunsPreview must be from 0 to {LONGEST_PREVIEW}")
        wanted = self.params["BackupPlanId"], self.params.get("VersionId")
        for plan in self._plans(deleted=True):
            if wanted in ((plan["BackupPlanId"], None), (plan["BackupPlanId"], plan.get("VersionId"))):
                runs = plan.pop("ScheduledRunsPreview", None) or self._next_runs(plan)
                return json.dumps(plan | ({"ScheduledRunsPreview": [*islice(runs, most)]} if most else {}))
        raise not_found("Backup plan with the provided id and version")

    def _vaults(self) -> Iterable[dict[str, Any]]:
        return (vault.to_list_dict() for vault in self.backup_backend.list_backup_vaults())

    def _prepare(self, operation: str, parameters: Mapping[str, Any]) -> None:
        """Collect copies before points are asked for; refuse a vault or a plan that does not exist."""
        account = self.backup_backend.account
        if operation in ("ListRecoveryPointsByBackupVault", "ListBackupVaults"):
            self._simulation.deliver_copies(account)
        if operation == "ListRecoveryPointsByBackupVault":
            name = parameters["BackupVaultName"]
            if not any(row["BackupVaultName"] == name for row in account.vaults.over(self._vaults())):
                raise not_found(f"Backup vault {name}")
        if operation in ("ListBackupSelections", "GetBackupSelection"):
            plan_id = parameters["BackupPlanId"]
            if not any(plan["BackupPlanId"] == plan_id for plan in account.plans.over(self._moto_plans())):
                raise not_found(f"Backup plan {plan_id}")

    def _moto_plans(self, *, deleted: bool = False) -> Iterable[dict[str, Any]]:
        return (plan.to_get_dict() for plan in self.backup_backend.list_backup_plans(deleted))

    def _plans(self, *, deleted: bool) -> list[dict[str, Any]]:
        account = self.backup_backend.account
        last = last_executions(account.jobs())
        return account.plans.over(
            self._moto_plans(deleted=deleted),
            lambda row: {"LastExecutionDate": last.get(row["BackupPlanId"])},
        )

    def _next_runs(self, plan: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Preview the runs of all rules together, the next one first."""
        rules = plan.get("BackupPlan", {}).get("Rules", [])
        continuous = {rule.get("RuleId") for rule in rules if rule.get("EnableContinuousBackup")}
        for time, rule_id in plan_runs(rules, self.backup_backend.account.now()):
            execution = "CONTINUOUS_AND_SNAPSHOTS" if rule_id in continuous else "SNAPSHOTS"
            yield {"ExecutionTime": time, "RuleId": rule_id, "RuleExecutionType": execution}

    def _ask_moto(self, operation: str) -> TYPE_RESPONSE:
        try:
            return super().call_action()
        except NotImplementedError as error:
            raise unknown_operation(operation) from error


@contextmanager
def _replaced(backends: Any, make: Callable[[str, str], Any]) -> Iterator[None]:
    """Let moto make a service's backends otherwise, until the block ends."""
    original = backends.backend
    backends.clear()
    backends.backend = make
    try:
        yield
    finally:
        backends.backend = original
        backends.clear()


def _vault_facts(vault: Mapping[str, Any], account: Account) -> dict[str, Any]:
    """Return what ListBackupVaults tells of a vault unless it was put otherwise."""
    customer_managed = "EncryptionKeyArn" in vault
    return {
        "VaultType": "BACKUP_VAULT",
        "VaultState": "AVAILABLE",
        "EncryptionKeyType": "CUSTOMER_MANAGED_KMS_KEY" if customer_managed else "AWS_OWNED_KMS_KEY",
        "NumberOfRecoveryPoints": account.count_points(vault["BackupVaultName"]),
    }


def _plan_row(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Give what ListBackupPlans tells of a plan."""
    described_only = ("BackupPlan", "ScheduledRunsPreview")
    row = {name: value for name, value in plan.items() if name not in described_only}
    name = plan.get("BackupPlan", {}).get("BackupPlanName")
    return {"BackupPlanName": name} | row if name else row


def _in_utc(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Give moto's zoneless times the zone they are in."""
    return {
        name: value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
        for name, value in parameters.items()
    }

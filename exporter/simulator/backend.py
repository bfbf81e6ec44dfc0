"""The moto backend: vaults and plans of moto, and the job operations that moto does not implement."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from threading import RLock
from typing import Any

from moto.backup.models import BackupBackend, backup_backends
from moto.backup.responses import BackupResponse
from moto.core.common_types import TYPE_RESPONSE
from moto.core.request import Request
from moto.organizations.models import organizations_backends
from moto.resourcegroupstaggingapi.models import resourcegroupstaggingapi_backends
from moto.sts.models import sts_backends

from exporter.simulator.account import DEFAULT_ACCOUNT, Account
from exporter.simulator.arns import vault_arn
from exporter.simulator.errors import ApiError, invalid_value, not_found, unknown_operation
from exporter.simulator.job_kinds import BY_LIST_OPERATION, Answer
from exporter.simulator.organization import Organization
from exporter.simulator.organization_jobs import OrganizationJobs
from exporter.simulator.organizations_api import ORGANIZATIONS_URL, OrganizationsResponse
from exporter.simulator.request_control import RequestControl
from exporter.simulator.role_sessions import RoleSessions
from exporter.simulator.schedule import plan_runs
from exporter.simulator.service_response import Handler, ServiceBackend, ServiceResponse, load_operations
from exporter.simulator.sts import STS_URL, StsResponse
from exporter.simulator.summaries import last_executions
from exporter.simulator.tagging import TAGGING_URL, TaggingResponse

GLOBAL_REGION = "us-east-1"
"""The Region of services without Regions."""

MAX_PREVIEW = 10
"""The maximum number of runs that GetBackupPlan previews."""


class SimulatedBackend(BackupBackend):
    """The vaults and plans of one account and Region in moto, together with the jobs of the account."""

    def __init__(self, account: Account, handler: Handler) -> None:
        super().__init__(account.region, account.account_id)
        self.account = account
        self._handler = handler

    @property
    def urls(self) -> dict[str, Handler]:
        """The URL pattern of the service."""
        return {r"https?://backup\.(.+)\.amazonaws\.com/.*": self._handler}

    def reset(self) -> None:
        """Do nothing: a simulation outlives moto's mocks."""


class Simulation:
    """All simulated accounts, created on first use.

    Args:
        make: creates the Account for an account id and a Region.

    Attributes:
        organization: the organization of the accounts; None if there is none.
        sts_requests: injects failures and delays into the calls to STS, and records the calls.
        responses: make the response to one request to a service, by the service's name in moto.
    """

    def __init__(self, make: Callable[[str, str], Account]) -> None:
        self.organization: Organization | None = None
        self.sts_requests = RequestControl(self.now)
        self._make = make
        self._sessions = RoleSessions()
        self._backends: dict[tuple[str, str], SimulatedBackend] = {}
        self._organization_jobs: dict[str, OrganizationJobs] = {}
        self.responses: Mapping[str, Callable[[], ServiceResponse]] = {
            "backup": lambda: SimulatedResponse(self, self._sessions),
            "organizations": lambda: OrganizationsResponse(self.account, self._sessions, self.organization),
            "resourcegroupstaggingapi": lambda: TaggingResponse(self.account, self._sessions),
            "sts": lambda: StsResponse(self.account, self._sessions, self.sts_requests, self._is_closed),
        }
        load_operations(self.responses)
        self._lock = RLock()

    def now(self) -> float:
        """Return the time of the services without a Region, in seconds since 1970."""
        return self.account(GLOBAL_REGION).now()

    def account(self, region: str, account_id: str = DEFAULT_ACCOUNT) -> Account:
        """Return an account in a Region."""
        return self.backend(region, account_id).account

    def backend(self, region_name: str, account_id: str) -> SimulatedBackend:
        """Return the moto backend of an account in a Region."""
        with self._lock:
            key = (account_id, region_name)
            if key not in self._backends:
                account = self._make(account_id, region_name)
                self._backends[key] = SimulatedBackend(account, partial(self.handle, "backup"))
            return self._backends[key]

    def deliver_copies(self, account: Account) -> None:
        """Add the recovery points that copy jobs of other accounts made in the vaults of an account."""
        vaults = vault_arn(account.region, account.account_id)
        with self._lock:
            others = [own.account for own in self._backends.values() if own.account is not account]
            for point in [point for other in others for point in other.take_copies(vaults)]:
                account.recovery_points.derive(point)

    def call(self, caller: Account, operation: str, parameters: Mapping[str, Any]) -> Answer:
        """Perform an operation of an account, which may list the jobs of its organization."""
        organization, wanted = self.organization, parameters.get("ByAccountId")
        kind = BY_LIST_OPERATION.get(operation)
        if not (kind and wanted and organization and organization.may_see_all(caller.account_id)):
            return caller.call(operation, parameters)
        members = {
            account.account_id: account
            for account in self._accounts(caller.region)
            if wanted in ("*", account.account_id) and organization.is_member(account.account_id)
        }
        with self._lock:
            jobs = self._organization_jobs.setdefault(caller.region, OrganizationJobs())
        return jobs.list(caller, kind, parameters, members)

    def create_organization(self, management_account_id: str = DEFAULT_ACCOUNT) -> Organization:
        """Create an organization with only its management account. It replaces the one that there is."""
        clock = self.account(GLOBAL_REGION, management_account_id).now
        self.organization = Organization(management_account_id, clock)
        return self.organization

    def handle(
        self, service: str, request: Request, url: str | None = None, headers: Any = None
    ) -> TYPE_RESPONSE:
        """Handle one HTTP request to a service in `responses`; return status, headers and body."""
        return self.responses[service]().respond(request, url, headers)

    @contextmanager
    def in_process(self) -> Iterator[None]:
        """Use these accounts in moto's mock_aws until the block ends."""
        routed = (
            (organizations_backends, "organizations", ORGANIZATIONS_URL),
            (resourcegroupstaggingapi_backends, "resourcegroupstaggingapi", TAGGING_URL),
            (sts_backends, "sts", STS_URL),
        )
        with ExitStack() as stack:
            stack.enter_context(_replaced(backup_backends, self.backend))
            for backends, service, pattern in routed:
                handler = partial(self.handle, service)
                make = partial(ServiceBackend, pattern=pattern, handler=handler)
                stack.enter_context(_replaced(backends, make))
            yield

    def _accounts(self, region: str) -> list[Account]:
        with self._lock:
            return [own.account for (_, place), own in self._backends.items() if place == region]

    def _is_closed(self, account_id: str) -> bool:
        return self.organization is not None and self.organization.is_closed(account_id)


class SimulatedResponse(ServiceResponse, BackupResponse):
    """One request to AWS Backup."""

    def __init__(self, simulation: Simulation, sessions: RoleSessions) -> None:
        super().__init__(simulation.account, sessions)
        self._simulation = simulation

    @property
    def backup_backend(self) -> SimulatedBackend:
        """The backend for the account of the credentials and the Region of the signature."""
        return self._simulation.backend(self.region, self.current_account)

    def call_action(self) -> TYPE_RESPONSE:
        """Handle job operations with the account, all other operations with moto."""
        operation = self._get_action()
        if not operation:
            raise unknown_operation(self.method + " " + self.path)
        self.parse_parameters(self.normalized_request)
        parameters = _in_utc(self.params)
        account = self.account
        account.admit(operation, parameters)
        self._prepare(operation, parameters)
        if not account.answers(operation):
            return self._call_moto(operation)
        answer = self._simulation.call(account, operation, parameters)
        return 200, {"Content-Type": "application/json"}, json.dumps(answer)

    def error(self, error: ApiError) -> TYPE_RESPONSE:
        """Return the response for an error, in the rest-json protocol."""
        return error.status, error.headers, error.body

    def list_backup_vaults(self) -> str:
        """List the vaults of moto and of the account, with the recovery points of backup and copy jobs."""
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
        """List the plans of moto and of the account, with their last executions."""
        account = self.backup_backend.account
        rows = [_plan_row(plan) for plan in self._plans(deleted=self.params.get("IncludeDeleted", False))]
        page = account.pager.page("ListBackupPlans", self.params, rows, account.plans.key, "BackupPlansList")
        return json.dumps(page)

    def get_backup_plan(self) -> str:
        """Return a plan of moto or of the account, with the next runs if requested."""
        most = self.params.get("MaxScheduledRunsPreview", 0)
        if not 0 <= most <= MAX_PREVIEW:
            raise invalid_value(f"MaxScheduledRunsPreview must be from 0 to {MAX_PREVIEW}")
        wanted = self.params["BackupPlanId"], self.params.get("VersionId")
        for plan in self._plans(deleted=True):
            if wanted in ((plan["BackupPlanId"], None), (plan["BackupPlanId"], plan.get("VersionId"))):
                runs = plan.pop("ScheduledRunsPreview", None) or self._next_runs(plan)
                return json.dumps(plan | ({"ScheduledRunsPreview": [*islice(runs, most)]} if most else {}))
        raise not_found("Backup plan with the provided id and version")

    def _vaults(self) -> Iterable[dict[str, Any]]:
        return (vault.to_list_dict() for vault in self.backup_backend.list_backup_vaults())

    def _prepare(self, operation: str, parameters: Mapping[str, Any]) -> None:
        """Deliver copies before points are listed; raise ApiError if the vault or the plan does not exist."""
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

    def _call_moto(self, operation: str) -> TYPE_RESPONSE:
        try:
            return super().call_action()
        except NotImplementedError as error:
            raise unknown_operation(operation) from error


@contextmanager
def _replaced(backends: Any, make: Callable[[str, str], Any]) -> Iterator[None]:
    """Make moto create the backends of a service with `make` until the block ends."""
    original = backends.backend
    backends.clear()
    backends.backend = make
    try:
        yield
    finally:
        backends.backend = original
        backends.clear()


def _vault_facts(vault: Mapping[str, Any], account: Account) -> dict[str, Any]:
    """Return the fields that every vault has in ListBackupVaults unless they were put."""
    customer_managed = "EncryptionKeyArn" in vault
    return {
        "VaultType": "BACKUP_VAULT",
        "VaultState": "AVAILABLE",
        "EncryptionKeyType": "CUSTOMER_MANAGED_KMS_KEY" if customer_managed else "AWS_OWNED_KMS_KEY",
        "NumberOfRecoveryPoints": account.count_points(vault["BackupVaultName"]),
    }


def _plan_row(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of a plan in ListBackupPlans."""
    described_only = ("BackupPlan", "ScheduledRunsPreview")
    row = {name: value for name, value in plan.items() if name not in described_only}
    name = plan.get("BackupPlan", {}).get("BackupPlanName")
    return {"BackupPlanName": name} | row if name else row


def _in_utc(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Add the UTC time zone to the naive datetimes of moto."""
    return {
        name: value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
        for name, value in parameters.items()
    }

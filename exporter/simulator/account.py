"""A simulated account in one Region: the job operations of AWS Backup, based on jobs and a clock."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from math import inf
from threading import RLock
from typing import Any
from uuid import UUID, uuid4

from exporter.simulator.arns import resource_type, vault_arn
from exporter.simulator.derived_points import DerivedPoints
from exporter.simulator.errors import ApiError, invalid_request, missing_value, not_found
from exporter.simulator.job_index import JobIndex
from exporter.simulator.job_kinds import BACKUP, KINDS, RESTORE, Answer, Kind, epoch, plain
from exporter.simulator.job_lists import JobSource, list_jobs
from exporter.simulator.job_store import Store
from exporter.simulator.jobs import Course, Fixed, Job, Scripted, Stopped
from exporter.simulator.pagination import Pager, Token
from exporter.simulator.protection_rows import (
    RESOURCE_TYPES,
    get_resources,
    get_selection,
    list_frameworks,
    list_restore_testing_plans,
    list_selections,
    tag_list,
)
from exporter.simulator.recovery_points import RecoveryPoints
from exporter.simulator.request_control import Call, RequestControl
from exporter.simulator.static_rows import StaticRows
from exporter.simulator.summaries import protected_resources
from exporter.simulator.timeline import Follower, Timeline

DEFAULT_ACCOUNT = "123456789012"


class Account:
    """AWS Backup in one account and Region.

    Args:
        account_id: the account id.
        region: the Region.
        clock: seconds since 1970; must never go back.
        quotas: calls per second by operation, such as AWS_QUOTAS; None for no limits.
        delay: called with the name of the operation before each response, to sleep or wait.
        on_demand: the course of jobs started with StartBackupJob.
        new_id: creates the ids of these jobs.
        list_children: whether lists include child jobs without ByParentJobId.
        aborting: seconds until a stopped job is ABORTED.

    Attributes:
        protected: the rows of ListProtectedResources; may be changed at any time, like the following.
        vaults: the rows of ListBackupVaults.
        plans: the responses of GetBackupPlan.
        recovery_points: the recovery points that completed backup and copy jobs made, and those put.
        selections: the responses of GetBackupSelection.
        restore_testing_plans: the rows of ListRestoreTestingPlans.
        frameworks: the rows of ListFrameworks.
        tagged_resources: the rows of GetResources.
        opt_in: ResourceTypeOptInPreference of DescribeRegionSettings; change it in place.
        management: ResourceTypeManagementPreference of DescribeRegionSettings; likewise.
    """

    def __init__(
        self,
        account_id: str,
        region: str,
        clock: Callable[[], float],
        *,
        quotas: Mapping[str | None, float] | None = None,
        delay: Callable[[str], None] | None = None,
        on_demand: Course | None = None,
        new_id: Callable[[], UUID] = uuid4,
        list_children: bool = True,
        aborting: float = 5.0,
    ) -> None:
        self.account_id = account_id
        self.region = region
        self.list_children = list_children
        self.protected = StaticRows("ResourceArn")
        self.vaults = StaticRows("BackupVaultName")
        self.plans = StaticRows("BackupPlanId")
        self.recovery_points = RecoveryPoints(clock)
        self.selections = StaticRows("SelectionId")
        self.restore_testing_plans = StaticRows("RestoreTestingPlanArn")
        self.frameworks = StaticRows("FrameworkName")
        self.tagged_resources = StaticRows("ResourceARN")
        self.opt_in = dict.fromkeys(RESOURCE_TYPES, True)
        self.management = {"DynamoDB": True, "EFS": True}
        self.pager = Pager()
        self._clock = clock
        self._requests = RequestControl(clock, quotas, delay)
        self._on_demand = on_demand or Course()
        self._new_id = new_id
        self._aborting = aborting
        self._derived = DerivedPoints(self.recovery_points, self.plans, vault_arn(region, account_id))
        self._stores = {
            kind.name: Store(kind, partial(self._derived.add, kind), account_id) for kind in KINDS
        }
        self._timeline = Timeline(self._stores)
        self._lock = RLock()
        self._operations = self._table()

    # Methods for tests and the demo.

    @property
    def calls(self) -> list[Call]:
        """The calls so far, oldest first."""
        return self._requests.calls

    def now(self) -> float:
        """Return the account's time, in seconds since 1970."""
        return self._clock()

    def forget_calls(self) -> None:
        """Clear the recorded calls."""
        self._requests.forget_calls()

    def fail(self, operation: str | None, error: ApiError, times: int | None = None) -> None:
        """Let the next `times` calls (None: all) of `operation` (None: any) fail with `error`."""
        self._requests.fail(operation, error, times)

    def recover(self) -> None:
        """Remove all injected failures."""
        self._requests.recover()

    def put(self, answer: Mapping[str, Any], kind: Kind = BACKUP) -> str:
        """Add a job with exactly these fields of the describe response; return its id.

        Times may be datetimes or seconds since 1970. A job with the same id is replaced.
        """
        fields: dict[str, Any] = plain(answer)
        job_id = fields[kind.id_key]
        created = fields.get("CreationDate", self._clock())
        with self._lock:
            self._stores[kind.name].add(Fixed(job_id, created, fields.get("ParentJobId"), fields))
        return str(job_id)

    def add(self, *jobs: Job, kind: Kind = BACKUP) -> None:
        """Add jobs whose state follows the clock."""
        with self._lock:
            for job in jobs:
                self._stores[kind.name].add(job)

    def forget(self, job_id: str, kind: Kind = BACKUP) -> None:
        """Delete a job; describing it then raises ResourceNotFoundException."""
        with self._lock:
            self._stores[kind.name].forget(job_id)

    def schedule(self, jobs: Iterator[Job], kind: Kind = BACKUP, kept: float = inf) -> None:
        """Add jobs from an iterator, which may be infinite, oldest first, each at its creation time.

        A job is deleted when it is `kept` seconds old.
        """
        with self._lock:
            self._timeline.schedule(jobs, kind, kept)

    def follow(self, make: Follower, kept: float = inf) -> None:
        """Add the jobs that `make` returns for the final response of each finished backup job."""
        with self._lock:
            self._timeline.follow(make, kept)

    def tag(self, arn: str, tags: Mapping[str, str]) -> None:
        """Set the tags of a resource in GetResources; they replace the tags it had."""
        self.tagged_resources.put({"ResourceARN": arn, "Tags": tag_list(tags)})

    def points(self) -> list[Answer]:
        """Return every recovery point of the account and Region, by ARN."""
        with self._lock:
            self._advance()
            return self.recovery_points.all()

    def count_points(self, vault: str) -> int:
        """Return the number of recovery points in a vault, by the vault's name."""
        with self._lock:
            self._advance()
            return self.recovery_points.count(vault)

    def take_copies(self, vaults: str) -> list[Answer]:
        """Return the points that copy jobs made in the vaults of another account or Region.

        `vaults` is the prefix of the ARNs of those vaults. Each point is returned once.
        """
        with self._lock:
            self._advance()
            return self._derived.take(vaults)

    def shorten_pages(self, *sizes: int, operation: str | None = None) -> None:
        """Limit the next list responses to these numbers of rows (0 allowed), each with a NextToken.

        Without an operation this applies to the next lists of jobs.
        """
        with self._lock:
            self.pager.shorten(operation, sizes)

    # The operations. Each raises ApiError for an error response.

    def admit(self, operation: str, parameters: Mapping[str, Any]) -> None:
        """Record a call; raise an injected failure or a throttling error if there is one."""
        self._requests.admit(operation, parameters)

    def answers(self, operation: str) -> bool:
        """Return whether this is one of the job operations."""
        return operation in self._operations

    def call(self, operation: str, parameters: Mapping[str, Any]) -> Answer:
        """Perform a job operation, given its name and parameters as in the AWS API."""
        with self._lock:
            self._advance()
            return self._operations[operation](parameters)

    def start(self, **parameters: Any) -> str:
        """Call StartBackupJob; return the job's id."""
        return str(self.call("StartBackupJob", parameters)["BackupJobId"])

    def stop(self, job_id: str) -> None:
        """Call StopBackupJob."""
        self.call("StopBackupJob", {"BackupJobId": job_id})

    def describe(self, job_id: str) -> Answer:
        """Call DescribeBackupJob."""
        return self.call("DescribeBackupJob", {"BackupJobId": job_id})

    def list(self, **parameters: Any) -> Answer:
        """Call ListBackupJobs."""
        return self.call("ListBackupJobs", parameters)

    def share(self, indexes: Mapping[str, JobIndex]) -> None:
        """Add all jobs to these indexes too, one for each kind by its name."""
        with self._lock:
            for name, index in indexes.items():
                self._stores[name].share(index)

    def advance(self) -> None:
        """Process the events up to now."""
        with self._lock:
            self._advance()

    def answer(self, job_id: str, kind: Kind) -> Answer | None:
        """Return the describe response of a job; None if there is no such job."""
        with self._lock:
            return self._stores[kind.name].answer(job_id, self._clock())

    def jobs(self, kind: Kind = BACKUP) -> Sequence[Answer]:
        """Return the describe responses of all jobs of a kind, newest first."""
        with self._lock:
            now = self._advance()
            return [*self._stores[kind.name].answers(now)]

    def _advance(self) -> float:
        """Process the events up to now; return the current time."""
        now = self._clock()
        self._timeline.arrive(now)
        return now

    def _table(self) -> dict[str, Callable[[Mapping[str, Any]], Answer]]:
        return {
            **{kind.list_operation: partial(self._list, kind) for kind in KINDS},
            **{kind.describe_operation: partial(self._describe, kind) for kind in KINDS},
            "StartBackupJob": self._start,
            "StopBackupJob": self._stop,
            "ListProtectedResources": self._list_resources,
            "ListRecoveryPointsByBackupVault": self._list_points,
            "ListRecoveryPointsByResource": self._list_points_of_resource,
            "ListBackupSelections": partial(list_selections, self.selections, self.pager),
            "GetBackupSelection": partial(get_selection, self.selections),
            "ListFrameworks": partial(list_frameworks, self.frameworks, self.pager),
            "ListRestoreTestingPlans": self._list_restore_testing_plans,
            "GetRestoreTestingPlan": self._get_restore_testing_plan,
            "DescribeRegionSettings": self._describe_settings,
            "GetResources": partial(get_resources, self.tagged_resources),
        }

    def _start(self, parameters: Mapping[str, Any]) -> Answer:
        """Create an on-demand job."""
        for required in ("BackupVaultName", "ResourceArn", "IamRoleArn"):
            if not parameters.get(required):
                raise missing_value(required)
        job_id, now = str(self._new_id()), self._clock()
        here = f"arn:aws:backup:{self.region}:{self.account_id}"
        fields = {
            "BackupVaultName": parameters["BackupVaultName"],
            "BackupVaultArn": f"{here}:backup-vault:{parameters['BackupVaultName']}",
            "ResourceArn": parameters["ResourceArn"],
            "ResourceType": resource_type(parameters["ResourceArn"]),
            "IamRoleArn": parameters["IamRoleArn"],
            "StartBy": epoch(now + 60 * parameters.get("StartWindowMinutes", 480)),
        }
        if "BackupOptions" in parameters:
            fields["BackupOptions"] = parameters["BackupOptions"]
        made = {"RecoveryPointArn": f"{here}:recovery-point:{job_id}"}
        self.add(Scripted(job_id, now, self._on_demand, fields, {"AccountId": self.account_id}, made))
        return {"BackupJobId": job_id, "CreationDate": epoch(now), "IsParent": False}

    def _stop(self, parameters: Mapping[str, Any]) -> Answer:
        """Set an unfinished job to ABORTING, and later to ABORTED."""
        answer = self._describe(BACKUP, parameters)
        job_id, now = parameters["BackupJobId"], self._clock()
        if answer.get("State") in BACKUP.finished | {"ABORTING"}:
            raise invalid_request(f"Backup job {job_id} is {answer['State']} and cannot be stopped")
        created = answer.get("CreationDate", now)
        self.add(Stopped(job_id, created, answer.get("ParentJobId"), now + self._aborting, answer))
        return {}

    def _describe(self, kind: Kind, parameters: Mapping[str, Any]) -> Answer:
        job_id = parameters[kind.id_key]
        answer = self._stores[kind.name].answer(job_id, self._clock())
        if answer is None:
            raise not_found(f"{kind.name.capitalize()} job {job_id}")
        return {kind.described_under: answer} if kind.described_under else answer

    def _list(self, kind: Kind, parameters: Mapping[str, Any]) -> Answer:
        store, now = self._stores[kind.name], self._clock()
        source = JobSource(
            self.account_id,
            store.index,
            lambda position: store.answer(position.job_id, now),
            now,
            self.list_children,
        )
        return list_jobs(kind, parameters, self.pager, source)

    def _list_resources(self, parameters: Mapping[str, Any]) -> Answer:
        """Return a page of the resources that have a recovery point, by ARN."""
        points = (point for point in self.points() if "SourceBackupVaultArn" not in point)
        rows = self.protected.over(protected_resources(chain(self.jobs(), points)))
        return self.pager.page("ListProtectedResources", parameters, rows, self.protected.key, "Results")

    def _list_points(self, parameters: Mapping[str, Any]) -> Answer:
        """Return a page of a vault's recovery points that pass all filters, newest first."""
        size, shortened = self.pager.size(parameters, "ListRecoveryPointsByBackupVault")
        token = Token.of(parameters)
        filters = {name: value for name, value in parameters.items() if name.startswith("By")}
        page = self.recovery_points.page(parameters["BackupVaultName"], filters, token.position, size)
        answer: dict[str, Any] = {"RecoveryPoints": page.rows}
        if page.more or shortened:
            answer["NextToken"] = Token(page.last, token.pages + 1).text()
        return answer

    def _list_points_of_resource(self, parameters: Mapping[str, Any]) -> Answer:
        """Return a page of the recovery points of a resource, by ARN."""
        rows = [
            {**point, "BackupSizeBytes": point.get("BackupSizeInBytes", 0)}
            for point in self.points()
            if point.get("ResourceArn") == parameters["ResourceArn"]
        ]
        return self.pager.page(
            "ListRecoveryPointsByResource", parameters, rows, "RecoveryPointArn", "RecoveryPoints"
        )

    def _get_restore_testing_plan(self, parameters: Mapping[str, Any]) -> Answer:
        name = parameters["RestoreTestingPlanName"]
        rows = self._list_restore_testing_plans({})["RestoreTestingPlans"]
        plan = next((row for row in rows if row.get("RestoreTestingPlanName") == name), None)
        if plan is None:
            raise not_found(f"Restore testing plan {name}")
        return {"RestoreTestingPlan": plan}

    def _list_restore_testing_plans(self, parameters: Mapping[str, Any]) -> Answer:
        plans = self.restore_testing_plans
        return list_restore_testing_plans(plans, self.pager, self.jobs(RESTORE), parameters)

    def _describe_settings(self, _: Mapping[str, Any]) -> Answer:
        return {
            "ResourceTypeOptInPreference": dict(self.opt_in),
            "ResourceTypeManagementPreference": dict(self.management),
        }

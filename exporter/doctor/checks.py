"""Checks that the exporter can use AWS as configured, for all targets and Regions in parallel."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import TypeVar

from exporter.assembly import Dependencies
from exporter.aws import (
    AwsError,
    BackupApi,
    Budget,
    Caller,
    Clients,
    Credentials,
    LeftOut,
    Profiles,
    TargetIdentity,
    action_of,
    regions_of,
)
from exporter.collectors import published_already
from exporter.config import Config, Target, nearest
from exporter.doctor.dry_run import DryRun, describe, dry_runs
from exporter.doctor.organization import members_of, organization_dry_runs
from exporter.doctor.report import Check, Diagnosis, Report, Result, result_of
from exporter.model import BACKUP, Fault, Scope

log = logging.getLogger(__name__)

T = TypeVar("T")
A = TypeVar("A", bound=BackupApi)

MOST_MEMBERS = 20  # members of an organization whose permissions are checked; of others, the role alone
MAX_WORKERS = 8  # parallel targets, parallel Regions of a target, and parallel checks in a Region

_NO_REGION = Fault("region", "no Region is configured", "set regions of the target, or set AWS_REGION")
_IDENTITY_IS_OPTIONAL = "optional: the exporter works without this check; to fix it"
_CHECK_STS_CONNECTION = "check the network connection to STS and the value of AWS_ENDPOINT_URL_STS"
_UNKNOWN_JOB_REMEDY = (
    "check the job id, the account and the Region; if AWS no longer keeps the job, remove it from job_ids"
)
_UNCERTAIN_DENIAL = (
    "AWS Backup has no such object yet, so the check used an id that does not exist; if the policy already "
    "allows the action, run the doctor again once there is one"
)


def examine(config: Config, dependencies: Dependencies) -> Report:
    """Check the credentials, identity, permissions and job ids of every target and Region.

    It makes read-only calls, within the configured request budget and timeouts. A failed check does not
    stop the others.
    """
    profiles = dependencies.profiles(config.api, Clients())
    diagnoses = _run_parallel(
        partial(_examine_with_members, config, dependencies, profiles, target) for target in config.targets
    )
    return Report(tuple(_add_duplicate_checks(chain.from_iterable(diagnoses))))


def _examine_with_members(
    config: Config, dependencies: Dependencies, profiles: Profiles, target: Target
) -> Iterator[Diagnosis]:
    """Check a target and, if it is an organization, its members: the Regions of the first ones only."""
    region = regions_of(target, profiles)[0]
    identity = TargetIdentity(target, region, profiles)
    yield from _examine_target(config, dependencies, profiles, target, identity)
    if not (target.organization and target.organization.members):
        return
    api = _RegionChecker(config, dependencies, target, identity, region, ()).api(BackupApi)
    members = members_of(target, target.organization.members, api).values()
    examined = _run_parallel(
        partial(
            _examine_target,
            config,
            dependencies,
            profiles,
            member if place < MOST_MEMBERS else member.model_copy(update={"regions": member.regions[:1]}),
            TargetIdentity(member, region, profiles, source=identity),
            only_credentials=place >= MOST_MEMBERS,
        )
        for place, member in enumerate(members)
    )
    yield from chain.from_iterable(examined)


def _examine_target(
    config: Config,
    dependencies: Dependencies,
    profiles: Profiles,
    target: Target,
    identity: TargetIdentity,
    *,
    only_credentials: bool = False,
) -> Iterable[Diagnosis]:
    """Check the credentials once, then each Region."""
    regions = regions_of(target, profiles)
    checks, credentials = _check_credentials(identity, target, regions[0])
    if regions == ("",):
        no_region = Check("region", "region", Result.MISSING, fault=_NO_REGION)
        return [Diagnosis(Scope(target.name, ""), credentials, None, (*checks, no_region))]
    if only_credentials or any(check.fault for check in checks):
        return [Diagnosis(Scope(target.name, region), credentials, None, checks) for region in regions]
    known = profiles.regions_with("backup")
    checkers = [_RegionChecker(config, dependencies, target, identity, region, known) for region in regions]
    diagnoses = _run_parallel(partial(checker.diagnose, credentials, checks) for checker in checkers)
    return _drop_unknown_elsewhere(diagnoses)


def _check_credentials(
    identity: TargetIdentity, target: Target, region: str
) -> tuple[tuple[Check, ...], Credentials | None]:
    """Find the credentials, and assume the role if one is configured and the Region is known."""
    check = Check("credentials", "credentials")
    try:
        credentials = identity.credentials()
    except AwsError as error:
        return (_failed(check, error),), None
    check = replace(check, detail=str(credentials))
    if not (target.role_arn and region):
        return (check,), credentials
    role_check = Check("role", "sts:AssumeRole", detail=target.role_arn)
    try:
        identity.assume_role()
    except AwsError as error:
        role_check = _failed(role_check, error, _remedy_for_role(error, target.role_arn))
    return (check, role_check), credentials


def _remedy_for_role(error: AwsError, role_arn: str) -> str:
    remedy = error.fault.remedy
    if result_of(error) is Result.DENIED and "trust policy" in remedy:  # not denied by an SCP, for example
        return f'allow sts:AssumeRole on "{role_arn}" for the identity in use; {remedy}'
    return remedy


def _remedy_for_identity(error: AwsError) -> str:
    if error.is_about_credentials:
        return error.fault.remedy
    unreachable = result_of(error) is Result.UNREACHABLE
    return f"{_IDENTITY_IS_OPTIONAL}, {_CHECK_STS_CONNECTION if unreachable else error.fault.remedy}"


class _RegionChecker:
    """Checks one target in one Region, once its credentials are known to work."""

    def __init__(
        self,
        config: Config,
        dependencies: Dependencies,
        target: Target,
        identity: TargetIdentity,
        region: str,
        known_regions: Sequence[str],
    ) -> None:
        self._config = config
        self._dependencies = dependencies
        self._target = target
        self._identity = identity
        self._region = region
        self._known_regions = known_regions
        self._budget = Budget(config.api.requests_per_second, dependencies.steady)

    def diagnose(self, credentials: Credentials | None, target_checks: Iterable[Check]) -> Diagnosis:
        """Run the checks of this Region and append them to those of the target."""
        scope = Scope(self._target.name, self._region)
        identity, caller = self._check_identity()
        runs = self._dry_runs(scope)
        permissions = _run_parallel(partial(self._check_permissions, *item) for item in runs.items())
        job_ids = self._target.job_ids if BACKUP.collector in runs else ()
        jobs = _run_parallel(partial(self._check_job, job_id) for job_id in job_ids)
        checks = (*target_checks, identity, *_merged(chain.from_iterable(permissions)), *jobs)
        return Diagnosis(scope, credentials, caller, checks)

    def _dry_runs(self, scope: Scope) -> dict[str, Callable[[BackupApi], None]]:
        if self._target.organization:
            return organization_dry_runs(self._config, scope)
        return dry_runs(self._config, scope, self._dependencies.clock)

    def _check_identity(self) -> tuple[Check, Caller | None]:
        check = Check("identity", "sts:GetCallerIdentity", needed=False)
        try:
            caller = self._identity.caller(self._region)
        except AwsError as error:
            return _failed(check, error, _remedy_for_identity(error)), None
        return replace(check, detail=caller.arn), caller

    def _check_permissions(self, collector: str, dry_run: Callable[[BackupApi], None]) -> list[Check]:
        api = self.api(DryRun)
        with suppress(AwsError):  # api.outcomes holds it
            dry_run(api)
        checks = []
        for operation, error in api.outcomes.items():
            check = Check("permission", action_of(operation), collector=collector)
            if error:
                # AWS Backup denies access to a vault that does not exist, perhaps to other objects too.
                uncertain = operation in api.placeholder_calls and result_of(error) is Result.DENIED
                remedy = f"{self._remedy(error)}; {_UNCERTAIN_DENIAL}" if uncertain else self._remedy(error)
                check = _failed(check, error, remedy)
            checks.append(check)
        return checks

    def _check_job(self, job_id: str) -> Check:
        check = Check("job", job_id)
        try:
            answer = describe(BACKUP, self.api(DryRun), job_id)
        except AwsError as error:
            if error.is_about_the_job:
                return replace(_failed(check, error, _UNKNOWN_JOB_REMEDY), result=Result.UNKNOWN)
            return _failed(check, error, self._remedy(error))
        return replace(check, detail=str(answer.get(BACKUP.state_member) or ""))

    def _remedy(self, error: AwsError) -> str:
        """Return the remedy; point out a Region that AWS Backup may not have."""
        known = self._known_regions
        if result_of(error) is not Result.UNREACHABLE or not known or self._region in known:
            return error.fault.remedy
        suggestion = nearest(self._region, known, "the known Regions")
        return f"{self._region} is not a known Region of AWS Backup ({suggestion}); {error.fault.remedy}"

    def api(self, make: Callable[..., A]) -> A:
        """Create a client of the target in the Region."""
        return make(
            self._identity,
            self._region,
            budget=self._budget,
            meter=self._log,
            omissions=self._log_omissions,
            clock=self._dependencies.steady,
            sleep=self._dependencies.sleep,
        )

    def _log(self, operation: str, code: str, seconds: float) -> None:
        where = {"target": self._target.name, "aws_region": self._region}
        log.debug(
            "AWS request finished", extra=where | {"operation": operation, "code": code, "seconds": seconds}
        )

    def _log_omissions(self, operation: str, left_out: Sequence[LeftOut]) -> None:
        where = {"target": self._target.name, "aws_region": self._region, "operation": operation}
        for value in left_out:
            details = {"place": value.place, "id": value.row_id, "reason": value.reason}
            log.debug("Skipped malformed value in response", extra=where | details)


def _run_parallel(tasks: Iterable[Callable[[], T]]) -> list[T]:
    with ThreadPoolExecutor(MAX_WORKERS, thread_name_prefix="check") as pool:
        return [future.result() for future in [pool.submit(task) for task in tasks]]


def _merged(checks: Iterable[Check]) -> Iterator[Check]:
    """Give one check for each permission, with all collectors that need it; a failure counts."""
    by_name: dict[str, list[Check]] = {}
    for check in checks:
        by_name.setdefault(check.name, []).append(check)
    for alike in by_name.values():
        worst = next((check for check in alike if check.fault), alike[0])
        yield replace(worst, collector=", ".join(check.collector for check in alike))


def _failed(check: Check, error: AwsError, remedy: str = "") -> Check:
    fault = replace(error.fault, remedy=remedy or error.fault.remedy)
    return replace(check, result=result_of(error), fault=fault)


def _drop_unknown_elsewhere(diagnoses: list[Diagnosis]) -> Iterator[Diagnosis]:
    """Drop the checks of job ids that one Region does not know but another Region does."""
    known = {
        check.name
        for diagnosis in diagnoses
        for check in diagnosis.checks
        if check.kind == "job" and not check.fault
    }
    for diagnosis in diagnoses:
        kept = (
            check
            for check in diagnosis.checks
            if check.result is not Result.UNKNOWN or check.name not in known
        )
        yield replace(diagnosis, checks=tuple(kept))


def _add_duplicate_checks(diagnoses: Iterable[Diagnosis]) -> Iterator[Diagnosis]:
    """Report targets that resolve to the same account and Region: only the first of them gets series."""
    first: dict[tuple[str, str], Scope] = {}
    for diagnosis in diagnoses:
        scope, account_id = diagnosis.scope, diagnosis.caller.account_id if diagnosis.caller else ""
        owner = first.setdefault((account_id, scope.region), scope) if account_id else scope
        if owner == scope:
            yield diagnosis
            continue
        fault = published_already(account_id, scope, owner).fault
        check = Check("account", account_id, Result.DUPLICATE, fault=fault)
        yield replace(diagnosis, checks=(*diagnosis.checks, check))

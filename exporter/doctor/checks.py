"""Examines what a configuration needs of AWS: targets, Regions and checks side by side."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import TypeVar

from exporter.assembly import World
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
    regions_of,
)
from exporter.collectors import published_already
from exporter.config import Config, Target, nearest
from exporter.doctor.dry_run import DryRun, describe, dry_runs
from exporter.doctor.report import Check, Diagnosis, Report, Result, result_of
from exporter.model import BACKUP, Fault, Scope

log = logging.getLogger(__name__)

T = TypeVar("T")

AT_ONCE = 8  # targets; Regions of each; checks in each of those

_NO_REGION = Fault("region", "no Region found", "name the target's regions, or set AWS_REGION")
_FOR_IDENTITY = "the exporter does without; to know it"
_REACH_STS = "check the way to STS and AWS_ENDPOINT_URL_STS"
_FOR_JOBS = "check the id, the account and the Region; when AWS has forgotten it, remove it from job_ids"
_IN_VAIN = (
    "no list told of one, so one was asked for that does not exist: if this is allowed already, "
    "look again when there is one"
)


def examine(config: Config, world: World) -> Report:
    """Look at the credentials, identity, permissions and job ids of every target and Region.

    Only reads, within the configured request budget and time-outs. What fails holds up nothing else.
    """
    profiles = world.profiles(config.api, Clients())
    found = _side_by_side(
        partial(_examine_target, config, world, profiles, target) for target in config.targets
    )
    return Report(tuple(_with_duplicates(chain.from_iterable(found))))


def _examine_target(config: Config, world: World, profiles: Profiles, target: Target) -> Iterable[Diagnosis]:
    """Look for the credentials once, then into each Region."""
    regions = regions_of(target, profiles)
    identity = TargetIdentity(target, regions[0], profiles)
    checks, credentials = _enter(identity, target, regions[0])
    if regions == ("",):
        no_region = Check("region", "region", Result.MISSING, fault=_NO_REGION)
        return [Diagnosis(Scope(target.name, ""), credentials, None, (*checks, no_region))]
    if any(check.fault for check in checks):
        return [Diagnosis(Scope(target.name, region), credentials, None, checks) for region in regions]
    known = profiles.regions_with("backup")
    visits = [_Visit(config, world, target, identity, region, known) for region in regions]
    found = _side_by_side(partial(visit.diagnose, credentials, checks) for visit in visits)
    return _without_elsewhere(found)


def _enter(
    identity: TargetIdentity, target: Target, region: str
) -> tuple[tuple[Check, ...], Credentials | None]:
    """Find the credentials, and assume the role where there is one and a Region to ask in."""
    found = Check("credentials", "credentials")
    try:
        credentials = identity.credentials()
    except AwsError as error:
        return (_failed(found, error),), None
    found = replace(found, detail=str(credentials))
    if not (target.role_arn and region):
        return (found,), credentials
    role = Check("role", "sts:AssumeRole", detail=target.role_arn)
    try:
        identity.assume_role()
    except AwsError as error:
        role = _failed(role, error, _remedy_for_role(error, target.role_arn))
    return (found, role), credentials


def _remedy_for_role(error: AwsError, role_arn: str) -> str:
    remedy = error.fault.remedy
    if result_of(error) is Result.DENIED and "trust policy" in remedy:  # none of the organization, say
        return f'allow sts:AssumeRole on "{role_arn}" for the identity in use; {remedy}'
    return remedy


def _remedy_for_identity(error: AwsError) -> str:
    if error.is_about_credentials:
        return error.fault.remedy
    unreachable = result_of(error) is Result.UNREACHABLE
    return f"{_FOR_IDENTITY}, {_REACH_STS if unreachable else error.fault.remedy}"


class _Visit:
    """One target in one Region, with credentials that were found."""

    def __init__(
        self,
        config: Config,
        world: World,
        target: Target,
        identity: TargetIdentity,
        region: str,
        known_regions: Sequence[str],
    ) -> None:
        self._config = config
        self._world = world
        self._target = target
        self._identity = identity
        self._region = region
        self._known_regions = known_regions
        self._budget = Budget(config.api.requests_per_second, world.steady)

    def diagnose(self, credentials: Credentials | None, before: Iterable[Check]) -> Diagnosis:
        """Make the checks of this Region, after those of the target."""
        scope = Scope(self._target.name, self._region)
        identity, caller = self._check_identity()
        each = dry_runs(self._config, scope, self._world.clock)
        permissions = _side_by_side(partial(self._permissions, *one) for one in each.items())
        job_ids = self._target.job_ids if BACKUP.collector in each else ()
        jobs = _side_by_side(partial(self._job, job_id) for job_id in job_ids)
        checks = (*before, identity, *chain.from_iterable(permissions), *jobs)
        return Diagnosis(scope, credentials, caller, checks)

    def _check_identity(self) -> tuple[Check, Caller | None]:
        check = Check("identity", "sts:GetCallerIdentity", needed=False)
        try:
            caller = self._identity.caller(self._region)
        except AwsError as error:
            return _failed(check, error, _remedy_for_identity(error)), None
        return replace(check, detail=caller.arn), caller

    def _permissions(self, collector: str, ask_once: Callable[[BackupApi], None]) -> list[Check]:
        api = self._api()
        with suppress(AwsError):  # it is among the outcomes
            ask_once(api)
        checks = []
        for operation, error in api.outcomes.items():
            check = Check("permission", f"backup:{operation}", collector=collector)
            if error:
                # For a vault that does not exist AWS Backup says "denied"; perhaps for other things too.
                unsure = operation in api.in_vain and result_of(error) is Result.DENIED
                remedy = f"{self._remedy(error)}; {_IN_VAIN}" if unsure else self._remedy(error)
                check = _failed(check, error, remedy)
            checks.append(check)
        return checks

    def _job(self, job_id: str) -> Check:
        check = Check("job", job_id)
        try:
            answer = describe(BACKUP, self._api(), job_id)
        except AwsError as error:
            if error.is_about_the_job:
                return replace(_failed(check, error, _FOR_JOBS), result=Result.UNKNOWN)
            return _failed(check, error, self._remedy(error))
        return replace(check, detail=str(answer.get(BACKUP.state_member) or ""))

    def _remedy(self, error: AwsError) -> str:
        """Say more where the Region may be none."""
        known = self._known_regions
        if result_of(error) is not Result.UNREACHABLE or not known or self._region in known:
            return error.fault.remedy
        meant = nearest(self._region, known, "the known ones")
        return f"{self._region} is not known as a Region of AWS Backup ({meant}); {error.fault.remedy}"

    def _api(self) -> DryRun:
        return DryRun(
            self._identity,
            self._region,
            budget=self._budget,
            meter=self._log,
            omissions=self._log_omissions,
            clock=self._world.steady,
            sleep=self._world.sleep,
        )

    def _log(self, operation: str, code: str, seconds: float) -> None:
        where = {"target": self._target.name, "aws_region": self._region}
        log.debug("asked AWS", extra=where | {"operation": operation, "code": code, "seconds": seconds})

    def _log_omissions(self, operation: str, left_out: Sequence[LeftOut]) -> None:
        where = {"target": self._target.name, "aws_region": self._region, "operation": operation}
        for value in left_out:
            details = {"place": value.place, "id": value.row_id, "reason": value.reason}
            log.debug("left out a malformed value of an answer", extra=where | details)


def _side_by_side(works: Iterable[Callable[[], T]]) -> list[T]:
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="check") as pool:
        return [begun.result() for begun in [pool.submit(work) for work in works]]


def _failed(check: Check, error: AwsError, remedy: str = "") -> Check:
    fault = replace(error.fault, remedy=remedy or error.fault.remedy)
    return replace(check, result=result_of(error), fault=fault)


def _without_elsewhere(diagnoses: list[Diagnosis]) -> Iterator[Diagnosis]:
    """Pass over that a Region does not know a job which another one knows."""
    known = {
        check.name for found in diagnoses for check in found.checks if check.kind == "job" and not check.fault
    }
    for found in diagnoses:
        kept = (
            check for check in found.checks if check.result is not Result.UNKNOWN or check.name not in known
        )
        yield replace(found, checks=tuple(kept))


def _with_duplicates(diagnoses: Iterable[Diagnosis]) -> Iterator[Diagnosis]:
    """Find the targets that turn out to be the same account and Region: only one of them gets series."""
    first: dict[tuple[str, str], Scope] = {}
    for found in diagnoses:
        scope, account_id = found.scope, found.caller.account_id if found.caller else ""
        holder = first.setdefault((account_id, scope.region), scope) if account_id else scope
        if holder == scope:
            yield found
            continue
        fault = published_already(account_id, scope, holder).fault
        check = Check("account", account_id, Result.DUPLICATE, fault=fault)
        yield replace(found, checks=(*found.checks, check))

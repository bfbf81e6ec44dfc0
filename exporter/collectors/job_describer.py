"""Describes jobs of one kind in one scope, within the request budget."""

import logging
from collections.abc import Collection
from functools import partial
from typing import NamedTuple

from exporter.aws import AwsError, BackupApi, OverBudgetError, malformed
from exporter.collectors.job_recorder import JobRecorder
from exporter.collectors.parallel_calls import CallPool, wait_for_all
from exporter.collectors.protocols import MAX_WAIT
from exporter.ledger import ConfiguredIds, Ledger
from exporter.model import Answer, Job, Kind, MalformedJobError
from exporter.runtime import Clock

log = logging.getLogger(__name__)

RETRY_INTERVAL = 600.0  # seconds before a finished job that could not be described is described again


class Pending(NamedTuple):
    """Ids of jobs to describe, and when each was last described.

    Attributes:
        configured: jobs that the configuration names.
        active: jobs that are not finished.
        finished: finished jobs that are still to be described for the last time.
    """

    configured: dict[str, float]
    active: dict[str, float]
    finished: dict[str, float]

    @property
    def all(self) -> dict[str, float]:
        """All of them."""
        return self.configured | self.active | self.finished


class JobDescriber:
    """Describes jobs, the longest not described first; a job that fails does not delay the others.

    Args:
        kind: the job kind.
        ledger: knows the jobs.
        api: calls AWS.
        recorder: records the descriptions.
        configured: job ids to follow whatever discovery finds.
        clock: the time of day.
        calls: runs describe calls at the same time.
    """

    def __init__(
        self,
        kind: Kind,
        ledger: Ledger,
        api: BackupApi,
        recorder: JobRecorder,
        *,
        configured: ConfiguredIds,
        clock: Clock,
        calls: CallPool,
    ) -> None:
        self._kind = kind
        self._ledger = ledger
        self._scope = ledger.scope
        self._api = api
        self._recorder = recorder
        self._configured = configured
        self._clock = clock
        self._calls = calls
        self._logged: set[str] = set()  # error codes of finished jobs
        self._failed: dict[str, float] = {}  # when the last description of a job failed
        self._postponed: dict[str, float] = {}  # likewise, finished jobs with a postponed retry

    def pending(self, *, first_descriptions: bool) -> Pending:
        """Return the jobs to describe; finished jobs that were never described only if asked for."""
        configured = self._configured.wanted_in(self._scope.region)
        with self._ledger.open(self._kind) as store:
            return Pending(
                configured={job_id: at for job_id, at in configured.items() if not store.is_final(job_id)},
                active={entry.job.id: entry.described_at for entry in store.active_jobs()},
                finished={
                    entry.job.id: entry.described_at
                    for entry in store.undescribed_jobs()
                    if (entry.described_at or first_descriptions) and self._may_be_retried(entry.job.id)
                },
            )

    def describe(self, pending: Pending, listed: Collection[str]) -> None:
        """Describe as many jobs as the budget allows, at the same time; always at least one.

        Args:
            pending: the jobs.
            listed: ids of jobs that a list has just shown: AWS knows them, whatever a description says.
        """
        self._forget_old_failures()
        at_once = max(1, self._api.budget.available())
        calls = [
            self._calls.submit(
                partial(
                    self._describe_finished if job_id in pending.finished else self._describe,
                    job_id,
                    listed=listed,
                    max_wait=0.0 if position else MAX_WAIT,
                ),
                self._scope,
            )
            for position, job_id in enumerate(self._longest_untried_first(pending)[:at_once])
        ]
        wait_for_all(calls)

    def describe_one_finished(self) -> bool:
        """Describe a finished job that never was, the newest first. Returns whether there was one."""
        with self._ledger.open(self._kind) as store:
            waiting = [
                entry.job.id
                for entry in store.undescribed_jobs()
                if not entry.described_at and self._may_be_retried(entry.job.id)
            ]
        for job_id in waiting[:1]:
            self._describe_finished(job_id, reserve=self._api.budget.reserve, max_wait=MAX_WAIT)
        return bool(waiting)

    def retry_postponed(self) -> None:
        """Retry finished jobs immediately: their failures may not have been due to the jobs."""
        self._postponed.clear()

    def _may_be_retried(self, job_id: str) -> bool:
        failed = self._postponed.get(job_id)
        return failed is None or not 0 <= self._clock() - failed < RETRY_INTERVAL

    def _longest_untried_first(self, pending: Pending) -> list[str]:
        """Order jobs by their last attempt, so that one that always fails does not block the others."""
        tried = pending.all
        return sorted(tried, key=lambda job_id: max(tried[job_id], self._failed.get(job_id, 0.0)))

    def _describe_finished(
        self, job_id: str, *, listed: Collection[str] = (), reserve: float = 0.0, max_wait: float = 0.0
    ) -> None:
        """Describe a finished job; an error that concerns this job alone is logged and retried later."""
        try:
            self._describe(job_id, listed=listed, reserve=reserve, max_wait=max_wait)
        except AwsError as error:
            if not error.may_be_about_the_job:
                raise
            self._postponed[job_id] = self._clock()
            if error.fault.code not in self._logged:
                self._logged.add(error.fault.code)
                log.warning(
                    "Cannot describe a finished job; retrying later",
                    extra=self._log_fields(job_id, error),
                )

    def _describe(
        self, job_id: str, *, listed: Collection[str] = (), reserve: float = 0.0, max_wait: float = 0.0
    ) -> None:
        parameter = {self._kind.id_member: job_id}
        member = self._kind.describe_member or self._kind.id_member
        try:
            answer = self._api.call(
                self._kind.describe_operation, member, reserve=reserve, max_wait=max_wait, **parameter
            )
            job = self._parse(job_id, answer)
        except OverBudgetError:
            return
        except AwsError as error:
            self._failed[job_id] = self._clock()
            self._handle_refusal(job_id, error, listed)
            return
        self._failed.pop(job_id, None)
        self._configured.found(job_id, self._scope.region, self._clock())
        self._recorder.described(job)

    def _parse(self, job_id: str, answer: Answer) -> Job:
        try:
            job = self._kind.described(answer)
        except MalformedJobError as error:
            raise malformed(self._kind.describe_operation, str(error)) from error
        if job.id != job_id:
            raise malformed(self._kind.describe_operation, f"requested {job_id}, got {job.id}")
        return job

    def _handle_refusal(self, job_id: str, error: AwsError, listed: Collection[str]) -> None:
        """Record that AWS does not know the job or refuses to describe it; raise any other error."""
        if not error.is_about_the_job:
            raise error
        self._recorder.refused(job_id)
        self._configured.refused(job_id, self._scope.region, self._clock(), error.fault)
        with self._ledger.open(self._kind) as store:
            store.skip_description(job_id, self._clock())
            if error.is_unknown_job and job_id not in listed:
                store.remove(job_id)

    def _forget_old_failures(self) -> None:
        now = self._clock()
        for failures in (self._failed, self._postponed):
            for job_id, failed in list(failures.items()):
                if now - failed >= RETRY_INTERVAL:
                    failures.pop(job_id, None)

    def _log_fields(self, job_id: str, error: AwsError) -> dict[str, str]:
        return {
            "target": self._scope.target,
            "aws_region": self._scope.region,
            "job_id": job_id,
            "code": error.fault.code,
            "reason": error.fault.message,
            "remedy": error.fault.remedy,
        }

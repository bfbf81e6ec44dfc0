"""The expected samples of an account, computed from the responses of AWS, and the exported ones."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from bench.jobs import WINDOW
from bench.soak.aws import Answers

Answer = Mapping[str, Any]
Series = tuple[str, tuple[tuple[str, str], ...]]
"""A metric's name, and those of its labels that tell its series from the others of the account."""

Samples = dict[Series, float]

_TELLS_JOBS = ("job_id", "parent_job_id", "validation_status", "state")
_TELLS_COUNTS = ("vault_name", "resource_type", "state")
_TELLS_RESOURCES = ("resource_arn", "state")
NEAR = 1e-9  # AWS's 23.71 percent is 0.2371 up to what a float can hold

_LINE = re.compile(r"(aws_backup_\w+)\{(.*)\} (\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_COMPARED = re.compile(
    r"aws_backup_((copy_|restore_)?job_(info|state|progress_ratio|transferred_bytes|size_bytes|child_jobs"
    r"|child_jobs_in_state|created_timestamp_seconds|completed_timestamp_seconds)"
    r"|(copy_|restore_)?jobs|(copy_|restore_)?jobs_finished_total"
    r"|resource_last_(success_timestamp_seconds|attempt_timestamp_seconds|job_state|success_size_bytes"
    r"|success_duration_seconds))"
)


class _Kind(NamedTuple):
    """How AWS's words for one kind of job become names of metrics."""

    prefix: str
    id: str
    state: str
    vault: str
    states: tuple[str, ...]
    active: tuple[str, ...]
    numbers: Mapping[str, str]


_NUMBERS = {
    "size_bytes": "BackupSizeInBytes",
    "created_timestamp_seconds": "CreationDate",
    "completed_timestamp_seconds": "CompletionDate",
}
_CHILDREN = {"child_jobs": "NumberOfChildJobs"}

_KINDS = {
    "backup": _Kind(
        "aws_backup_",
        "BackupJobId",
        "State",
        "BackupVaultName",
        ("CREATED", "PENDING", "RUNNING", "ABORTING", "ABORTED", "COMPLETED", "FAILED", "EXPIRED", "PARTIAL"),
        ("CREATED", "PENDING", "RUNNING", "ABORTING"),
        _NUMBERS | _CHILDREN | {"transferred_bytes": "BytesTransferred"},
    ),
    "copy": _Kind(
        "aws_backup_copy_",
        "CopyJobId",
        "State",
        "DestinationBackupVaultArn",
        ("CREATED", "RUNNING", "COMPLETED", "FAILED", "PARTIAL"),
        ("CREATED", "RUNNING"),
        _NUMBERS | _CHILDREN,
    ),
    "restore": _Kind(
        "aws_backup_restore_",
        "RestoreJobId",
        "Status",
        "BackupVaultArn",
        ("PENDING", "RUNNING", "COMPLETED", "ABORTED", "FAILED"),
        ("PENDING", "RUNNING"),
        _NUMBERS,
    ),
}


def told_by_aws(answers: Answers, now: float, started: float) -> Samples:
    """Work out the samples of an account, from the describe answers of all its jobs."""
    samples: Samples = {}
    for name, kind in _KINDS.items():
        seen = [job for job in answers[name] if job["CreationDate"] >= now - WINDOW or _is_active(kind, job)]
        for job in seen:
            samples |= _of_job(kind, job)
        samples |= _of_fleet(kind, seen, started)
    return samples | _of_resources(answers["backup"])


def published(text: str, account_id: str) -> Samples:
    """Read those samples of an account from an exposition.

    Raises:
        ValueError: a series comes twice.
    """
    samples: Samples = {}
    here = f'aws_account_id="{account_id}"'
    for line in text.splitlines():
        found = _LINE.fullmatch(line) if here in line else None
        if found and _COMPARED.fullmatch(found[1]):
            series = _series(found[1], dict(_LABEL.findall(found[2])))
            if found[1] == "aws_backup_resource_last_job_state" and float(found[3]) == 0:
                continue
            if series in samples:
                raise ValueError(f"{line} comes twice")
            samples[series] = float(found[3])
    return samples


def differences(told: Samples, found: Samples) -> list[Series]:
    """Return the series that are not what AWS tells."""
    return sorted(
        series for series in told.keys() | found.keys() if _differ(told.get(series), found.get(series))
    )


def described(different: Iterable[Series], told: Samples, found: Samples) -> Iterator[str]:
    """Say for each metric how many of its series differ, and give one of them."""
    for name, some in groupby(different, lambda series: series[0]):
        (_, labels), *others = some
        series = name, labels
        where = ",".join(f'{label}="{text}"' for label, text in labels)
        values = f"AWS tells {_text(told.get(series))}, published is {_text(found.get(series))}"
        yield f"{name}{{{where}}}: {values}" + (f" ({len(others)} more)" if others else "")


def _differ(expected: float | None, actual: float | None) -> bool:
    return expected is None or actual is None or abs(expected - actual) > NEAR * max(1.0, abs(expected))


def _text(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.15g}"


def _series(name: str, labels: Mapping[str, str]) -> Series:
    telling: tuple[str, ...] = _TELLS_COUNTS
    if name.startswith("aws_backup_resource_"):
        telling = _TELLS_RESOURCES
    elif "_job_" in name:
        telling = _TELLS_JOBS
    return name, tuple((label, labels[label]) for label in telling if labels.get(label))


def _is_active(kind: _Kind, job: Answer) -> bool:
    return job[kind.state] in kind.active


def _of_job(kind: _Kind, job: Answer) -> Samples:
    samples: Samples = {}
    job_id = job[kind.id]

    def say(suffix: str, value: float, **labels: str) -> None:
        samples[_series(f"{kind.prefix}job_{suffix}", {"job_id": job_id, **labels})] = value

    about = {
        "parent_job_id": job.get("ParentJobId", ""),
        "validation_status": job.get("ValidationStatus", ""),
    }
    say("info", 1, **about)
    say("state", 1, state=job[kind.state])
    if kind.prefix != "aws_backup_copy_" and "PercentDone" in job:
        say("progress_ratio", float(job["PercentDone"].rstrip("%")) / 100)
    for suffix, member in kind.numbers.items():
        if member in job:
            say(suffix, job[member])
    for state, number in job.get("ChildJobsInState", {}).items():
        say("child_jobs_in_state", number, state=state)
    return samples


def _of_fleet(kind: _Kind, jobs: Iterable[Answer], started: float) -> Samples:
    """Count the jobs of the window, and those that ended since the start; child jobs are not counted."""
    counts: Counter[Series] = Counter()
    terminal = [state for state in kind.states if state not in kind.active]
    for job in jobs:
        if "ParentJobId" in job:
            continue
        state = job[kind.state]
        vault = job[kind.vault].rpartition(":backup-vault:")[2]
        where = {"vault_name": vault, "resource_type": job["ResourceType"]}
        counts.update({_series(f"{kind.prefix}jobs", {**where, "state": each}): 0 for each in kind.states})
        total = f"{kind.prefix}jobs_finished_total"
        counts.update({_series(total, {**where, "state": each}): 0 for each in terminal})
        counts[_series(f"{kind.prefix}jobs", {**where, "state": state})] += 1
        if state in terminal and job["CompletionDate"] >= started and _is_at_its_end(job):
            counts[_series(total, {**where, "state": state})] += 1
    return dict(counts)


def _is_at_its_end(job: Answer) -> bool:
    return job.get("ValidationStatus") != "VALIDATING"


def _of_resources(jobs: Sequence[Answer]) -> Samples:
    """Tell of each resource its newest job and its newest success; child jobs count for their own."""
    newest: dict[str, Answer] = {}
    success: dict[str, Answer] = {}
    for job in jobs:
        arn = job["ResourceArn"]
        if arn not in newest or job["CreationDate"] > newest[arn]["CreationDate"]:
            newest[arn] = job
        completed = job["State"] == "COMPLETED"
        if completed and (arn not in success or job["CompletionDate"] > success[arn]["CompletionDate"]):
            success[arn] = job
    samples: Samples = {}
    for arn, job in newest.items():
        _say_of(samples, arn, "last_attempt_timestamp_seconds", job["CreationDate"])
        _say_of(samples, arn, "last_job_state", 1, state=job["State"])
    for arn, job in success.items():
        _say_of(samples, arn, "last_success_timestamp_seconds", job["CompletionDate"])
        _say_of(samples, arn, "last_success_size_bytes", job["BackupSizeInBytes"])
        duration = job["CompletionDate"] - job["CreationDate"]
        _say_of(samples, arn, "last_success_duration_seconds", duration)
    return samples


def _say_of(samples: Samples, arn: str, suffix: str, value: float, **labels: str) -> None:
    samples[_series(f"aws_backup_resource_{suffix}", {"resource_arn": arn, **labels})] = value

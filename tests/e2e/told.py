"""What an exposition must say of jobs, worked out from AWS's answers alone, and what one does say."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from hashlib import sha256
from typing import Any

from tests.e2e.process import REGION
from tests.support.samples import parse_samples

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
"""Values by name and labels."""

NUMBERS = {
    "transferred_bytes": "BytesTransferred",
    "size_bytes": "BackupSizeInBytes",
    "child_jobs": "NumberOfChildJobs",
    "created_timestamp_seconds": "CreationDate",
    "completed_timestamp_seconds": "CompletionDate",
    "expected_completion_timestamp_seconds": "ExpectedCompletionDate",
    "start_by_timestamp_seconds": "StartBy",
}
INFO = {
    "resource_arn": "ResourceArn",
    "resource_name": "ResourceName",
    "resource_type": "ResourceType",
    "vault_name": "BackupVaultName",
    "vault_arn": "BackupVaultArn",
    "recovery_point_arn": "RecoveryPointArn",
    "backup_type": "BackupType",
    "iam_role_arn": "IamRoleArn",
    "parent_job_id": "ParentJobId",
}
CREATOR = {
    "plan_id": "BackupPlanId",
    "plan_name": "BackupPlanName",
    "plan_version": "BackupPlanVersion",
    "rule_id": "BackupRuleId",
    "rule_name": "BackupRuleName",
}
STATES = ("CREATED", "PENDING", "RUNNING", "ABORTING", "ABORTED", "COMPLETED", "FAILED", "EXPIRED", "PARTIAL")


def of_jobs(jobs: Iterable[Mapping[str, Any]]) -> Samples:
    """All per-job samples that these jobs must have, and no others."""
    samples: Samples = {}
    for job in jobs:
        shared = {
            "job_id": job["BackupJobId"],
            "aws_account_id": job.get("AccountId") or job.get("BackupVaultArn", "::::").split(":")[4],
            "aws_region": REGION,
        }

        def say(suffix: str, value: float, shared: dict[str, str] = shared, **labels: str) -> None:
            own = {name: carried(text) for name, text in (shared | labels).items()}
            samples[f"aws_backup_job_{suffix}", frozenset(own.items())] = value

        _say_words(job, say)
        if "PercentDone" in job:
            say("progress_ratio", float(Decimal(job["PercentDone"].rstrip("%")) / 100))
        for suffix, member in NUMBERS.items():
            if member in job:
                say(suffix, job[member])
        for state, count in job.get("ChildJobsInState", {}).items():
            say("child_jobs_in_state", count, state=state)
    return samples


def _say_words(job: Mapping[str, Any], say: Any) -> None:
    labels = {label: job.get(member, "") for label, member in INFO.items()}
    labels |= {label: job.get("CreatedBy", {}).get(member, "") for label, member in CREATOR.items()}
    options = sorted(job.get("BackupOptions", {}).items())
    labels["backup_options"] = ",".join(f"{key}={value}" for key, value in options)
    labels["is_parent"] = "true" if job.get("IsParent") else "false"
    say("info", 1, **labels)
    say("state", 1, state=job["State"])
    message, category = " ".join(job.get("StatusMessage", "").split()), job.get("MessageCategory", "")
    if len(message) > 200:
        message = f"{message[:199]}…"
    if message or category.lower() not in ("", "success"):
        say("status_info", 1, message_category=category, status_message=message)


def of_fleet(jobs: Iterable[Mapping[str, Any]]) -> Samples:
    """How many jobs there must be by account, vault, type and state, child jobs left out."""
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for job in jobs:
        if "ParentJobId" not in job:
            account_id = job.get("AccountId") or job["BackupVaultArn"].split(":")[4]
            where = (account_id, job.get("BackupVaultName", ""), job.get("ResourceType", ""))
            counts.update({(*where, state): 0 for state in STATES})
            counts[*where, job["State"]] += 1
    labels = ("aws_account_id", "vault_name", "resource_type", "state")
    return {
        (
            "aws_backup_jobs",
            frozenset({*zip(labels, map(carried, key), strict=True), ("aws_region", REGION)}),
        ): count
        for key, count in counts.items()
    }


def published(text: str, names: str = r"aws_backup_job_\w+") -> Samples:
    """The samples of an exposition in text format whose names match; none may come twice."""
    found = [
        ((sample.name, frozenset(sample.labels.items())), sample.value)
        for sample in parse_samples(text)
        if re.fullmatch(names, sample.name)
    ]
    assert len(dict(found)) == len(found), "a series comes twice"
    return dict(found)


def without_empty(samples: Samples) -> Samples:
    """The same as Prometheus keeps it: an empty label is none."""
    return {
        (name, frozenset(label for label in labels if label[1])): value
        for (name, labels), value in samples.items()
    }


def carried(text: str) -> str:
    """The same text as a label can carry it.

    A lone surrogate becomes U+FFFD. Of more than 1,024 bytes, what is beyond that is a hash of the whole.
    """
    whole = re.sub("[\ud800-\udfff]", "\ufffd", text).encode()
    if len(whole) > 1024:
        ending = f"…{sha256(whole).hexdigest()[:16]}".encode()
        whole = whole[: 1024 - len(ending)] + ending
    return whole.decode()

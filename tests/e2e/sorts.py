"""Jobs of every sort that AWS Backup has, as DescribeBackupJob tells them."""

import time
from collections.abc import Mapping
from typing import Any

from tests.e2e.process import REGION
from tests.e2e.told import STATES

ACCOUNT = "123456789012"
FINISHED = frozenset({"ABORTED", "COMPLETED", "FAILED", "EXPIRED", "PARTIAL"})
HOUR = 3600.0

Answer = Mapping[str, Any]

UNUSUAL = {
    "quotes": 'the "big" one',
    "backslashes": "C:\\temp\\new \\\\share\\",
    "newlines": "one\ntwo\n\nthree\n",
    "carriage-returns": "one\r\ntwo\rthree",
    "nul": "\0a\0\0b\0",
    "escapes": 'a\\"b\\n"\\\n',
    "control": "".join(map(chr, [*range(1, 32), 127, 128, 133, 159])),
    "separators": "a\u2028b\u2029c\u00a0d\u200be\ufefff",
    "emoji": "👩‍👩‍👧‍👦 🇪🇺 ❤️",
    "right-to-left": "\u202e\u05d2\u05d9\u05d1\u05d5\u05d9\u202c \u0646\u0633\u062e\u0629",
    "combining": "Z\u0351\u036ba\u0300\u0301l\u0308go",
    "surrogates": "a\ud800b\udfffc\udc00\ud800d",
    "no-characters": "\uffff\ufdd0\U0010ffff",
    "braces": '{a="b"} 1 # {trace="x"} # EOF',
    "long": "0123456789" * 1024,
}


def job(job_id: str, state: str = "RUNNING", *, age: float = 600.0, **fields: Any) -> Answer:
    """A job with what nearly every one has, created so many seconds ago."""
    return {
        "BackupJobId": job_id,
        "State": state,
        "AccountId": ACCOUNT,
        "BackupVaultName": "prod",
        "BackupVaultArn": f"arn:aws:backup:{REGION}:{ACCOUNT}:backup-vault:prod",
        "ResourceArn": f"arn:aws:ec2:{REGION}:{ACCOUNT}:volume/vol-{job_id}",
        "ResourceType": "EBS",
        "CreationDate": round(time.time() - age, 3),
        **fields,
    }


def full(job_id: str, state: str, *, age: float = 600.0) -> Answer:
    """A job with every field there is, child counts left out."""
    plain = job(job_id, state, age=age)
    created = plain["CreationDate"]
    ended = {"CompletionDate": round(created + 433.217, 3)} if state in FINISHED else {}
    return {
        **plain,
        **ended,
        "VaultType": "BACKUP_VAULT",
        "VaultLockState": "LOCKED",
        "RecoveryPointArn": f"arn:aws:ec2:{REGION}::snapshot/snap-{job_id}",
        "EncryptionKeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0a1b",
        "IsEncrypted": True,
        "StatusMessage": f"a message about {job_id}",
        "PercentDone": "23.71" if state not in FINISHED else "100.0",
        "BackupSizeInBytes": 9_007_199_254_740_991,
        "BytesTransferred": 1_234_567_890_123,
        "IamRoleArn": f"arn:aws:iam::{ACCOUNT}:role/backup",
        "CreatedBy": {
            "BackupPlanId": "6a7b",
            "BackupPlanArn": f"arn:aws:backup:{REGION}:{ACCOUNT}:backup-plan:6a7b",
            "BackupPlanName": "daily",
            "BackupPlanVersion": "NmFh",
            "BackupRuleId": "r1",
            "BackupRuleName": "at-night",
            "BackupRuleCron": "cron(0 5 ? * * *)",
            "BackupRuleTimezone": "Etc/UTC",
        },
        "ExpectedCompletionDate": round(created + 1800.5, 3),
        "StartBy": round(created + 8 * HOUR, 3),
        "BackupOptions": {"WindowsVSS": "enabled", "Acl": "disabled"},
        "BackupType": "CRASH_CONSISTENT",
        "IsParent": False,
        "ResourceName": f"volume {job_id}",
        "InitiationDate": round(created - 1.5, 3),
        "MessageCategory": "SUCCESS",
    }


def unusual() -> list[Answer]:
    """Jobs whose texts are hard to carry: each in every field that becomes a label."""
    return [_told_in(name, text) for name, text in UNUSUAL.items()]


def _told_in(name: str, text: str) -> Answer:
    fields = ("BackupVaultName", "BackupVaultArn", "ResourceArn", "ResourceName", "ResourceType")
    others = ("RecoveryPointArn", "BackupType", "IamRoleArn", "StatusMessage", "MessageCategory")
    creator = ("BackupPlanId", "BackupPlanName", "BackupPlanVersion", "BackupRuleId", "BackupRuleName")
    return {
        **job(f"unusual-{name}", "COMPLETED" if len(text) % 2 else "RUNNING"),
        **{field: f"{field} {text}" for field in fields + others},
        "CreatedBy": {field: f"{field} {text}" for field in creator},
        "BackupOptions": {"WindowsVSS": text},
        "ChildJobsInState": {f"STATE {text}": 7},
        "IsParent": True,
    }


def every_sort() -> list[Answer]:
    """A few of each state, parents and children, on-demand jobs, and jobs of which AWS tells little."""
    return [
        *(full(f"full-{state}-{number}", state) for state in STATES for number in range(3)),
        *(job(f"on-demand-{state}", state) for state in STATES),
        *(job(f"early-{state}", state, age=20 * HOUR) for state in STATES),
        *_composite("live", "RUNNING", "RUNNING", "PENDING"),
        *_composite("mixed", "PARTIAL", "COMPLETED", "FAILED"),
        *_composite("earlier", "COMPLETED", "COMPLETED", "COMPLETED", age=9 * HOUR),
        *_little(),
    ]


def _composite(name: str, state: str, *children: str, age: float = 600.0) -> list[Answer]:
    counts: dict[str, int] = dict.fromkeys(STATES, 0)
    for child in children:
        counts[child] += 1
    whole = {"IsParent": True, "NumberOfChildJobs": len(children), "ChildJobsInState": counts}
    parent = {**full(f"{name}-parent", state, age=age), **whole}
    return [
        parent,
        *(
            {**full(f"{name}-child-{place}", child, age=age), "ParentJobId": parent["BackupJobId"]}
            for place, child in enumerate(children)
        ),
    ]


def _little() -> list[Answer]:
    created = job("just-created", "CREATED", age=1)
    return [
        {name: value for name, value in created.items() if name not in ("AccountId", "ResourceType")},
        {**job("no-bytes", "COMPLETED"), "BackupSizeInBytes": 0, "PercentDone": "0.0"},
        {**job("with-issues", "COMPLETED"), "MessageCategory": "WindowsVSS"},
        {**job("went-well", "COMPLETED"), "MessageCategory": "Success"},
        {**job("wordy", "FAILED"), "StatusMessage": "Access\n denied " * 40},
        {**job("state-of-tomorrow", "HIBERNATING"), "PercentDone": "71.00%"},
        {**job("childless", "RUNNING"), "IsParent": True, "NumberOfChildJobs": 0, "ChildJobsInState": {}},
        job("long-running", "RUNNING", age=72 * HOUR),
    ]

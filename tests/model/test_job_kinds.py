"""How an answer of AWS becomes a job."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model.arns import account_in_arn
from exporter.model.job_fields import MESSAGE_LENGTH, number, one_line, percentage
from exporter.model.job_kinds import BACKUP
from exporter.model.kind import MalformedJobError
from exporter.model.records import Job, Number

ARN = "arn:aws:backup:eu-west-1:123456789012:backup-vault:prod"
SIXTEEN_HOURS = 1793548800.123  # a point in time, in seconds since 1970
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


def read(**fields: Any) -> Job:
    """Read a described job that has an id, and these fields."""
    return BACKUP.described({"BackupJobId": "a", **fields})


def gauge(suffix: str, **fields: Any) -> Number | None:
    """Read one number of a job."""
    job = read(**fields)
    return dict(zip((gauge.suffix for gauge in BACKUP.gauges), job.values, strict=True))[suffix]


def info(label: str, **fields: Any) -> str:
    """Read one label of a job."""
    return dict(zip((label for label, _ in BACKUP.info), read(**fields).info, strict=True))[label]


@pytest.mark.parametrize(
    ("told", "ratio"),
    [
        ("0.0", 0.0),
        ("23.71", 0.2371),
        ("44.91", 0.4491),
        ("100.0", 1.0),
        ("0.00%", 0.0),
        ("100.00%", 1.0),
        (" 50 % ", 0.5),
        (50, 0.5),
        ("", None),
        ("%", None),
        ("nearly", None),
        ("NaN", None),
        ("inf", None),
        ("1e999", None),
        (None, None),
    ],
)
def test_percentages(told: object, ratio: float | None) -> None:
    """PercentDone is a text, with or without its sign; what is no finite number is absent."""
    assert percentage(told) == ratio


@pytest.mark.parametrize(
    ("told", "value"),
    [
        (0, 0),
        (2**63, 2**63),
        (-1, -1),
        (1.5, 1.5),
        (True, None),
        (float("nan"), None),
        (float("-inf"), None),
        (10**400, None),
        ("12", None),
        (None, None),
        ({}, None),
    ],
)
def test_numbers(told: object, value: Number | None) -> None:
    """A finite number is taken as it is, whole ones exactly; all else is absent."""
    assert number(told) == value


@pytest.mark.parametrize(
    ("told", "line"),
    [
        ("went well", "went well"),
        (" a\r\n\tb\u2028c\x85d  ", "a b c d"),
        ("x" * MESSAGE_LENGTH, "x" * MESSAGE_LENGTH),
        ("x" * (MESSAGE_LENGTH + 1), "x" * (MESSAGE_LENGTH - 1) + "…"),
        ("😀" * 300, "😀" * (MESSAGE_LENGTH - 1) + "…"),
        ("", ""),
    ],
)
def test_messages(told: str, line: str) -> None:
    """A message is put on one line and shortened to 200 characters, the last of which shows it."""
    assert read(StatusMessage=told).message == one_line(told) == line
    assert MESSAGE_LENGTH == 200


@pytest.mark.parametrize(
    ("arn", "account"),
    [
        (ARN, "123456789012"),
        ("arn:aws-cn:iam::210987654321:role/backup", "210987654321"),
        ("arn:aws:s3:::bucket", ""),
        ("arn:aws:rds:eu-west-1:12345:db:short", ""),
        ("123456789012", ""),
        ("", ""),
    ],
)
def test_accounts_in_arns(arn: str, account: str) -> None:
    """The account of an ARN is its twelve digits; an ARN of S3 has none."""
    assert account_in_arn(arn) == account


@pytest.mark.parametrize(
    ("fields", "account"),
    [
        ({"AccountId": "111111111111", "BackupVaultArn": ARN}, "111111111111"),
        ({"AccountId": None, "BackupVaultArn": ARN}, "123456789012"),
        ({"IamRoleArn": "arn:aws:iam::222222222222:role/r", "ResourceArn": ARN}, "222222222222"),
        ({"BackupVaultArn": "arn:aws:s3:::bucket", "ResourceArn": ARN}, "123456789012"),
        ({}, ""),
    ],
)
def test_the_account_of_a_job(fields: Mapping[str, Any], account: str) -> None:
    """A job's account is its AccountId, else that in its ARNs, the vault's first."""
    assert read(**fields).account_id == account


@pytest.mark.parametrize(
    ("fields", "vault"),
    [
        ({"BackupVaultName": "daily", "BackupVaultArn": ARN}, "daily"),
        ({"BackupVaultArn": ARN}, "prod"),
        ({}, ""),
    ],
)
def test_the_vault_of_a_job(fields: Mapping[str, Any], vault: str) -> None:
    """A job's vault is its name, else the last part of its ARN."""
    assert read(**fields).vault_name == vault


@pytest.mark.parametrize(
    ("state", "finished"), [(state, state in BACKUP.terminal) for state in BACKUP.states]
)
def test_states(state: str, finished: bool) -> None:
    """A job is finished in the states that it never leaves."""
    job = read(State=state)
    assert (job.state, job.finished) == (state, finished)


@pytest.mark.parametrize("state", ["NOVEL", "completed", ""])
def test_unknown_states_are_taken_as_they_come(state: str) -> None:
    """A state that nobody knows is kept as it came, and is not taken for an end."""
    job = read(State=state)
    assert (job.state, job.finished) == (state, False)


def test_levels_below() -> None:
    """The plan and the rule are found one level down, and are empty for a job on demand."""
    assert info("plan_name", CreatedBy={"BackupPlanName": "nightly"}) == "nightly"
    assert info("plan_name", CreatedBy=None) == ""
    assert info("rule_id", CreatedBy="nonsense") == ""


def test_options() -> None:
    """Options are written as key=value, sorted by key, with commas."""
    assert info("backup_options", BackupOptions={"b": "2", "a": "1"}) == "a=1,b=2"
    assert info("backup_options", BackupOptions={}) == ""


@pytest.mark.parametrize(("told", "label"), [(True, "true"), (False, "false"), (None, "false")])
def test_parents(told: object, label: str) -> None:
    """Whether a job has children is told as true or false, never left out."""
    assert info("is_parent", IsParent=told) == label
    assert read(IsParent=told).is_parent is (told is True)


def test_child_counts() -> None:
    """Children are counted by state, in the order of the states' names; what is no number is left out."""
    told = {"RUNNING": 2, "COMPLETED": 7, "FAILED": None}
    assert read(ChildJobsInState=told).child_states == (("COMPLETED", 7), ("RUNNING", 2))
    assert read(ChildJobsInState=None).child_states == ()
    assert gauge("child_jobs", NumberOfChildJobs=9) == 9


@pytest.mark.parametrize(
    ("suffix", "member", "told", "value"),
    [
        ("progress_ratio", "PercentDone", "50.0", 0.5),
        ("transferred_bytes", "BytesTransferred", 7, 7),
        ("size_bytes", "BackupSizeInBytes", 8, 8),
        ("child_jobs", "NumberOfChildJobs", 3, 3),
        ("created_timestamp_seconds", "CreationDate", SIXTEEN_HOURS, SIXTEEN_HOURS),
        ("completed_timestamp_seconds", "CompletionDate", SIXTEEN_HOURS, SIXTEEN_HOURS),
        ("expected_completion_timestamp_seconds", "ExpectedCompletionDate", SIXTEEN_HOURS, SIXTEEN_HOURS),
        ("start_by_timestamp_seconds", "StartBy", SIXTEEN_HOURS, SIXTEEN_HOURS),
    ],
)
def test_each_number_is_read_from_its_field(suffix: str, member: str, told: object, value: Number) -> None:
    """Each number of a job is read from the field that its metric names, and is absent without it."""
    assert gauge(suffix, **{member: told}) == value
    assert gauge(suffix) is None


@pytest.mark.parametrize("answer", [{}, {"BackupJobId": ""}, {"BackupJobId": None}, {"State": "RUNNING"}])
def test_no_job_without_an_id(answer: Mapping[str, Any]) -> None:
    """A response without a job ID is not a job, and that is an error."""
    with pytest.raises(MalformedJobError, match=r"^the response has no BackupJobId$"):
        BACKUP.described(answer)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                *("State", "AccountId", "CreatedBy", "BackupOptions", "ChildJobsInState", "StatusMessage"),
                *("IsParent", "PercentDone", "CreationDate", "BackupSizeInBytes", "BackupVaultName"),
            ]
        ),
        ANYTHING,
    )
)
def test_nothing_that_aws_may_tell_is_too_odd(fields: dict[str, Any]) -> None:
    """Whatever type a field has, reading the job does not fail."""
    job = read(**fields)
    assert all(value is None or isinstance(value, int | float) for value in job.values)
    assert all(isinstance(text, str) for text in job.info)

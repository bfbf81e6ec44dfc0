"""Bodies of answers that are no JSON, or odd JSON."""

import pytest

from exporter.aws.parsing import LEFT_OUT
from tests.aws.bodies import taken


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param("1" * 5000, id="more digits than Python reads"),
        pytest.param("-" + "9" * 5000, id="fewer than nothing, with as many"),
        pytest.param("[" * 5000 + "]" * 5000, id="lists in lists"),
        pytest.param('{"a":' * 5000 + '"]"' + "}" * 5000, id="objects in objects"),
        pytest.param("NaN", id="not a number"),
        pytest.param("-Infinity", id="infinity"),
        pytest.param("1e999", id="more than a float holds"),
    ],
)
def test_json_that_python_does_not_read(odd: str) -> None:
    """What Python's JSON cannot read, or reads as no number, costs its own field and nothing else."""
    body = f'{{"BackupJobs": [{{"BackupJobId": "a", "BytesTransferred": 7, "BackupSizeInBytes": {odd}}}]}}'

    took = taken("ListBackupJobs", body.encode())

    assert took
    assert took["BackupJobs"] == [{"BackupJobId": "a", "BytesTransferred": 7}]
    assert [value.place for value in took[LEFT_OUT]] == ["BackupJobs[0].BackupSizeInBytes"]


def test_text_that_is_no_utf_8() -> None:
    """Bytes that are no text in UTF-8 are replaced in their own value, and cost no other."""
    took = taken("ListBackupJobs", b'{"BackupJobs": [{"BackupJobId": "a", "ResourceName": "caf\xe9"}]}')

    assert took == {"BackupJobs": [{"BackupJobId": "a", "ResourceName": "caf\N{REPLACEMENT CHARACTER}"}]}


def test_a_time_that_is_no_number_after_one_that_is() -> None:
    """NaN is neither smaller nor larger than a valid time, but is left out all the same."""
    rows = b'[{"BackupJobId": "a", "CreationDate": 7}, {"BackupJobId": "b", "CreationDate": NaN}]'
    took = taken("ListBackupJobs", b'{"BackupJobs": ' + rows + b"}")

    assert took
    assert took["BackupJobs"] == [{"BackupJobId": "a", "CreationDate": 7}, {"BackupJobId": "b"}]


def test_half_of_a_surrogate_pair() -> None:
    """Half of a surrogate pair, which UTF-8 cannot encode, is replaced; other values are kept."""
    took = taken("ListBackupJobs", rb'{"BackupJobs": [{"BackupJobId": "a", "ResourceName": "caf\ud800"}]}')

    assert took == {"BackupJobs": [{"BackupJobId": "a", "ResourceName": "caf\N{REPLACEMENT CHARACTER}"}]}


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"BackupJobs": [', b"[]", b"null", b'"a"', b"\xff\xfe\x00"]
)
def test_what_is_no_object_is_not_read(body: bytes) -> None:
    """What is no JSON object is left to botocore."""
    assert taken("ListBackupJobs", body) is None

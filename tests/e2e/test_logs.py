"""What the command writes to its log, and what it never writes anywhere."""

import json
import re
import signal
from collections.abc import Callable
from datetime import datetime
from functools import partial

import pytest

from exporter.simulator.errors import ApiError
from tests.e2e import sorts
from tests.e2e.aws import Aws
from tests.e2e.conftest import Run
from tests.e2e.http import ask
from tests.e2e.process import KEY_ID, SECRET_KEY, SESSION_TOKEN, Process, until

Start = Callable[..., Process]

LOGFMT = re.compile(r'ts=(\S+) level=(\w+) msg=("(?:[^"\\]|\\.)*"|\S+)( \w+=("(?:[^"\\]|\\.)*"|\S*))*')
DENIED = ApiError("AccessDeniedException", 403, 'not "authorized"\nto perform = this')


@pytest.fixture
def eventful(aws: Aws, listen: Run) -> Start:
    """Runs the command through a failure and its end, then stops it."""

    def start(*arguments: str, **more: str) -> Process:
        aws.account.put(sorts.job("a"))
        aws.account.fail(None, DENIED)
        process = listen(*arguments, **more)
        address = process.address()
        ask(address, "/metrics")
        aws.account.recover()
        until(lambda: "aws_backup_job_info" in ask(address, "/metrics").text, every=0.5)
        process.signal(signal.SIGTERM)
        assert process.wait() == 0
        return process

    return start


def test_json_lines(eventful: Start) -> None:
    """With `--log.format json` each line is an object with a time, a level and a message."""
    lines = [json.loads(line) for line in eventful("--log.format", "json").err.splitlines()]
    assert {"info", "error"} == {line["level"] for line in lines}
    assert all(line["msg"] and datetime.fromisoformat(line["ts"]).tzinfo for line in lines)
    of_jobs = [line for line in lines if line.get("collector") == "backup_jobs"]
    [refused] = [line for line in of_jobs if line["level"] == "error"]
    assert refused["code"] == "AccessDeniedException"
    assert 'not "authorized" to perform = this' in refused["reason"]
    assert "backup:ListBackupJobs" in refused["remedy"]


def test_logfmt_lines(eventful: Start) -> None:
    """By default each line is logfmt: time, level and message first."""
    lines = [LOGFMT.fullmatch(line) for line in eventful().err.splitlines()]
    assert len(lines) > 2
    for line in lines:
        assert line is not None
        assert datetime.fromisoformat(line[1]).tzinfo


def test_levels(aws: Aws, run: Run) -> None:
    """`--log.level` leaves out what is less."""
    aws.account.fail(None, DENIED)
    endpoint = {"AWS_ENDPOINT_URL_BACKUP": aws.endpoint_url}
    for level, told in (("error", ["level=error"]), ("info", ["level=info", "level=error"])):
        process = run("--log.level", level, "--web.listen-address", "127.0.0.1:0", **endpoint)
        until(partial(_says, process, "Refresh failed"))
        assert {line.split()[1] for line in process.err.splitlines()} == set(told)


def test_a_failure_is_logged_once(eventful: Start) -> None:
    """One line tells that AWS refuses, one that it works again, however many scrapes came between."""
    lines = [line for line in eventful().err.splitlines() if "collector=backup_jobs" in line]
    said = [line for line in lines if 'msg="Refresh failed"' in line]
    assert len(said) == 1
    assert len([line for line in lines if 'msg="Refresh succeeded again"' in line]) == 1


@pytest.mark.parametrize("form", ["logfmt", "json"])
def test_no_credential_is_told(eventful: Start, form: str) -> None:
    """No credential of the environment stands in the log, not at level debug either."""
    process = eventful("--log.level", "debug", "--log.format", form, AWS_SESSION_TOKEN=SESSION_TOKEN)
    for secret in (KEY_ID, SECRET_KEY, SESSION_TOKEN):
        assert secret not in process.err
        assert secret not in process.out


def test_no_credential_is_published(aws: Aws, listen: Run) -> None:
    """No credential of the environment stands in an answer, whether AWS takes or refuses it."""
    address = listen(AWS_SESSION_TOKEN=SESSION_TOKEN).address()
    pages = [ask(address, path).text for path in ("/metrics", "/")]
    aws.account.fail(None, ApiError("UnrecognizedClientException", 403, "The security token is invalid."))
    pages += [ask(address, path).text for path in ("/metrics", "/")]
    assert "UnrecognizedClientException" in pages[2]
    for secret in (KEY_ID, SECRET_KEY, SESSION_TOKEN):
        assert not any(secret in page for page in pages)


def _says(process: Process, words: str) -> bool:
    return words in process.err

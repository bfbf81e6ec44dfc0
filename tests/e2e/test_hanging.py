"""AWS takes its time, or all time: scrapes are answered all the same."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e import sorts, told
from tests.e2e.aws import Aws
from tests.e2e.conftest import Run
from tests.e2e.http import ask
from tests.e2e.process import until

TIMEOUT = "X-Prometheus-Scrape-Timeout-Seconds"
CLIENTS_TIMEOUT = 2.0
LISTS = ("ListBackupJobs", "ListCopyJobs", "ListRestoreJobs")  # of the collectors that are on by default


@pytest.fixture
def patient(tmp_path: Path) -> tuple[str, str]:
    """A configuration under which calls to AWS wait a minute for their answer."""
    path = tmp_path / "patient.yaml"
    path.write_text("targets: [{name: t}]\napi: {read_timeout: 60s, idle_refresh: 0s}\n")
    return "--config.file", str(path)


def test_a_scrape_is_answered_before_its_time_out(aws: Aws, listen: Run, patient: tuple[str, str]) -> None:
    """While AWS hangs, a scrape gets what is known before the time-out that it announces."""
    aws.account.put(sorts.full("a", "RUNNING"))
    known = told.of_jobs(aws.account.jobs())
    address = listen(*patient).address()
    assert told.published(ask(address, "/metrics").text) == known
    aws.has_no_connections()
    aws.account.put({**sorts.full("a", "RUNNING"), "PercentDone": "99.0"})
    aws.hang()
    answer = ask(address, "/metrics", {TIMEOUT: str(CLIENTS_TIMEOUT)}, within=CLIENTS_TIMEOUT)
    assert told.published(answer.text) == known


def test_the_refresh_goes_on_and_serves_the_next(aws: Aws, listen: Run, patient: tuple[str, str]) -> None:
    """A refresh that outlives its scrape is not given up: the next scrape has its fruit, not asking anew."""
    address = listen(*patient).address()
    ask(address, "/metrics")
    aws.has_no_connections()
    aws.account.put(sorts.job("late", "COMPLETED"))
    aws.hang()
    aws.account.forget_calls()
    short = {TIMEOUT: "0.5"}
    assert "late" not in ask(address, "/metrics", short).text
    assert "late" not in ask(address, "/metrics", short).text
    assert aws.operations() == dict.fromkeys(LISTS, 1)
    aws.answer()
    until(lambda: 'job_id="late"' in ask(address, "/metrics").text)


@pytest.mark.parametrize("text", ["", "soon", "-1", "0", "nan", "inf"])
def test_a_time_out_that_is_none_is_passed_over(
    aws: Aws, listen: Run, patient: tuple[str, str], text: str
) -> None:
    """A time-out that is no number of seconds does no harm: the scrape gets AWS's answer."""
    aws.account.put(sorts.job("a"))
    address = listen(*patient).address()
    answer = ask(address, "/metrics", {TIMEOUT: text})
    assert (answer.status, 'job_id="a"' in answer.text) == (200, True)


@pytest.mark.parametrize("path", ["/-/healthy", "/-/ready", "/"])
def test_health_is_told_while_aws_hangs(aws: Aws, listen: Run, patient: tuple[str, str], path: str) -> None:
    """Health, readiness and the front page answer while the first refresh and scrapes wait for AWS."""
    aws.hang()
    address = listen(*patient).address()
    aws.has_calls_waiting()
    with ThreadPoolExecutor(20) as clients:
        scrapes = [clients.submit(ask, address, "/metrics") for _ in range(20)]
        assert ask(address, path, within=CLIENTS_TIMEOUT).status == 200
        assert not any(scrape.done() for scrape in scrapes)
        aws.answer()
        assert {scrape.result().status for scrape in scrapes} == {200}


def test_scrapes_at_the_same_time_share_a_refresh(aws: Aws, listen: Run, patient: tuple[str, str]) -> None:
    """Scrapes that come while a refresh runs wait for that one; none asks AWS again."""
    aws.account.put(sorts.job("a"))
    address = listen(*patient).address()
    until(lambda: is_up(address), within=60, every=1.0)
    aws.has_no_connections()
    aws.hang()
    with ThreadPoolExecutor(8) as clients:
        scrapes = [clients.submit(ask, address, "/metrics") for _ in range(8)]
        aws.has_calls_waiting(len(LISTS))
        # Each of these is received after the scrapes that were sent before it.
        assert [ask(address, "/-/healthy").status for _ in range(8)] == [200] * 8
        assert not any(scrape.done() for scrape in scrapes)
        assert aws.waiting == len(LISTS)
        aws.answer()
        assert {scrape.result().status for scrape in scrapes} == {200}


def test_an_idle_target_does_not_hold_up_a_scrape(aws: Aws, listen: Run, tmp_path: Path) -> None:
    """While AWS hangs for a target without active jobs, scrapes are answered long before their time-out."""
    path = tmp_path / "idle.yaml"
    path.write_text(
        "targets: [{name: t}]\ncollectors: [backup_jobs]\napi: {read_timeout: 60s, idle_refresh: 2s}\n"
    )
    address = listen("--config.file", str(path)).address()

    def is_answered() -> bool:
        return ask(address, "/metrics", {TIMEOUT: "60"}, within=10.0).status == 200

    assert is_answered()
    aws.has_no_connections()
    aws.hang()
    until(lambda: is_answered() and aws.keeps_waiting)
    assert is_answered()


def is_up(address: str) -> bool:
    """Whether each collector has got through."""
    return set(told.published(ask(address, "/metrics").text, "aws_backup_up").values()) == {1}


def test_one_hanging_call_is_told(aws: Aws, listen: Run, tmp_path: Path) -> None:
    """A call that AWS does not answer within api.read_timeout ends as `timeout`, and up is 0."""
    path = tmp_path / "impatient.yaml"
    path.write_text(
        "targets: [{name: t}]\ncollectors: [backup_jobs, copy_jobs]\n"
        "api: {read_timeout: 500ms, idle_refresh: 0s}\n"
    )
    aws.hang()
    address = listen("--config.file", str(path)).address()
    text = ask(address, "/metrics").text
    assert set(told.published(text, "aws_backup_up").values()) == {0}
    assert 'operation="ListBackupJobs",code="timeout"' in text
    aws.answer()
    until(lambda: is_up(address))

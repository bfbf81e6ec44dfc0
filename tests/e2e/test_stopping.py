"""The command stops when told to, cleanly and soon, whatever AWS does."""

import signal

import pytest

from tests.e2e import sorts
from tests.e2e.aws import Aws
from tests.e2e.conftest import Run
from tests.e2e.http import ask, asked, read
from tests.e2e.process import until

SOON = 5.0  # seconds that it may take to stop
EACH = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)


@EACH
def test_it_stops_when_idle(aws: Aws, listen: Run, number: signal.Signals) -> None:
    """A signal ends an idle exporter with exit code 0; it says that it stopped, and no trace is left."""
    aws.account.put(sorts.job("a"))
    process = listen()
    ask(process.address(), "/metrics")
    process.signal(number)
    assert process.wait(SOON) == 0
    assert "msg=Stopped" in process.err.splitlines()[-1]
    assert "Traceback" not in process.err


@EACH
def test_it_stops_while_aws_hangs_and_a_scrape_waits(aws: Aws, listen: Run, number: signal.Signals) -> None:
    """Neither a call that AWS never answers nor a scrape that waits for it keeps the exporter alive.

    The scrape is answered with what is known, and the log tells of no error.
    """
    aws.hang()
    process = listen()
    address = process.address()
    aws.has_calls_waiting()
    with asked(address, "/metrics") as scrape:
        assert ask(address, "/-/healthy").status == 200  # by now the scrape before it is taken up
        process.signal(number)
        assert process.wait(SOON) == 0
        assert "aws_backup_up" in read(scrape.getresponse()).text
    assert "level=error" not in process.err


def test_it_stops_with_a_connection_kept_alive(listen: Run) -> None:
    """A client that keeps its connection open does not keep the exporter alive."""
    process = listen()
    with asked(process.address(), "/-/healthy") as connection:
        assert connection.getresponse().read()
        process.signal(signal.SIGTERM)
        assert process.wait(SOON) == 0


def test_a_second_signal_does_no_harm(aws: Aws, listen: Run) -> None:
    """SIGTERM twice, as an impatient supervisor sends it, still ends with 0."""
    aws.hang()
    process = listen()
    with asked(process.address(), "/metrics"):
        aws.has_calls_waiting()
        process.signal(signal.SIGTERM)
        process.signal(signal.SIGTERM)
        assert process.wait(SOON) == 0


def test_once_can_be_interrupted(aws: Aws, run: Run) -> None:
    """SIGTERM ends `--once` while AWS hangs."""
    aws.hang()
    process = run("--once", AWS_ENDPOINT_URL_BACKUP=aws.endpoint_url)
    aws.has_calls_waiting()
    process.signal(signal.SIGTERM)
    process.wait(SOON)
    assert process.out == ""


def test_ctrl_c_ends_once_at_once(aws: Aws, run: Run) -> None:
    """Ctrl-C ends `--once` while AWS hangs, without a trace."""
    aws.hang()
    process = run("--once", AWS_ENDPOINT_URL_BACKUP=aws.endpoint_url)
    aws.has_calls_waiting()
    process.signal(signal.SIGINT)
    assert process.wait() == -signal.SIGINT
    assert process.err == ""


def test_ctrl_c_ends_a_start(run: Run) -> None:
    """Ctrl-C ends the command at once while it still starts, without a trace."""
    process = run("--demo", PYTHONPROFILEIMPORTTIME="1")
    until(lambda: "botocore" in process.err)
    process.signal(signal.SIGINT)
    assert process.wait() == -signal.SIGINT
    assert "Traceback" not in process.err

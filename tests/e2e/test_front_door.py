"""The exporter holds: slow and idle clients by the hundred and the thousand, and too few open files."""

import os
import resource
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pytest

from exporter.web.server.server import MAX_OPEN_FILES
from tests.e2e import sorts, told
from tests.e2e.aws import Aws
from tests.e2e.conftest import Run
from tests.e2e.http import ask
from tests.e2e.process import Process, environment, exporter_command, until
from tests.web.load import IDLE, SLOW, Load, Manner

PATHS = ("/metrics", "/-/healthy", "/-/ready")
AFTERWARDS = 30.0  # seconds until everything is as before
SCRAPE_TIMEOUT = 10.0  # Prometheus's own default
JOBS = 200  # so that an answer is more than a socket holds


@pytest.fixture
def many_files() -> Iterator[None]:
    """The tests themselves may open as many files as they have clients."""
    needed = 4096
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < needed:
        reason = f"only {hard} files may be open here, {needed} are needed"
        if os.environ.get("REQUIRE_ALL") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
def test_slow_and_idle_clients(aws: Aws, listen: Run) -> None:
    """Beside 500 slow and 2,000 idle clients every question is answered.

    When they have left, their files are closed, and their memory is the system's again.
    """
    for number in range(JOBS):
        aws.account.put(sorts.full(f"job-{number}", "COMPLETED"))
    process = listen("--log.level=info")
    address = process.address()
    until(lambda: f'job_id="job-{JOBS - 1}"' in ask(address, "/metrics").text)
    files = of_itself(address, "process_open_fds")
    clients = dict.fromkeys(SLOW, 125) | dict.fromkeys(IDLE, 1000)
    memory = of_itself(address, "process_resident_memory_bytes")
    for _ in range(2):
        with held(address, clients):
            assert of_itself(address, "process_open_fds") > 2000
            for path in PATHS * 10:
                assert ask(address, path, within=SCRAPE_TIMEOUT).status == 200
        until(lambda: of_itself(address, "process_open_fds") <= files + 5, AFTERWARDS)
        until(lambda: of_itself(address, "process_resident_memory_bytes") < 1.4 * memory, AFTERWARDS)
    assert "level=error" not in process.err


@pytest.mark.parametrize("files", [64, 256])
def test_too_few_open_files(aws: Aws, listening_with: Callable[[str], Process], files: int) -> None:
    """With more clients than files may be open, questions are answered, and AWS is asked, as before."""
    aws.account.put(sorts.job("a"))
    process = listening_with(f"-n {files}")
    address = process.address()
    clients = dict.fromkeys((*SLOW, *IDLE), files // 2)
    with Load(_pair(address), clients):
        until(lambda: "level=warning" in process.err)
        calls = len(aws.account.calls)
        for path in PATHS * 10:
            assert ask(address, path, within=SCRAPE_TIMEOUT).status == 200
        assert len(aws.account.calls) > calls

        def text() -> str:
            return ask(address, "/metrics", within=SCRAPE_TIMEOUT).text

        # Scrapes come before background calls: many of them take the whole budget.
        until(lambda: set(told.published(text(), "aws_backup_up").values()) == {1}, within=60, every=1.0)
        assert f"\nprocess_max_fds {files}" in text()
    until(lambda: of_itself(address, "process_open_fds") < files / 2, AFTERWARDS)
    assert "level=error" not in process.err
    assert process.err.count("level=warning") < 5


def test_as_many_open_files_as_allowed(listening_with: Callable[[str], Process]) -> None:
    """A low soft limit of open files is raised to what the process is allowed."""
    address = listening_with("-S -n 100").address()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert of_itself(address, "process_max_fds") == min(hard, MAX_OPEN_FILES)


@pytest.fixture
def listening_with(aws: Aws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Process]]:
    """Runs the command under a limit of the shell."""
    made = []

    def start(limit: str) -> Process:
        folder = tmp_path_factory.mktemp("exporter")
        command = exporter_command("--web.listen-address", "127.0.0.1:0")
        limited = ["sh", "-c", f'ulimit {limit} && exec "$@"', "sh", *command]
        made.append(Process(limited, environment(folder, AWS_ENDPOINT_URL_BACKUP=aws.endpoint_url), folder))
        return made[-1]

    yield start
    for process in made:
        process.kill()


@contextmanager
def held(address: str, clients: Mapping[Manner, int]) -> Iterator[None]:
    """Hold nine tenths of so many clients at least when the block begins."""
    with Load(_pair(address), clients) as load:
        until(lambda: sum(load.held().values()) > 0.9 * sum(clients.values()), or_say=load.held)
        yield


def of_itself(address: str, name: str) -> float:
    """Ask the exporter for one of its own figures."""
    [line] = [
        line for line in ask(address, f"/metrics?name[]={name}").text.splitlines() if not line.startswith("#")
    ]
    return float(line.split()[1])


def _pair(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)

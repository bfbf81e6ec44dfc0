"""The demo as a newcomer meets it: a company at work, on one command."""

import re
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import told
from tests.e2e.http import ask
from tests.e2e.process import Process, environment, exporter_command, until
from tests.support.programs import require

ROOT = Path(__file__).resolve().parents[2]
PORT = 10058
FIRST_SECONDS = 10.0


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """The running demo, in an environment without anything of AWS."""
    directory = tmp_path_factory.mktemp("demo")
    plain = {name: text for name, text in environment(directory).items() if not name.startswith("AWS_")}
    process = Process(exporter_command("--demo", "--web.listen-address", "127.0.0.1:0"), plain, directory)
    yield process
    process.kill()


def _scrape(demo: Process, name: str) -> told.Samples:
    return told.published(ask(demo.address(), "/metrics").text, name)


def _label(samples: told.Samples, name: str) -> set[str]:
    return {dict(labels)[name] for _, labels in samples}


def test_six_states_at_once(demo: Process) -> None:
    """Within its first seconds the demo shows jobs in at least six states."""
    demo.address()
    until(
        lambda: len(_label(_scrape(demo, "aws_backup_job_state"), "state")) >= 6,
        FIRST_SECONDS,
        every=0.5,
    )


def test_progress_moves(demo: Process) -> None:
    """Some job's progress grows from one scrape to a later one."""
    before = _scrape(demo, "aws_backup_job_progress_ratio")

    def grown() -> bool:
        after = _scrape(demo, "aws_backup_job_progress_ratio")
        return any(after[key] > ratio for key, ratio in before.items() if key in after)

    until(grown, every=0.5)


def test_a_parent_with_children(demo: Process) -> None:
    """A parent shows how many children it has in which state, and they add up."""

    def counted() -> told.Samples:
        return _scrape(demo, "aws_backup_job_child_jobs(_in_state)?")

    samples = until(counted, every=0.5)
    parents = _label(samples, "job_id")
    assert parents <= _label(_scrape(demo, "aws_backup_job_info"), "job_id")
    for parent in parents:
        own = {key: value for key, value in samples.items() if ("job_id", parent) in key[1]}
        [total] = [value for (name, _), value in own.items() if name == "aws_backup_job_child_jobs"]
        assert total == sum(value for (name, _), value in own.items() if name.endswith("_in_state"))
        assert total > 0


def test_all_is_well(demo: Process) -> None:
    """The demo's own AWS never refuses anything.

    Scrapes come before background calls: each twentieth of a second, they would take the whole budget.
    """
    samples = _scrape(demo, "aws_backup_exporter_api_requests_total")
    assert _label(samples, "code") == {"ok"}
    until(lambda: set(_scrape(demo, "aws_backup_up").values()) == {1}, within=60, every=2.0)


def test_it_warns_of_nothing(demo: Process) -> None:
    """While it is scraped the demo's log has nothing but what is worth to know."""
    for _ in range(10):
        _scrape(demo, "aws_backup_up")
    assert [line for line in demo.err.splitlines() if "level=info" not in line] == []


def test_it_says_where_to_look(demo: Process) -> None:
    """The demo prints its addresses, and each answers."""
    urls = until(lambda: re.findall(r"http://localhost:(\d+)(/\S*)", demo.out))
    assert {"/", "/metrics"} <= {path for _, path in urls}
    for port, path in urls:
        assert ask(f"127.0.0.1:{port}", path).status == 200


def test_it_stops(demo: Process) -> None:
    """Ctrl-C ends the demo with exit code 0."""
    demo.address()
    demo.signal(signal.SIGINT)
    assert demo.wait(5) == 0
    assert "Traceback" not in demo.err


def test_an_organization(tmp_path: Path) -> None:
    """`--demo.organization` says that it simulates an organization, and serves its metrics."""
    command = exporter_command("--demo.organization", "--web.listen-address", "127.0.0.1:0")
    process = Process(command, environment(tmp_path), tmp_path / "organization")
    try:
        until(lambda: "a simulated AWS organization with twelve accounts" in process.out)
        until(lambda: _label(_scrape(process, "aws_backup_up"), "target") >= {"company"})
    finally:
        process.kill()


def test_make_demo(tmp_path: Path) -> None:
    """`make demo` starts it on the default port and prints the addresses; when make is ended, so is it."""
    try:
        socket.create_server(("", PORT)).close()
    except OSError as error:
        pytest.skip(f"port {PORT} is not free: {error}")
    venv = Path(sys.prefix)
    # The tests run in what `make` has set up, or in a virtual environment like it: it is not made anew.
    command = (require("make"), "-C", str(ROOT), "-o", str(venv / ".ready"), f"VENV={venv}", "demo")
    process = Process(command, environment(tmp_path), tmp_path / "make")
    try:
        until(lambda: "/metrics" in process.out, or_say=lambda: process.err)
        assert f"http://localhost:{PORT}/\n" in process.out
        assert f"http://localhost:{PORT}/metrics\n" in process.out
        assert ask(f"127.0.0.1:{PORT}", "/-/healthy").status == 200
    finally:
        process.signal(signal.SIGTERM)
        process.wait()
    until(lambda: "msg=Stopped" in process.err)

"""The real command reads its configuration again: over HTTP and on SIGHUP."""

import os
import signal
import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.conftest import Run
from tests.e2e.http import ask, asked, read
from tests.e2e.process import Process, until
from tests.web.certificates import beside_certificates

ONE = "targets: [{name: one, regions: [eu-west-1]}]\n"
TWO = "targets: [{name: one, regions: [eu-west-1]}, {name: two, regions: [us-east-1]}]\n"
BAD = "targets: [{name: one, regoins: [eu-west-1]}]\n"
TWICE = "targets: [{name: one, regions: [eu-west-1]}, {name: one, regions: [us-east-1]}]\n"
WRONG_TYPE = "targets: [{name: one, regions: eu-west-1}]\n"
BROKEN = "targets: [{name: one\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A configuration file with one target."""
    path = tmp_path / "config.yaml"
    path.write_text(ONE)
    return path


@pytest.fixture
def exporter(listen: Run, path: Path) -> Process:
    """An exporter that may be told to reload over HTTP."""
    exporter = listen("--config.file", str(path), "--web.enable-lifecycle")
    assert exporter.address()  # it has read the file by then
    return exporter


def targets(exporter: Process) -> list[str]:
    """The targets that service discovery gives."""
    return [group["labels"]["__param_target"] for group in ask(exporter.address(), "/targets").json]


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_reload_over_http(exporter: Process, path: Path, method: str) -> None:
    """POST and PUT read the file again; what it adds is there when the answer comes."""
    path.write_text(TWO)
    assert ask(exporter.address(), "/-/reload", method=method).status == 200
    assert targets(exporter) == ["one", "two"]
    assert "name: two" in ask(exporter.address(), "/config").text
    assert 'target="two"' in ask(exporter.address(), "/metrics").text


def test_a_get_does_not_reload(exporter: Process, path: Path) -> None:
    """A link that somebody follows changes nothing."""
    path.write_text(TWO)
    answer = ask(exporter.address(), "/-/reload")
    assert (answer.status, sorted(answer.headers["Allow"].split(", "))) == (405, ["POST", "PUT"])
    assert targets(exporter) == ["one"]


def test_reloading_over_http_must_be_switched_on(listen: Run, path: Path) -> None:
    """Without --web.enable-lifecycle a reload is forbidden, and the answer names the flag."""
    exporter = listen("--config.file", str(path))
    assert exporter.address()
    path.write_text(TWO)
    answer = ask(exporter.address(), "/-/reload", method="POST")
    assert answer.status == 403
    assert "--web.enable-lifecycle" in answer.text
    assert targets(exporter) == ["one"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (BAD, 'config.yaml:1:23: targets[0].regoins: unknown key; did you mean "regions"?'),
        (TWICE, 'config.yaml:1:47: targets[1].name: "one" is already the name of another target'),
        (WRONG_TYPE, "config.yaml:1:23: targets[0].regions: expected a list"),
        (BROKEN, "config.yaml:2:1: not valid YAML"),
    ],
    ids=["unknown key", "two of a name", "type", "syntax"],
)
def test_a_bad_file_is_refused_aloud(exporter: Process, path: Path, text: str, told: str) -> None:
    """The answer, the log and the metric tell of a bad file, and the configuration before it stays."""
    path.write_text(text)
    answer = ask(exporter.address(), "/-/reload", method="POST")
    assert answer.status == 500
    assert told in answer.text
    assert told.replace('"', '\\"') in exporter.err
    assert "Traceback" not in answer.text + exporter.err
    assert "config_last_reload_successful 0" in ask(exporter.address(), "/metrics").text
    assert targets(exporter) == ["one"]


def test_a_file_that_is_gone_is_refused(exporter: Process, path: Path) -> None:
    """A configuration file that was removed leaves the configuration in force."""
    path.unlink()
    answer = ask(exporter.address(), "/-/reload", method="POST")
    assert answer.status == 500
    assert "config.yaml: the file does not exist" in answer.text
    assert targets(exporter) == ["one"]


def test_the_order_of_a_signal(exporter: Process, path: Path) -> None:
    """SIGHUP reads the file again, whether or not it can be used, and the exporter goes on."""
    path.write_text(BAD)
    exporter.signal(signal.SIGHUP)
    until(lambda: "Configuration reload failed" in exporter.err, or_say=lambda: exporter.err)
    path.write_text(TWO)
    exporter.signal(signal.SIGHUP)
    until(lambda: targets(exporter) == ["one", "two"], or_say=lambda: exporter.err)


def test_a_fifo_in_the_place_of_the_file(exporter: Process, path: Path) -> None:
    """Many reloads of a FIFO are refused at once; metrics, health, SIGHUP and SIGTERM work as ever."""
    path.unlink()
    os.mkfifo(path)
    address = exporter.address()
    with ExitStack() as stack:
        waiting = [stack.enter_context(asked(address, "/-/reload", method="POST")) for _ in range(45)]
        assert ask(address, "/-/healthy").status == 200
        until(lambda: "config_last_reload_successful 0" in ask(address, "/metrics").text)
        answers = [read(connection.getresponse()) for connection in waiting]
    assert {answer.status for answer in answers} == {500}
    assert all("config.yaml: a FIFO, not a regular file" in answer.text for answer in answers)
    exporter.signal(signal.SIGHUP)
    exporter.signal(signal.SIGTERM)
    assert exporter.wait(5) == 0


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (os.mkfifo, "a FIFO, not a regular file; specify a regular file"),
        (_socket, "a socket, not a regular file; specify a regular file"),
        (Path.mkdir, "is a directory; specify a file"),
        (lambda path: path.symlink_to("/dev/zero"), "a device, not a regular file; specify a regular file"),
    ],
    ids=["FIFO", "socket", "directory", "device"],
)
@pytest.mark.parametrize("arguments", [(), ("--once",), ("--config.check",), ("doctor",)], ids=" ".join)
def test_a_start_reads_regular_files_alone(
    run: Run, tmp_path: Path, make: Callable[[Path], object], kind: str, arguments: tuple[str, ...]
) -> None:
    """Each file that the command line names must be regular: else it says so at once and ends with 2."""
    odd = tmp_path / "odd"
    make(odd)
    for option in ("--config.file", "--web.config.file"):
        process = run(*arguments, option, str(odd))
        assert process.wait() == 2
        assert process.err == f"{odd}: {kind}\n"


@pytest.mark.parametrize("key", ["cert_file", "key_file", "client_ca_file"])
def test_certificates_are_regular_files(run: Run, tmp_path: Path, key: str) -> None:
    """A certificate or a key that is a FIFO is refused at once, with exit code 2."""
    os.mkfifo(tmp_path / "odd")
    web = beside_certificates(tmp_path)(f"tls_server_config: {{{key}: odd}}\n")
    process = run("--web.config.file", str(web))
    assert process.wait() == 2
    assert f'tls_server_config.{key}: "{tmp_path}/odd": a FIFO, not a regular file' in process.err

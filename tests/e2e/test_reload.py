"""The real command reads its configuration again: over HTTP and on SIGHUP."""

import signal
from pathlib import Path

import pytest

from tests.e2e.conftest import Run
from tests.e2e.http import ask
from tests.e2e.process import Process, until

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
        (TWICE, 'config.yaml:1:47: targets[1].name: "one" names another target too'),
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
    assert "config.yaml: no such file" in answer.text
    assert targets(exporter) == ["one"]


def test_the_order_of_a_signal(exporter: Process, path: Path) -> None:
    """SIGHUP reads the file again, whether or not it can be used, and the exporter goes on."""
    path.write_text(BAD)
    exporter.signal(signal.SIGHUP)
    until(lambda: "configuration refused" in exporter.err, or_say=lambda: exporter.err)
    path.write_text(TWO)
    exporter.signal(signal.SIGHUP)
    until(lambda: targets(exporter) == ["one", "two"], or_say=lambda: exporter.err)

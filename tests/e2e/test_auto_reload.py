"""The real command notices that its configuration file was replaced, as in a Kubernetes volume."""

from pathlib import Path

import pytest

from tests.e2e.conftest import Run
from tests.e2e.http import ask
from tests.e2e.process import Process, until
from tests.e2e.test_reload import BAD, ONE, TWO, targets
from tests.support.volume import Volume

OPTION = "--config.auto-reload-interval"


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    """A mounted ConfigMap with one target."""
    volume = Volume(tmp_path / "mounted")
    volume.write({"config.yaml": ONE})
    return volume


@pytest.fixture
def exporter(listen: Run, volume: Volume) -> Process:
    """An exporter that looks at its file once a second."""
    exporter = listen("--config.file", str(volume.folder / "config.yaml"), OPTION, "1s")
    assert exporter.address()  # it has read the file by then
    return exporter


def test_a_replaced_volume_is_in_force(exporter: Process, volume: Volume) -> None:
    """A ConfigMap that changes takes effect by itself; a bad one is told and kept out, until corrected."""
    assert targets(exporter) == ["one"]
    volume.write({"config.yaml": TWO})
    until(lambda: targets(exporter) == ["one", "two"], or_say=lambda: exporter.err)
    volume.write({"config.yaml": BAD})
    until(lambda: "Configuration reload failed; keeping" in exporter.err, or_say=lambda: exporter.err)
    assert 'targets[0].regoins: unknown key; did you mean \\"regions\\"?' in exporter.err
    assert "config_last_reload_successful 0" in ask(exporter.address(), "/metrics").text
    assert targets(exporter) == ["one", "two"]
    volume.write({"config.yaml": ONE})
    until(lambda: targets(exporter) == ["one"], or_say=lambda: exporter.err)
    assert "config_last_reload_successful 1" in ask(exporter.address(), "/metrics").text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((OPTION, "5"), 'expected a duration such as 24h or 1h30m, got "5"'),
        ((OPTION, "500ms"), "expected 0s or at least 1s, got 500ms"),
        ((OPTION, "5s"), f"{OPTION} is valid only with --config.file"),
    ],
)
def test_a_wrong_interval(run: Run, arguments: tuple[str, ...], told: str) -> None:
    """An interval that cannot be used is answered with what is expected, and exit code 2."""
    process = run(*arguments)
    assert process.wait() == 2
    assert process.err.endswith(f"{told}\n")

"""What the AWS SDK cannot use of the environment: told by every command, on one line, without a traceback."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.aws import Aws
from tests.e2e.conftest import Run
from tests.e2e.http import ask
from tests.e2e.process import Process, until

SETTINGS = {
    "an unknown profile": ({"AWS_PROFILE": "unknown"}, "AWS_PROFILE"),
    "an empty profile": ({"AWS_PROFILE": ""}, "AWS_PROFILE"),
    "a file that cannot be parsed": ({"AWS_CONFIG_FILE": "{dir}/nonsense"}, "AWS_CONFIG_FILE"),
    "a file that is not UTF-8": ({"AWS_CONFIG_FILE": "{dir}/latin"}, "AWS_CONFIG_FILE"),
    "a damaged model": ({"AWS_DATA_PATH": "{dir}/models"}, "AWS_DATA_PATH"),
}
of_each = pytest.mark.parametrize(("variables", "named"), SETTINGS.values(), ids=SETTINGS)
Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path, aws: Aws, run: Run) -> Start:
    """Runs a command with variables, in which `{dir}` is a directory with broken files."""
    (tmp_path / "nonsense").write_text("nonsense\n")
    (tmp_path / "latin").write_bytes(b"[default]\nregion = \xff\xfe\n")
    model = tmp_path / "models" / "backup" / "2018-11-15"
    model.mkdir(parents=True)
    (model / "service-2.json").write_text("{")

    def begin(variables: dict[str, str], *arguments: str) -> Process:
        placed = {name: value.replace("{dir}", str(tmp_path)) for name, value in variables.items()}
        return run(*arguments, **({"AWS_ENDPOINT_URL": aws.endpoint_url} | placed))

    return begin


@of_each
def test_the_exporter_serves(start: Start, variables: dict[str, str], named: str) -> None:
    """The exporter starts and answers; up is 0, and one line of the log has the remedy."""
    exporter = start(variables, "--web.listen-address", "127.0.0.1:0")
    address = exporter.address()
    until(lambda: exporter.err.count("Refresh failed"), or_say=lambda: exporter.err)
    answer = ask(address, "/metrics")
    assert answer.status == 200
    assert 'aws_backup_up{target="default",aws_region="eu-west-1",collector="backup_jobs"} 0' in answer.text
    assert named in ask(address, "/").text
    [line] = [line for line in exporter.err.splitlines() if "level=error" in line]
    assert named in line
    assert "Traceback" not in exporter.err


@of_each
def test_once(start: Start, variables: dict[str, str], named: str) -> None:
    """`--once` ends with 1 and one line that says what to do."""
    process = start(variables, "--once")
    assert process.wait() == 1
    [line] = process.err.splitlines()
    assert named in line
    assert "Traceback" not in line


@of_each
def test_the_doctor(start: Start, variables: dict[str, str], named: str) -> None:
    """The doctor ends with 1, and its report says what to do."""
    process = start(variables, "doctor")
    assert process.wait() == 1
    assert process.err == ""
    assert named in process.out
    assert "Traceback" not in process.out

"""Streams that are closed, full or of another encoding: a line where one is left, and an exit code."""

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from exporter.simulator.errors import ApiError
from tests.e2e import told
from tests.e2e.aws import Aws
from tests.e2e.process import PATIENCE, environment, exporter_command, free_port, until
from tests.web.certificates import beside_certificates

COMMANDS = [("--version",), ("--help",), ("--config.check",), ("--once",), ("doctor",), ("doctor", "--json")]
NAME = "Müller \u2603"

Ended = subprocess.CompletedProcess[bytes]
Shell = Callable[..., Ended]

each_command = pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)


@pytest.fixture
def one_collector(tmp_path: Path) -> tuple[str, str]:
    """The option that names a file with one collector: without answers, each takes seconds."""
    path = tmp_path / "one.yaml"
    path.write_text("collectors: [backup_jobs]\n", encoding="utf-8")
    return "--config.file", str(path)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Runs the command below a shell that redirects its streams, with an AWS that nobody answers for."""
    nowhere = f"http://127.0.0.1:{free_port()}"

    def run(redirected: str, *arguments: str, **more: str) -> Ended:
        given = {"AWS_ENDPOINT_URL_BACKUP": nowhere, "AWS_ENDPOINT_URL_STS": nowhere} | more
        return subprocess.run(
            ["sh", "-c", f'exec "$@" {redirected}', "sh", *exporter_command(*arguments)],
            env=environment(tmp_path, **given),
            capture_output=True,
            timeout=60,
            check=False,
        )

    return run


@each_command
@pytest.mark.parametrize("redirected", [">/dev/full", ">&-"], ids=["full", "closed"])
@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
def test_output_that_cannot_be_written(
    shell: Shell,
    one_collector: tuple[str, str],
    arguments: tuple[str, ...],
    redirected: str,
    unbuffered: str,
) -> None:
    """Where the output cannot be written the last line says so, and the exit code is 1."""
    ended = shell(redirected, *arguments, *one_collector, PYTHONUNBUFFERED=unbuffered)
    assert ended.returncode == 1
    assert b"Traceback" not in ended.stderr
    assert ended.stderr.splitlines()[-1].startswith(b"aws-backup-exporter: cannot write to standard output: ")


@each_command
def test_a_reader_that_is_gone(
    tmp_path: Path, one_collector: tuple[str, str], arguments: tuple[str, ...]
) -> None:
    """When whoever reads the output has gone the command dies of SIGPIPE, as other programs do."""
    reader, writer = os.pipe()
    os.close(reader)
    nowhere = f"http://127.0.0.1:{free_port()}"
    variables = environment(tmp_path, AWS_ENDPOINT_URL_BACKUP=nowhere, AWS_ENDPOINT_URL_STS=nowhere)
    with os.fdopen(writer, "wb") as output:
        ended = subprocess.run(
            exporter_command("--log.level=error", *arguments, *one_collector),
            env=variables,
            stdout=output,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert ended.returncode == -signal.SIGPIPE
    assert b"Traceback" not in ended.stderr
    assert b"cannot write" not in ended.stderr


@pytest.mark.parametrize("redirected", ["2>&-", "2>/dev/full", "<&- 2>&-", "<&- >&- 2>&-"])
def test_errors_that_cannot_be_written(shell: Shell, redirected: str, tmp_path: Path) -> None:
    """Without a standard error the exit code tells what it always tells, and nothing is in the output."""
    for arguments in (("--nonsense",), ("--config.file", str(tmp_path / "none.yaml"))):
        ended = shell(redirected, *arguments)
        assert (ended.returncode, ended.stdout, ended.stderr) == (2, b"", b"")


@pytest.mark.parametrize("redirected", ["2>&-", "<&- 2>&-"])
def test_once_without_standard_error(shell: Shell, aws: Aws, redirected: str) -> None:
    """What is written to a closed standard error is lost, and never mixed with files and connections."""
    ended = shell(redirected, "--once", "--log.level=debug", AWS_ENDPOINT_URL_BACKUP=aws.endpoint_url)
    assert ended.returncode == 0
    assert b"\nts=" not in ended.stdout
    assert set(told.published(ended.stdout.decode(), "aws_backup_up").values()) == {1}


@pytest.mark.parametrize("redirected", [">&-", ">/dev/full", "<&- >&-"])
def test_a_demo_without_output(tmp_path: Path, redirected: str) -> None:
    """A demo that cannot print where it is serves all the same, says so in its log, and ends with 0."""
    command = exporter_command("--demo", "--web.listen-address", "127.0.0.1:0")
    log = tmp_path / "log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            ["sh", "-c", f'exec "$@" {redirected}', "sh", *command],
            env=environment(tmp_path),
            stderr=errors,
        )
        try:
            until(lambda: b"Listening on" in log.read_bytes())
            process.terminate()
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
    assert b"Traceback" not in log.read_bytes()
    assert b"msg=Stopped" in log.read_bytes()


ENCODINGS = [
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "latin-1:strict"},
    {"LANG": "C", "LC_ALL": "C"},
    {"LANG": "C", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
]
each_encoding = pytest.mark.parametrize("variables", ENCODINGS, ids=lambda variables: list(variables)[-1])


@pytest.fixture
def config(tmp_path: Path) -> str:
    """A configuration file with a label that is not ASCII."""
    path = tmp_path / "config.yaml"
    path.write_text(f"targets: [{{name: one, labels: {{team: '{NAME}'}}}}]\n", encoding="utf-8")
    return str(path)


@each_encoding
def test_the_configuration_is_utf8(shell: Shell, config: str, variables: dict[str, str]) -> None:
    """Whatever the locale, the configuration is printed in UTF-8, so that it can be read again."""
    ended = shell("", "--config.file", config, "--config.check", **variables)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert yaml.safe_load(ended.stdout.decode())["targets"][0]["labels"] == {"team": NAME}


@each_encoding
def test_the_metrics_are_utf8(shell: Shell, aws: Aws, config: str, variables: dict[str, str]) -> None:
    """Whatever the locale, the metrics are in UTF-8, as their format says."""
    endpoint = {"AWS_ENDPOINT_URL_BACKUP": aws.endpoint_url}
    ended = shell("", "--config.file", config, "--once", **variables, **endpoint)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert f'team="{NAME}"' in ended.stdout.decode()


@each_encoding
@pytest.mark.parametrize("arguments", [("doctor",), ("--once",), ("--once", "--log.format=json")])
def test_messages_are_utf8(
    shell: Shell, aws: Aws, arguments: tuple[str, ...], variables: dict[str, str]
) -> None:
    """Whatever the locale, a message of AWS that is not ASCII is shown in UTF-8 by log and doctor."""
    aws.account.fail(None, ApiError("AccessDeniedException", 403, NAME))
    ended = shell("", *arguments, **variables, AWS_ENDPOINT_URL_BACKUP=aws.endpoint_url)
    assert ended.returncode == 1
    assert b"Traceback" not in ended.stderr
    assert NAME in (ended.stdout if arguments == ("doctor",) else ended.stderr).decode()


@each_encoding
def test_a_path_that_is_no_utf8(tmp_path: Path, variables: dict[str, str]) -> None:
    """A path whose bytes are no UTF-8 is named with its bytes escaped, one in UTF-8 as it is."""
    command = [part.encode() for part in exporter_command("--config.file")]
    for name, shown in ((b"\xff.yaml", "\\xff.yaml"), (f"{NAME}.yaml".encode(), f"{NAME}.yaml")):
        ended = subprocess.run(
            [*command, os.fsencode(tmp_path) + b"/" + name],
            env=environment(tmp_path, **variables),
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode == 2
        assert ended.stderr.decode() == f"{tmp_path}/{shown}: the file does not exist; check the path\n"


def test_an_argument_that_is_no_utf8(tmp_path: Path) -> None:
    """An option whose bytes are no UTF-8 is refused in one line, with exit code 2."""
    command = [part.encode() for part in exporter_command()] + [b"--\xff"]
    ended = subprocess.run(command, env=environment(tmp_path), capture_output=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].startswith(b"aws-backup-exporter: error: ")


def test_a_demo_speaks_of_https(tmp_path: Path) -> None:
    """With TLS the demo prints addresses that begin with https."""
    web = beside_certificates(tmp_path)("tls_server_config: {cert_file: server.crt, key_file: server.key}\n")
    output = tmp_path / "output"
    with output.open("wb") as stdout:
        process = subprocess.Popen(
            exporter_command("--demo", "--web.listen-address=127.0.0.1:0", f"--web.config.file={web}"),
            env=environment(tmp_path),
            stdout=stdout,
            stderr=subprocess.DEVNULL,
        )
        try:
            until(lambda: "/metrics" in output.read_text())
        finally:
            process.kill()
            process.wait()
    assert output.read_text().count("https://localhost:") == 2
    assert "http://" not in output.read_text()

"""The command line: what it prints, and the code it exits with."""

import re
import socket
from pathlib import Path

import pytest
import yaml

from exporter import __version__
from exporter.simulator.errors import ApiError
from tests.e2e import sorts, told
from tests.e2e.aws import Aws
from tests.e2e.conftest import Run
from tests.e2e.http import ask
from tests.e2e.process import SECRET_KEY, Process, environment, exporter_command, free_port


def test_once_writes_everything(aws: Aws, run: Run) -> None:
    """`--once` waits for the first discovery, short and empty pages included, and exits with 0."""
    for job in sorts.every_sort():
        aws.account.put(job)
    aws.account.shorten_pages(5, 0, 7, 1, 0, 0, 9)
    process = run("--once", AWS_ENDPOINT_URL_BACKUP=aws.endpoint_url)
    assert process.wait() == 0
    assert told.published(process.out) == told.of_jobs(aws.account.jobs())
    assert set(told.published(process.out, "aws_backup_up").values()) == {1}
    assert process.err == ""


def test_once_tells_that_aws_refused(aws: Aws, run: Run) -> None:
    """`--once` exits with 1 when AWS refuses; the output is there all the same, with up 0 and the code."""
    aws.account.fail(None, ApiError("AccessDeniedException", 403, "not authorized"))
    process = run("--once", AWS_ENDPOINT_URL_BACKUP=aws.endpoint_url)
    assert process.wait() == 1
    assert set(told.published(process.out, "aws_backup_up").values()) == {0}
    assert 'operation="ListBackupJobs",code="AccessDeniedException"' in process.out
    assert "AccessDeniedException" in process.err


@pytest.mark.parametrize(
    ("code", "variables"),
    [
        ("connection", {"AWS_ENDPOINT_URL_BACKUP": "http://127.0.0.1:{closed}"}),
        ("credentials", {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}),
        ("credentials", {"AWS_REGION": ""}),
    ],
)
def test_once_tells_what_is_wrong(run: Run, code: str, variables: dict[str, str]) -> None:
    """Without an AWS to talk to, credentials or a Region, `--once` exits with 1 and names the reason."""
    process = run("--once", **{name: text.format(closed=free_port()) for name, text in variables.items()})
    assert process.wait() == 1
    assert set(told.published(process.out, "aws_backup_up").values()) == {0}
    assert f"code={code}" in process.err


def test_region_from_either_variable(aws: Aws, run: Run) -> None:
    """AWS_DEFAULT_REGION tells the Region where there is no AWS_REGION."""
    aws.account.put(sorts.job("a"))
    variables = {"AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-west-1"}
    process = run("--once", AWS_ENDPOINT_URL_BACKUP=aws.endpoint_url, **variables)
    assert process.wait() == 0
    assert told.published(process.out) == told.of_jobs(aws.account.jobs())


def test_a_good_configuration_is_printed(run: Run, tmp_path: Path) -> None:
    """`--config.check` prints the configuration as it will be used, its secrets masked, and exits with 0."""
    path = tmp_path / "good.yaml"
    role = "role_arn: arn:aws:iam::123456789012:role/r, external_id: hush-hush"
    path.write_text(f"targets: [{{name: one, regions: [eu-west-1], {role}}}]\ndiscovery: {{window: 2h}}\n")
    process = run("--config.check", "--config.file", str(path))
    assert process.wait() == 0
    printed = yaml.safe_load(process.out)
    assert printed["targets"][0]["name"] == "one"
    assert printed["discovery"]["window"] == "2h"
    assert "hush" not in process.out + process.err
    assert process.err == ""


def test_a_bad_configuration_exits_with_2(run: Run, tmp_path: Path) -> None:
    """A bad configuration is told on standard error with its file, line and key; the exit code is 2."""
    path = tmp_path / "bad.yaml"
    path.write_text("targets:\n  - name: one\n    reigons: [eu-west-1]\n")
    for arguments in (("--config.check",), ("--once",), ()):
        process = run(*arguments, "--config.file", str(path))
        assert process.wait() == 2
        assert f"{path}:3:" in process.err
        assert "reigons" in process.err
        assert "Traceback" not in process.err
        assert process.out == ""


def test_a_missing_configuration_exits_with_2(run: Run, tmp_path: Path) -> None:
    """A configuration file that is not there is named on standard error; the exit code is 2."""
    process = run("--config.file", str(tmp_path / "absent.yaml"))
    assert process.wait() == 2
    assert "absent.yaml" in process.err
    assert "Traceback" not in process.err


def test_version(run: Run) -> None:
    """`--version` prints one line with the versions that matter."""
    process = run("--version")
    assert process.wait() == 0
    expected = rf"aws-backup-exporter {re.escape(__version__)} \(Python [\d.]+, boto3 [\d.]+, \w+\)\n"
    assert re.fullmatch(expected, process.out)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--no-such-option",),
        ("--log.level", "loud"),
        ("--web.telemetry-path", "metrics"),
        ("surplus",),
        ("--web.listen-address", "nonsense"),
        ("--web.listen-address", ":65536"),
        ("--web.listen-address", "[::1]"),
        ("--web.listen-address", "127.0.0.1:http"),
        ("--web.listen-address", "a..b:10058"),
        ("--web.listen-address", "*:10058"),
        ("--web.listen-address", "::1:10058"),
        ("--web.telemetry-path", "/{x:y}"),
        ("--web.telemetry-path", "/metrics?x"),
        ("--web.telemetry-path", "//metrics"),
        ("--web.telemetry-path", "/-/healthy"),
        ("--config.file", ""),
        ("--web.config.file", ""),
    ],
    ids=lambda arguments: arguments[-1],
)
def test_a_wrong_command_line_exits_with_2(run: Run, arguments: tuple[str, ...]) -> None:
    """A wrong command line is quoted on standard error; the exit code is 2."""
    process = run(*arguments)
    assert process.wait() == 2
    last = process.err.splitlines()[-1]
    assert last.startswith("aws-backup-exporter: error: ")
    assert arguments[-1] in last


@pytest.mark.parametrize("address", ["256.1.1.1:0", "203.0.113.1:0", "no-such-host.invalid:0"])
def test_an_address_of_elsewhere_exits_with_1(run: Run, address: str) -> None:
    """An address that this machine does not have is told in one line; the exit code is 1."""
    process = run("--web.listen-address", address)
    assert process.wait() == 1
    [line] = process.err.splitlines()
    assert f"cannot listen on {address}: " in line


def test_two_starts_on_one_port(listen: Run, run: Run) -> None:
    """The second start on a port says in one line that the port is taken, and exits with 1."""
    address = listen().address()
    second = run("--web.listen-address", address)
    assert second.wait() == 1
    [line] = second.err.splitlines()
    assert f"cannot listen on {address}: address already in use" in line
    assert ask(address, "/-/healthy").status == 200


def test_two_addresses(aws: Aws, run: Run) -> None:
    """`--web.listen-address` may be repeated: the same is served on both."""
    both = ("--web.listen-address", "127.0.0.1:0", "--web.listen-address", "127.0.0.1:0")
    aws.account.put(sorts.job("a"))
    process = run(*both, AWS_ENDPOINT_URL_BACKUP=aws.endpoint_url)
    for address in process.addresses(2):
        assert told.published(ask(address, "/metrics").text) == told.of_jobs(aws.account.jobs())


def test_ipv6(run: Run) -> None:
    """An IPv6 address stands in brackets."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        pytest.skip(f"this machine has no IPv6: {error}")
    address = run("--web.listen-address", "[::1]:0").address()
    assert address.startswith("[::1]:")
    assert ask(address, "/-/healthy").status == 200


def test_every_interface(run: Run) -> None:
    """Without a host it is reached at localhost by IPv4."""
    address = run("--web.listen-address", ":0").address()
    assert ask(f"127.0.0.1:{address.rpartition(':')[2]}", "/-/healthy").status == 200


def test_odd_environments(run: Run, tmp_path: Path) -> None:
    """Neither a time zone that is none nor a name too long for a file shows a traceback."""
    process = run("--config.check", TZ="nonsense/zone")
    assert (process.wait(), process.err) == (0, "")
    process = run("--config.file", str(tmp_path / ("a" * 5000)))
    assert process.wait() == 2
    assert process.err.endswith(": cannot be read: File name too long\n")


def test_too_few_files(tmp_path: Path) -> None:
    """Where fewer files may be open than a server needs it says so in one line, and exits with 1."""
    command = ["sh", "-c", 'ulimit -n 6 && exec "$@"', "sh", *exporter_command("--web.listen-address", ":0")]
    process = Process(command, environment(tmp_path), tmp_path / "exporter")
    assert process.wait() == 1
    [line] = process.err.splitlines()
    assert line.startswith("aws-backup-exporter: failed: ")


def test_the_secret_key_is_not_needed_to_check(run: Run) -> None:
    """`--config.check` without a file prints the one target there is, and nothing of the environment."""
    process = run("--config.check")
    assert process.wait() == 0
    assert len(yaml.safe_load(process.out)["targets"]) == 1
    assert SECRET_KEY not in process.out

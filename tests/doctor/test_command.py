"""The command `doctor`: what it prints, and the code it exits with."""

import re
import signal
from pathlib import Path

import pytest

from exporter.simulator.errors import ApiError, throttled
from tests.doctor.conftest import Doctor, Start
from tests.e2e.aws import Aws
from tests.e2e.conftest import Run
from tests.e2e.process import KEY_ID

CHECK = {"kind", "name", "result", "collector", "detail", "fault", "needed"}


def test_shape_of_the_json(aws: Aws, doctor: Doctor) -> None:
    """Each scope and each check has the same fields, whatever is found."""
    aws.account.fail("ListBackupVaults", throttled())
    report = doctor(config="targets: [{name: t, job_ids: [a]}, {name: u, profile: none}]").report
    assert report.keys() == {"ok", "scopes"}
    for scope in report["scopes"]:
        assert scope.keys() == {"target", "aws_region", "ok", "credentials", "caller", "checks"}
        for check in scope["checks"]:
            assert check.keys() == CHECK
            assert (check["fault"] is None) == (check["result"] == "ok")
            assert check["fault"] is None or check["fault"].keys() == {"code", "message", "remedy"}


def test_the_table_is_aligned(aws: Aws, start: Start) -> None:
    """The columns stand below each other in all tables, and there are no colour codes."""
    aws.account.fail("ListCopyJobs", throttled())
    out = start(config="targets: [{name: a, regions: [eu-west-1, us-east-1]}]").out
    rows = [line for line in out.splitlines() if re.match(r"  (backup|sts):", line)]
    assert len(rows) == 38
    columns = {tuple(cell.start() for cell in [*re.finditer(r"\S+", row)][:3]) for row in rows}
    assert len(columns) == 1
    assert "\x1b" not in out


def test_one_reason_is_told_once(aws: Aws, start: Start) -> None:
    """What has one reason in many places is told once, with its remedy."""
    aws.account.fail(None, ApiError("ExpiredTokenException", 403, "too old"))
    out = start().out
    assert out.count("too old") == 1
    assert "backup:ListBackupJobs, backup:DescribeBackupJob, backup:ListCopyJobs and 15 more: refused" in out
    assert out.endswith("\n18 of 20 checks failed.\n")


def test_options_on_either_side(aws: Aws, run: Run, tmp_path: Path) -> None:
    """Options may stand before the command as well as behind it."""
    (tmp_path / "c.yaml").write_text("targets: [{name: mine}]\ncollectors: [vaults]")
    options = ("--config.file", str(tmp_path / "c.yaml"), "--log.level", "error")
    outs = []
    for arguments in (("doctor", *options), (*options, "doctor")):
        process = run(*arguments, AWS_ENDPOINT_URL=aws.endpoint_url)
        assert process.wait() == 0
        outs.append(process.out)
    assert outs[0] == outs[1]
    assert outs[0].startswith("mine in eu-west-1")


def test_the_demo(run: Run) -> None:
    """`doctor --demo` finds nothing wrong, without anything of AWS and whatever the environment says."""
    nowhere = "http://127.0.0.1:1"
    process = run("doctor", "--demo", AWS_ACCESS_KEY_ID="", AWS_REGION="", AWS_ENDPOINT_URL=nowhere)
    assert process.wait() == 0
    assert process.err == ""
    assert process.out.endswith("\nAll 42 checks passed.\n")
    assert KEY_ID[-4:] not in process.out


def test_it_can_be_interrupted(aws: Aws, run: Run) -> None:
    """Ctrl-C ends the doctor at once, without a traceback, while AWS hangs."""
    aws.hang()
    process = run("doctor", AWS_ENDPOINT_URL=aws.endpoint_url)
    aws.has_calls_waiting()
    process.signal(signal.SIGINT)
    assert process.wait(2) == -signal.SIGINT
    assert process.out + process.err == ""


def test_a_bad_configuration_exits_with_2(start: Start) -> None:
    """A bad configuration is told with its line, as the exporter tells it; the exit code is 2."""
    process = start(config="targets:\n  - name: one\n    reigons: [eu-west-1]\n")
    assert process.wait() == 2
    assert "config.yaml:3:" in process.err
    assert process.out == ""


@pytest.mark.parametrize(
    "arguments",
    [("--json",), ("doctor", "--once"), ("doctor", "--config.check"), ("nurse",), ("doctor", "doctor")],
    ids=" ".join,
)
def test_a_wrong_command_line_exits_with_2(run: Run, arguments: tuple[str, ...]) -> None:
    """What does not go together is told in one line; the exit code is 2."""
    process = run(*arguments)
    assert process.wait() == 2
    last = process.err.splitlines()[-1]
    assert last.startswith("aws-backup-exporter: error: ")
    assert arguments[-1] in last or arguments[0] in last

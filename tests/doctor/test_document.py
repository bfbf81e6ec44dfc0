"""What docs/doctor.md shows is what the doctor says."""

import re
import shlex
from pathlib import Path

from exporter.aws.identity import SOURCES
from exporter.doctor.report import Result
from exporter.simulator.errors import ApiError
from exporter.simulator.job_kinds import COPY
from tests.docs.markdown import blocks, document, marked_blocks
from tests.doctor.conftest import Start
from tests.e2e import sorts
from tests.e2e.aws import Aws
from tests.e2e.conftest import Run
from tests.faults.wire import Exchange, Wire

DOCTOR = document("docs/doctor.md")
CONFIGURATIONS = marked_blocks(DOCTOR, "the doctor's configuration")
USER = "arn:aws:iam::123456789012:user/exporter"
ROLE = "arn:aws:iam::111122223333:role/aws-backup-exporter"
NAMESPACE = 'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"'
CALLER = f"""<GetCallerIdentityResponse {NAMESPACE}><GetCallerIdentityResult>
<Arn>{USER}</Arn><UserId>AIDA</UserId><Account>123456789012</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>"""
NO_ROLE = f"""<ErrorResponse {NAMESPACE}><Error><Type>Sender</Type><Code>AccessDenied</Code>
<Message>User: {USER} is not authorized to perform: sts:AssumeRole on resource: {ROLE}</Message>
</Error></ErrorResponse>"""


def sts(exchange: Exchange) -> None:
    """Tell the user who asks; let the user assume no role."""
    asked = exchange.body
    denied = b"Action=AssumeRole" in asked
    exchange.give(403 if denied else 200, NO_ROLE if denied else CALLER, "text/xml")


def test_the_table(aws: Aws, start: Start, wire: Wire) -> None:
    """The output that the document shows is that of its configuration, to the letter."""
    aws.account.put(sorts.job("1b2c3d4e-0f1a-2b3c-4d5e-6f7a8b9c0d1e"))
    aws.account.put({"CopyJobId": "a", "State": "RUNNING"}, COPY)
    action = "backup:DescribeCopyJob"
    denied = f"User: {USER} is not authorized to perform: {action} because no identity-based policy allows it"
    aws.account.fail("DescribeCopyJob", ApiError("AccessDeniedException", 403, denied))
    wire.breakage = sts
    process = start(config=CONFIGURATIONS[0], AWS_ENDPOINT_URL_STS=wire.endpoint_url)
    assert process.wait() == 1
    assert process.out in blocks(DOCTOR, "text"), process.out


def test_the_json(aws: Aws, start: Start, wire: Wire) -> None:
    """The JSON that the document shows is that of its configuration, to the letter."""
    denied = f"User: {USER} is not authorized to perform: backup:ListBackupVaults"
    aws.account.fail("ListBackupVaults", ApiError("AccessDeniedException", 403, denied))
    wire.breakage = sts
    process = start("--json", config=CONFIGURATIONS[1], AWS_ENDPOINT_URL_STS=wire.endpoint_url)
    assert process.wait() == 1
    assert process.out in blocks(DOCTOR, "json"), process.out


def test_the_commands(aws: Aws, run: Run, tmp_path: Path) -> None:
    """Each command of the document does as it says."""
    (tmp_path / "config.yaml").write_text("targets: [{name: a}]")
    for line in "".join(blocks(DOCTOR, "sh")).splitlines():
        program, *arguments = shlex.split(line.replace("config.yaml", str(tmp_path / "config.yaml")))
        assert program == "aws-backup-exporter"
        process = run(*arguments, AWS_ENDPOINT_URL=aws.endpoint_url)
        assert process.wait() == 0, process.err


def test_every_source_is_named() -> None:
    """The document names each place where credentials are found."""
    [row] = re.findall(r"^\| `credentials` \|(.*)$", DOCTOR, re.MULTILINE)
    assert [source for source in SOURCES.values() if source not in row] == []


def test_every_result_is_explained() -> None:
    """The document has a line for each result, and for nothing else."""
    explained = re.findall(
        r"^\| `(\w+)` \|", DOCTOR.partition("## The results")[2].partition("##")[0], re.MULTILINE
    )
    assert explained == [str(result) for result in Result]

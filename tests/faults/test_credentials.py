"""Credentials that are missing, wrong, too old or not enough, on the default credential chain."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from urllib.parse import quote

import pytest

from exporter.aws.backup_api import RETRY_PAUSES
from exporter.config import Target
from tests.faults.conftest import Start
from tests.faults.sight import Log, calls, up
from tests.faults.wire import Exchange, Wire, answers, only_signed_with, refuses
from tests.support.harness import REGION, Bench, job

ROLE = "arn:aws:iam::123456789012:role/backup-reader"
LIST = "ListBackupJobs"
REMEDIES = {"ExpiredTokenException": "without a restart", "UnrecognizedClientException": "access key"}

pytestmark = pytest.mark.usefixtures("bare_machine")


@pytest.mark.parametrize("code", ["ExpiredTokenException", "UnrecognizedClientException"])
def test_new_credentials_need_no_restart(
    aws: Bench, wire: Wire, log: Log, start: Start, lay_down: Callable[[str], None], code: str
) -> None:
    """Credentials that AWS refuses are read anew on the next scrape: a new key in the file is enough."""
    lay_down("OLDKEY")
    wire.breakage = only_signed_with("OLDKEY", refuses(code, 403, "the key is of no use"))
    aws.account.put(job("a"))
    watch = start(aws.target(endpoint_url=wire.endpoint_url))

    series = watch.scrape()
    assert up(series) == 0
    assert calls(series, LIST, code) == 1
    assert log.failure["code"] == code
    assert "the key is of no use" in log.failure["reason"]
    assert REMEDIES[code] in log.failure["remedy"]

    aws.clock.advance(15)
    assert up(watch.scrape()) == 0
    lay_down("NEWKEY")
    aws.clock.advance(15)
    series = watch.scrape()
    assert (up(series), series.state("a")) == (1, "RUNNING")
    assert log.events == ["Refresh failed", "Refresh succeeded again"]


@pytest.mark.parametrize("operation", ["ListBackupJobs", "DescribeBackupJob"])
def test_denied(
    aws: Bench, wire: Wire, log: Log, start: Start, lay_down: Callable[[str], None], operation: str
) -> None:
    """The log line about a denied call names the IAM action to allow."""
    lay_down("KEY")
    aws.account.put(job("a"))
    path = {"ListBackupJobs": "/backup-jobs/?", "DescribeBackupJob": "/backup-jobs/a"}[operation]

    def deny(exchange: Exchange) -> None:
        denied = refuses("AccessDeniedException", 403, "User is not authorized")
        denied(exchange) if exchange.path.startswith(path) else exchange.forward()

    wire.breakage = deny
    watch = start(aws.target(endpoint_url=wire.endpoint_url))

    series = watch.scrape()

    assert up(series) == 0
    assert calls(series, operation, "AccessDeniedException") == 1
    assert f"backup:{operation}" in log.failure["remedy"]
    wire.mend()
    assert up(watch.scrape()) == 1


def test_none(aws: Bench, log: Log, start: Start, lay_down: Callable[[str], None]) -> None:
    """Without credentials the code is `credentials`, and the log says what to set."""
    aws.account.put(job("a"))
    watch = start(aws.target())

    series = watch.scrape()

    assert up(series) == 0
    assert calls(series, LIST, "credentials") == 1
    assert log.failure["code"] == "credentials"
    assert "AWS_ACCESS_KEY_ID" in log.failure["remedy"]
    assert "AWS_PROFILE" in log.failure["remedy"]
    assert aws.account.calls == []
    lay_down("KEY")
    aws.clock.advance(15)
    series = watch.scrape()
    assert (up(series), series.state("a")) == (1, "RUNNING")


def test_half(aws: Bench, log: Log, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """An access key without its secret is as good as none."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "KEY")
    watch = start(aws.target())

    assert up(watch.scrape()) == 0
    assert log.failure["code"] == "credentials"
    assert "secret" in log.failure["reason"].lower()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    aws.clock.advance(15)
    assert up(watch.scrape()) == 1


def test_no_region(aws: Bench, log: Log, start: Start, lay_down: Callable[[str], None]) -> None:
    """Without a Region anywhere up is 0 with an empty Region, and the log says what to set."""
    lay_down("KEY")
    watch = start(aws.target(regions=()))

    series = watch.scrape()

    assert up(series, aws_region="") == 0
    assert calls(series, LIST, "credentials") == 1
    assert "AWS_REGION" in log.failure["remedy"]
    assert "region" in log.failure["reason"]


@pytest.mark.parametrize("regions", [(REGION,), ()], ids=["with a Region", "without a Region"])
def test_unknown_profile(
    aws: Bench, log: Log, start: Start, lay_down: Callable[..., None], regions: tuple[str, ...]
) -> None:
    """A profile that no file has is reported by its name; once it is there, the exporter goes on."""
    watch = start(aws.target(profile="nightly", regions=regions))

    series = watch.scrape()

    assert up(series) == 0
    assert calls(series, LIST, "credentials") == 1
    assert "nightly" in log.failure["reason"]
    if regions:
        lay_down("KEY", profile="nightly")
        aws.clock.advance(15)
        assert up(watch.scrape()) == 1


def test_damaged_file(
    aws: Bench, log: Log, start: Start, lay_down: Callable[[str], None], tmp_path: Path
) -> None:
    """A credentials file that cannot be read is named in the log."""
    (tmp_path / "credentials").write_text("no section\n")
    watch = start(aws.target())

    assert up(watch.scrape()) == 0
    assert log.failure["code"] == "credentials"
    assert str(tmp_path / "credentials") in log.failure["reason"]
    lay_down("KEY")
    aws.clock.advance(15)
    assert up(watch.scrape()) == 1


ASSUMED = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<Credentials><AccessKeyId>ROLEKEY</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
<SessionToken>t</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration></Credentials>
</AssumeRoleResult></AssumeRoleResponse>"""
DENIED = f"""<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>
<Code>AccessDenied</Code><Message>not authorized to perform: sts:AssumeRole on {ROLE}</Message>
</Error></ErrorResponse>"""


def test_role_that_may_not_be_assumed(
    aws: Bench,
    wire: Wire,
    log: Log,
    start: Start,
    lay_down: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The log says that the role was denied and that its trust policy is at fault."""
    lay_down("KEY")
    aws.account.put(job("a"))
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", wire.endpoint_url)
    wire.breakage = answers(403, DENIED, "text/xml")
    watch = start(aws.target(role_arn=ROLE))

    series = watch.scrape()

    assert up(series) == 0
    assert calls(series, LIST, "AccessDenied") == 1
    assert log.failure["code"] == "AccessDenied"
    assert "sts:AssumeRole" in log.failure["reason"]
    assert "trust policy" in log.failure["remedy"]
    assert aws.account.calls == []
    wire.breakage = answers(200, ASSUMED, "text/xml")
    aws.clock.advance(15)
    series = watch.scrape()
    assert (up(series), series.state("a")) == (1, "RUNNING")


def test_a_web_identity_is_asked_for_with_our_patience(
    aws: Bench, wire: Wire, log: Log, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What finds credentials has the configured time-outs, and no attempts beside those of a call."""
    token = tmp_path / "token"
    token.write_text("a token of the cluster")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token))
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", wire.endpoint_url)
    wire.breakage = answers(500, "")

    assert up(start(aws.target()).scrape()) == 0

    assert len(wire.requests) == 1 + len(RETRY_PAUSES)
    assert "AssumeRoleWithWebIdentity" in log.failure["reason"]


def test_a_denied_role_is_one_line(
    aws: Bench,
    wire: Wire,
    written: StringIO,
    start: Start,
    lay_down: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A role that stays denied is one line in the log, not one on each scrape, and no traceback."""
    lay_down("KEY")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", wire.endpoint_url)
    wire.breakage = answers(403, DENIED, "text/xml")
    watch = start(aws.target(role_arn=ROLE))

    for _ in range(3):
        watch.scrape()

    [line] = written.getvalue().splitlines()
    assert "trust policy" in line


def test_a_role_and_no_credentials_to_assume_it(
    aws: Bench, wire: Wire, log: Log, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A role without credentials to assume it with is as good as no credentials: the log says what to set."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", wire.endpoint_url)
    watch = start(aws.target(role_arn=ROLE))

    series = watch.scrape()

    assert up(series) == 0
    assert calls(series, LIST, "credentials") == 1
    assert "AWS_ACCESS_KEY_ID" in log.failure["remedy"]
    assert "Unable to locate credentials" in log.failure["reason"]
    assert wire.requests == []


def test_source_credentials_of_a_role_are_taken_up_too(
    aws: Bench,
    wire: Wire,
    log: Log,
    start: Start,
    lay_down: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """When the credentials that assume the role have expired, new ones need no restart either."""
    lay_down("OLDKEY")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", wire.endpoint_url)
    expired = DENIED.replace("AccessDenied", "ExpiredToken")

    def sts(exchange: Exchange) -> None:
        old = "OLDKEY" in exchange.headers["Authorization"]
        exchange.give(403 if old else 200, expired if old else ASSUMED, "text/xml")

    wire.breakage = sts
    watch = start(aws.target(role_arn=ROLE))
    assert up(watch.scrape()) == 0
    assert log.failure["code"] == "ExpiredToken"
    assert "without a restart" in log.failure["remedy"]

    lay_down("NEWKEY")
    aws.clock.advance(15)

    assert up(watch.scrape()) == 1


def test_external_id_stays_secret(
    aws: Bench,
    wire: Wire,
    log: Log,
    start: Start,
    lay_down: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A role that can't be assumed puts neither the external id nor a secret key into log or metrics."""
    lay_down("KEY")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", wire.endpoint_url)
    wire.breakage = answers(403, DENIED, "text/xml")
    watch = start(
        Target.model_validate({**aws.target(role_arn=ROLE).model_dump(), "external_id": "hush-hush"})
    )

    shown = watch.scrape().text + "".join(str(vars(record)) for record in log.records)

    assert log.failure["code"] == "AccessDenied"
    assert "hush-hush" not in shown
    assert quote("hush-hush") not in shown
    assert "secret-of-KEY" not in shown


def test_what_was_signed_stays_secret(
    aws: Bench, wire: Wire, log: Log, start: Start, lay_down: Callable[[str], None]
) -> None:
    """When a signature is wrong AWS repeats the request, session token and all: that part is left out."""
    lay_down("KEY")
    repeated = "'GET\n/backup-jobs/\n\nx-amz-security-token:hush-token\n\nhost;x-amz-security-token'"
    message = (
        f"The signature does not match.\n\nThe Canonical String for this request should have been\n{repeated}"
    )
    wire.breakage = refuses("SignatureDoesNotMatch", 403, message)

    shown = start(aws.target(endpoint_url=wire.endpoint_url)).scrape().text

    assert log.failure["reason"] == "ListBackupJobs: The signature does not match."
    assert "hush-token" not in shown + "".join(str(vars(record)) for record in log.records)

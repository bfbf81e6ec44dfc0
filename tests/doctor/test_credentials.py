"""Which credentials the doctor finds, who it says that is, and what it says where there are none."""

import hashlib
import json
from pathlib import Path
from urllib.parse import quote

import pytest

from exporter.simulator.errors import ApiError
from tests.doctor.conftest import Doctor, Start
from tests.e2e.aws import Aws
from tests.e2e.process import KEY_ID, SECRET_KEY, SESSION_TOKEN, free_port
from tests.faults.test_credentials import DENIED
from tests.faults.wire import Exchange, Wire, answers

NONE = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
KEYS = f"aws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET_KEY}\n"
ROLE = "arn:aws:iam::111122223333:role/aws-backup-exporter"
WATCHED = f"targets: [{{name: watched, regions: [eu-west-1], role_arn: '{ROLE}', external_id: hush-hush}}]"
REPLACED = {"AccessKeyId": KEY_ID, "SecretAccessKey": SECRET_KEY, "Expiration": "2999-01-01T00:00:00Z"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where the AWS configuration files of the doctor's user are."""
    (tmp_path / ".aws").mkdir()
    return tmp_path / ".aws"


def test_environment(doctor: Doctor) -> None:
    """Keys of the environment are told, with the last four characters of the access key id."""
    scope = doctor().scope
    assert scope["credentials"] == {"source": "environment", "key_end": KEY_ID[-4:]}
    assert scope["caller"] == {
        "account_id": "123456789012",
        "arn": "arn:aws:sts::123456789012:user/moto",
    }


def test_a_key_that_is_short_is_not_shown(doctor: Doctor) -> None:
    """Of an access key id that is too short to be one of AWS, no character is shown."""
    assert doctor(AWS_ACCESS_KEY_ID="hunter2").scope["credentials"]["key_end"] == ""


def test_credentials_file(doctor: Doctor, home: Path) -> None:
    """Keys of a profile in the shared credentials file are told."""
    (home / "credentials").write_text(f"[nightly]\n{KEYS}")
    told = doctor(config="targets: [{name: a, profile: nightly}]", **NONE)
    assert told.scope["credentials"]["source"] == "credentials file"
    assert told.code == 0


def test_configuration_file(doctor: Doctor, home: Path) -> None:
    """Keys of the AWS configuration file are told."""
    (home / "config").write_text(f"[default]\n{KEYS}")
    assert doctor(**NONE).scope["credentials"]["source"] == "configuration file"


def test_process(doctor: Doctor, home: Path) -> None:
    """Credentials that a program prints are told."""
    (home / "keys.json").write_text(json.dumps({"Version": 1} | REPLACED))
    (home / "config").write_text(f"[default]\ncredential_process = cat {home / 'keys.json'}\n")
    told = doctor(**NONE)
    assert told.scope["credentials"]["source"] == "credential process"
    assert told.code == 0


def test_role_of_a_profile(doctor: Doctor, home: Path) -> None:
    """A role that a profile assumes by itself is told, and the account is that of the role."""
    (home / "config").write_text(
        f"[profile nightly]\nrole_arn = {ROLE}\ncredential_source = Environment\nregion = eu-west-1\n"
    )
    scope = doctor(config="targets: [{name: a, profile: nightly}]").scope
    assert scope["credentials"]["source"] == "role of a profile"
    assert scope["caller"]["account_id"] == "111122223333"


def test_web_identity(doctor: Doctor, home: Path) -> None:
    """A web identity, which Kubernetes gives to a service account, is told."""
    (home / "token").write_text("e30.e30.e30")
    variables = {"AWS_WEB_IDENTITY_TOKEN_FILE": str(home / "token"), "AWS_ROLE_ARN": ROLE}
    scope = doctor(**NONE, **variables).scope
    assert scope["credentials"]["source"] == "web identity"
    assert scope["caller"]["account_id"] == "111122223333"


def test_web_identity_and_no_sts(doctor: Doctor, home: Path, wire: Wire) -> None:
    """A web identity waits for an STS that does not answer no longer than the configured time-out."""
    (home / "token").write_text("e30.e30.e30")
    variables = {"AWS_WEB_IDENTITY_TOKEN_FILE": str(home / "token"), "AWS_ROLE_ARN": ROLE}
    wire.breakage = Exchange.hold
    config = "targets: [{name: a}]\napi: {read_timeout: 200ms}"
    told = doctor(config=config, AWS_ENDPOINT_URL_STS=wire.endpoint_url, **NONE, **variables)
    assert told.results() == {"credentials": "unreachable"}
    assert told.check("credentials")["fault"]["code"] == "timeout"


def test_sso(doctor: Doctor, home: Path, wire: Wire) -> None:
    """Credentials of a single sign-on are told."""
    portal = "https://example.awsapps.com/start"
    (home / "config").write_text(
        f"[default]\nsso_start_url = {portal}\nsso_region = eu-west-1\n"
        "sso_account_id = 123456789012\nsso_role_name = reader\n"
    )
    cache = home / "sso" / "cache"
    cache.mkdir(parents=True)
    token = {
        "startUrl": portal,
        "region": "eu-west-1",
        "accessToken": "t",
        "expiresAt": "2999-01-01T00:00:00Z",
    }
    (cache / f"{hashlib.sha1(portal.encode()).hexdigest()}.json").write_text(json.dumps(token))
    keys = {"accessKeyId": KEY_ID, "secretAccessKey": SECRET_KEY, "sessionToken": "t", "expiration": 2**42}
    wire.breakage = answers(200, json.dumps({"roleCredentials": keys}))
    told = doctor(anew=True, AWS_ENDPOINT_URL_SSO=wire.endpoint_url, **NONE)  # botocore reads HOME once
    assert told.scope["credentials"]["source"] == "SSO"
    assert told.code == 0


def test_container(doctor: Doctor, wire: Wire) -> None:
    """Credentials that a container's host hands out are told."""
    wire.breakage = answers(200, json.dumps(REPLACED | {"Token": "t"}))
    told = doctor(AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{wire.endpoint_url}/keys", **NONE)
    assert told.scope["credentials"]["source"] == "container"
    assert told.code == 0


def test_instance_role(doctor: Doctor, wire: Wire) -> None:
    """The role of an instance is told."""

    def metadata(exchange: Exchange) -> None:
        keys = {"Code": "Success", "Token": "t", "LastUpdated": "2026-01-01T00:00:00Z"} | REPLACED
        of_role = exchange.path.endswith("/security-credentials/reader")
        exchange.give(200, json.dumps(keys) if of_role else "reader")

    wire.breakage = metadata
    variables = {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": wire.endpoint_url}
    told = doctor(**NONE, **variables)
    assert told.scope["credentials"]["source"] == "instance role"
    assert told.code == 0


def test_none(aws: Aws, doctor: Doctor) -> None:
    """Without credentials that is all there is to say, with what to set; AWS is not asked."""
    told = doctor(**NONE)
    assert told.results() == {"credentials": "missing"}
    assert "AWS_ACCESS_KEY_ID" in told.check("credentials")["fault"]["remedy"]
    assert told.scope["credentials"] is None
    assert told.code == 1
    assert aws.account.calls == []


def test_unknown_profile(doctor: Doctor) -> None:
    """A profile that no file has is told by its name."""
    told = doctor(config="targets: [{name: a, regions: [eu-west-1, us-east-1], profile: nightly}]")
    for place in (0, 1):
        assert told.results(place) == {"credentials": "missing"}
        assert "nightly" in told.check("credentials", place)["fault"]["message"]


@pytest.mark.parametrize("code", ["UnrecognizedClientException", "ExpiredTokenException"])
def test_refused(aws: Aws, doctor: Doctor, code: str) -> None:
    """Credentials that AWS Backup refuses are told apart from a permission that is missing."""
    aws.account.fail(None, ApiError(code, 403, "The security token is no good"))
    told = doctor()
    refused = [check for check in told.scope["checks"] if check["kind"] == "permission"]
    assert {check["result"] for check in refused} == {"refused"}
    assert {check["fault"]["code"] for check in refused} == {code}
    assert told.code == 1


def test_an_assumed_role(doctor: Doctor) -> None:
    """A target's role is assumed: what is told is which credentials assume which role, and who that makes."""
    told = doctor(config=WATCHED)
    assert told.scope["credentials"] == {"source": "environment", "key_end": KEY_ID[-4:]}
    assert told.check("sts:AssumeRole")["detail"] == ROLE
    assert told.scope["caller"]["account_id"] == "111122223333"
    assert told.scope["caller"]["arn"].endswith("assumed-role/aws-backup-exporter/aws-backup-exporter")
    assert told.code == 0


def test_a_role_that_may_not_be_assumed(aws: Aws, doctor: Doctor, wire: Wire) -> None:
    """A denied role is told with the action to allow and the trust policy; AWS Backup is not asked."""
    wire.breakage = answers(403, DENIED, "text/xml")
    told = doctor(config=WATCHED, AWS_ENDPOINT_URL_STS=wire.endpoint_url)
    assert told.results() == {"credentials": "ok", "sts:AssumeRole": "denied"}
    fault = told.check("sts:AssumeRole")["fault"]
    assert "not authorized to perform: sts:AssumeRole" in fault["message"]
    assert f'allow sts:AssumeRole on "{ROLE}"' in fault["remedy"]
    assert "trust policy" in fault["remedy"]
    assert told.code == 1
    assert aws.account.calls == []


@pytest.mark.parametrize("body", [DENIED, "<html>hello</html>"])
def test_an_identity_that_is_not_told(doctor: Doctor, wire: Wire, body: str) -> None:
    """When STS does not say who asks, everything else is checked, and that alone is nothing wrong."""
    wire.breakage = answers(403, body, "text/xml")
    told = doctor(AWS_ENDPOINT_URL_STS=wire.endpoint_url)
    assert told.check("sts:GetCallerIdentity")["result"] in ("denied", "unreachable")
    assert "optional" in told.check("sts:GetCallerIdentity")["fault"]["remedy"]
    assert told.scope["caller"] is None
    assert told.results()["backup:GetBackupPlan"] == "ok"
    assert told.code == 0


def test_no_sts(doctor: Doctor) -> None:
    """When STS cannot be reached, everything else is checked, and that alone is nothing wrong."""
    told = doctor(AWS_ENDPOINT_URL_STS=f"http://127.0.0.1:{free_port()}")
    assert told.results()["sts:GetCallerIdentity"] == "unreachable"
    assert told.results()["backup:GetBackupPlan"] == "ok"
    assert (told.code, told.report["ok"]) == (0, True)


SECRETS = (KEY_ID, SECRET_KEY, SESSION_TOKEN, "hush-hush")
ASSUMED_SECRETS = ("ASIAROLEEXAMPLE", "secret+of/the/role", "FwoToken/Of+The/Role==")
ASSUMED = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<Credentials><AccessKeyId>{}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey><SessionToken>{}</SessionToken>
<Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"""
FORMS = [("--log.format", "logfmt"), ("--log.format", "json", "--json")]


@pytest.mark.parametrize("form", FORMS, ids=["text", "json"])
def test_no_secret_of_a_signature(aws: Aws, start: Start, wire: Wire, form: tuple[str, ...]) -> None:
    """What AWS repeats of keys, tokens and external ids is masked, and the log tells none at level debug."""
    repeated = (*SECRETS, *ASSUMED_SECRETS, quote(ASSUMED_SECRETS[-1], safe=""))
    aws.account.fail(None, ApiError("SignatureDoesNotMatch", 403, f"should have been {' '.join(repeated)}"))
    wire.breakage = answers(200, ASSUMED.format(*ASSUMED_SECRETS), "text/xml")
    variables = {"AWS_SESSION_TOKEN": SESSION_TOKEN, "AWS_ENDPOINT_URL_STS": wire.endpoint_url}
    process = start("--log.level", "debug", *form, config=WATCHED, **variables)
    assert process.wait() == 1
    assert f"should have been {' '.join(['***'] * 8)}" in process.out
    assert "AWS request finished" in process.err
    assert not [secret for secret in repeated if secret in process.out + process.err]


@pytest.mark.parametrize("form", FORMS, ids=["text", "json"])
def test_no_secret_of_a_role(start: Start, wire: Wire, form: tuple[str, ...]) -> None:
    """What STS repeats when it refuses a role is masked likewise."""
    wire.breakage = answers(403, DENIED.replace(" on ", f" with {' '.join(SECRETS)} on "), "text/xml")
    variables = {"AWS_SESSION_TOKEN": SESSION_TOKEN, "AWS_ENDPOINT_URL_STS": wire.endpoint_url}
    process = start("--log.level", "debug", *form, config=WATCHED, **variables)
    assert process.wait() == 1
    assert "with *** *** *** *** on" in process.out
    assert not [secret for secret in SECRETS if secret in process.out + process.err]

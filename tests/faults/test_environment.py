"""What the environment and the AWS configuration files say that botocore cannot use."""

import socket
from collections.abc import Callable, Iterator, Mapping
from io import StringIO
from pathlib import Path

import pytest

from exporter.assembly import Dependencies
from exporter.config import Config, Target
from exporter.doctor import as_json, as_text, examine
from tests.e2e.process import free_port
from tests.faults.conftest import Start
from tests.faults.sight import up
from tests.support.harness import Bench

pytestmark = pytest.mark.usefixtures("bare_machine")

ROLE = "arn:aws:iam::123456789012:role/reader"
KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY",
}
WEB_IDENTITY = {"AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": "{missing}"}
CONTAINER = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:{closed}/hush"}
CONNECTION, CREDENTIALS = "connection", "credentials"

FILES: dict[str, str | bytes] = {
    "nonsense": "nonsense hush\n",
    "nul": b"\0\0[default]\nhush",
    "no-utf-8": b"[default]\nregion = \xff\xfehush\n",
    "twice": "[default]\nregion = a\n[default]\nregion = b\n",
    "nested": "[default]\ns3 =\n  hush\n",
    "profiles": f"""
[profile command-missing]
credential_process = /missing/hush --password hush
[profile command-fails]
credential_process = sh -c 'echo hush >&2; exit 3'
[profile command-says-html]
credential_process = echo '<html>hush'
[profile command-says-a-list]
credential_process = echo []
[profile command-of-another-version]
credential_process = echo '{{"Version": "hush"}}'
[profile command-without-keys]
credential_process = echo '{{"Version": 1, "SecretAccessKey": "hush"}}'
[profile command-unquoted]
credential_process = echo 'hush
[profile mfa]
role_arn = {ROLE}
source_profile = base
mfa_serial = arn:aws:iam::123456789012:mfa/someone
[profile base]
aws_access_key_id = AKIAIOSFODNN7EXAMPLB
aws_secret_access_key = hush-secret-of-a-profile
[profile sso]
sso_start_url = https://hush.awsapps.com/start
sso_region = us-east-1
sso_account_id = 123456789012
sso_role_name = reader
[profile sso-session]
sso_session = company
sso_account_id = 123456789012
sso_role_name = reader
[sso-session company]
sso_start_url = https://hush.awsapps.com/start
sso_region = us-east-1
[profile sso-half]
sso_start_url = https://hush.awsapps.com/start
sso_account_id = 123456789012
sso_role_name = reader
[profile sso-session-missing]
sso_session = nowhere
sso_account_id = 123456789012
sso_role_name = reader
[profile loop]
role_arn = {ROLE}
source_profile = loop
[profile no-source]
role_arn = {ROLE}
[profile source-missing]
role_arn = {ROLE}
source_profile = nowhere
[profile source-unknown]
role_arn = {ROLE}
credential_source = Nowhere
[profile login]
login_session = hush
[profile half]
aws_access_key_id = AKIAIOSFODNN7EXAMPLC
[profile web-identity]
role_arn = {ROLE}
web_identity_token_file = /missing/token
[profile ca]
ca_bundle =
""",
}

Case = tuple[Mapping[str, str], str, str]

PROFILES: dict[str, Case] = {
    name: ({"AWS_CONFIG_FILE": "{dir}/profiles", "AWS_PROFILE": name}, CREDENTIALS, remedy)
    for name, remedy in {
        "command-missing": "credential_process",
        "command-fails": "credential_process",
        "command-says-html": "credential_process",
        "command-says-a-list": "credential_process",
        "command-of-another-version": "credential_process",
        "command-without-keys": "credential_process",
        "command-unquoted": "credential_process",
        "mfa": "MFA",
        "sso": "aws sso login",
        "sso-session": "aws sso login",
        "sso-half": "configuration file",
        "sso-session-missing": "configuration file",
        "loop": "source_profile",
        "no-source": "source_profile",
        "source-missing": "source_profile",
        "source-unknown": "credential_source",
        "login": "botocore[crt]",
        "half": "AWS_SHARED_CREDENTIALS_FILE",
        "web-identity": "AWS_WEB_IDENTITY_TOKEN_FILE",
        "unknown": "AWS_PROFILE",
        "": "AWS_PROFILE",
    }.items()
}
BROKEN_FILES: dict[str, Case] = {
    f"{variable} {name}": ({variable: f"{{dir}}/{name}"}, CREDENTIALS, "AWS_CONFIG_FILE")
    for variable in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")
    for name in ("nonsense", "nul", "no-utf-8", "twice")
}
VARIABLES: dict[str, Case] = {
    "nested settings": (KEYS | {"AWS_CONFIG_FILE": "{dir}/nested"}, CREDENTIALS, "AWS_CONFIG_FILE"),
    "nothing": ({}, CREDENTIALS, "AWS_ACCESS_KEY_ID"),
    "a key without its secret": (
        {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"},
        CREDENTIALS,
        "AWS_SECRET_ACCESS_KEY",
    ),
    "AWS_SESSION_TOKEN": (KEYS | {"AWS_SESSION_TOKEN": "hush-session-token\n"}, CREDENTIALS, "line break"),
    "AWS_ACCESS_KEY_ID": (KEYS | {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7HUSH\n"}, CREDENTIALS, "line break"),
    "AWS_CREDENTIAL_EXPIRATION": (KEYS | {"AWS_CREDENTIAL_EXPIRATION": "x"}, CREDENTIALS, "AWS_CREDENTIAL_"),
    "AWS_DEFAULTS_MODE": (KEYS | {"AWS_DEFAULTS_MODE": "x"}, CREDENTIALS, "AWS_DEFAULTS_MODE"),
    "AWS_STS_REGIONAL_ENDPOINTS": (
        KEYS | {"AWS_STS_REGIONAL_ENDPOINTS": "foo"},
        CREDENTIALS,
        "AWS_STS_REGIONAL_ENDPOINTS",
    ),
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": (
        KEYS | {"AWS_ACCOUNT_ID_ENDPOINT_MODE": "x"},
        CREDENTIALS,
        "environment",
    ),
    "AWS_METADATA_SERVICE_TIMEOUT": (
        KEYS | {"AWS_METADATA_SERVICE_TIMEOUT": "abc"},
        CREDENTIALS,
        "AWS_METADATA_SERVICE_TIMEOUT",
    ),
    "AWS_METADATA_SERVICE_NUM_ATTEMPTS": (
        KEYS | {"AWS_METADATA_SERVICE_NUM_ATTEMPTS": "abc"},
        CREDENTIALS,
        "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
    ),
    "AWS_EC2_METADATA_SERVICE_ENDPOINT": (
        {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "nonsense"},
        CREDENTIALS,
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
    ),
    "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": (
        KEYS | {"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "ipv5"},
        CREDENTIALS,
        "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
    ),
    "AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES": (
        KEYS | {"AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES": "abc"},
        CREDENTIALS,
        "environment",
    ),
    "AWS_REQUEST_CHECKSUM_CALCULATION": (
        KEYS | {"AWS_REQUEST_CHECKSUM_CALCULATION": "x"},
        CREDENTIALS,
        "AWS_REQUEST_CHECKSUM_CALCULATION",
    ),
    "AWS_CSM_PORT": (KEYS | {"AWS_CSM_ENABLED": "true", "AWS_CSM_PORT": "abc"}, CREDENTIALS, "AWS_CSM_PORT"),
    "AWS_REGION": (KEYS | {"AWS_REGION": "eu west"}, CREDENTIALS, "AWS_REGION"),
    "AWS_WEB_IDENTITY_TOKEN_FILE": (WEB_IDENTITY, CREDENTIALS, "AWS_WEB_IDENTITY_TOKEN_FILE"),
    "AWS_WEB_IDENTITY_TOKEN_FILE, a directory": (
        WEB_IDENTITY | {"AWS_WEB_IDENTITY_TOKEN_FILE": "{dir}"},
        CREDENTIALS,
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    ),
    "AWS_WEB_IDENTITY_TOKEN_FILE, no text": (
        WEB_IDENTITY | {"AWS_WEB_IDENTITY_TOKEN_FILE": "{dir}/no-utf-8"},
        CREDENTIALS,
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    ),
    "AWS_ROLE_ARN missing": ({"AWS_WEB_IDENTITY_TOKEN_FILE": "{dir}/nonsense"}, CREDENTIALS, "AWS_ROLE_ARN"),
    "AWS_ROLE_ARN": (
        {"AWS_WEB_IDENTITY_TOKEN_FILE": "{dir}/nonsense", "AWS_ROLE_ARN": "hush"},
        CREDENTIALS,
        "AWS_ROLE_ARN",
    ),
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": (CONTAINER, CREDENTIALS, "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
    "AWS_CONTAINER_CREDENTIALS_FULL_URI, nonsense": (
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "hush"},
        CREDENTIALS,
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ),
    "AWS_CONTAINER_AUTHORIZATION_TOKEN": (
        CONTAINER | {"AWS_CONTAINER_AUTHORIZATION_TOKEN": "hush\n"},
        CREDENTIALS,
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    ),
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": (
        CONTAINER | {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "{missing}"},
        CREDENTIALS,
        "TOKEN_FILE",
    ),
    "AWS_ENDPOINT_URL": (KEYS | {"AWS_ENDPOINT_URL": "nonsense"}, CONNECTION, "AWS_ENDPOINT_URL"),
    "AWS_ENDPOINT_URL, two dots": (
        KEYS | {"AWS_ENDPOINT_URL": "http://a..b:80"},
        CONNECTION,
        "AWS_ENDPOINT_URL",
    ),
    "AWS_ENDPOINT_URL, IPv6": (KEYS | {"AWS_ENDPOINT_URL": "http://[::1"}, CONNECTION, "AWS_ENDPOINT_URL"),
    "AWS_ENDPOINT_URL, port": (
        KEYS | {"AWS_ENDPOINT_URL": "http://127.0.0.1:99999"},
        CONNECTION,
        "AWS_ENDPOINT_URL",
    ),
    "AWS_ENDPOINT_URL, scheme": (
        KEYS | {"AWS_ENDPOINT_URL": "ftp://127.0.0.1"},
        CONNECTION,
        "AWS_ENDPOINT_URL",
    ),
    "AWS_ENDPOINT_URL, closed": (
        KEYS | {"AWS_ENDPOINT_URL": "http://me:hush-word@127.0.0.1:{closed}"},
        CONNECTION,
        "nothing listens",
    ),
    "AWS_ENDPOINT_URL, slash in password": (
        KEYS | {"AWS_ENDPOINT_URL": "http://me:hush/word@127.0.0.1:{closed}"},
        CONNECTION,
        "AWS_ENDPOINT_URL",
    ),
    "AWS_ENDPOINT_URL_BACKUP": (
        KEYS | {"AWS_ENDPOINT_URL_BACKUP": "junk"},
        CONNECTION,
        "AWS_ENDPOINT_URL_BACKUP",
    ),
    "HTTP_PROXY": (KEYS | {"HTTP_PROXY": "http://127.0.0.1:99999"}, CONNECTION, "HTTP_PROXY"),
    "HTTP_PROXY, closed": (
        KEYS | {"HTTP_PROXY": "http://me:hush@127.0.0.1:{closed}"},
        CONNECTION,
        "HTTP_PROXY",
    ),
    "HTTP_PROXY, slash in password": (
        KEYS | {"HTTP_PROXY": "http://localhost:{closed}/hush@127.0.0.1:3128"},
        CONNECTION,
        "HTTP_PROXY",
    ),
    "HTTP_PROXY, IPv6": (KEYS | {"HTTP_PROXY": "http://me:hush@[::1"}, CONNECTION, "HTTP_PROXY"),
    "AWS_CA_BUNDLE": (
        KEYS | {"AWS_ENDPOINT_URL": "https://127.0.0.1:{listening}", "AWS_CA_BUNDLE": "{missing}"},
        CONNECTION,
        "AWS_CA_BUNDLE",
    ),
    "AWS_CA_BUNDLE, no PEM": (
        KEYS | {"AWS_ENDPOINT_URL": "https://127.0.0.1:{listening}", "AWS_CA_BUNDLE": "{dir}/nonsense"},
        CONNECTION,
        "AWS_CA_BUNDLE",
    ),
    "AWS_CA_BUNDLE, a directory": (
        KEYS | {"AWS_ENDPOINT_URL": "https://127.0.0.1:{listening}", "AWS_CA_BUNDLE": "{dir}"},
        CONNECTION,
        "AWS_CA_BUNDLE",
    ),
    "AWS_CA_BUNDLE, blank": (KEYS | {"AWS_CA_BUNDLE": " "}, CREDENTIALS, "environment"),
}
CASES = PROFILES | BROKEN_FILES | VARIABLES

HARMLESS: dict[str, Mapping[str, str]] = {
    name: KEYS | variables
    for name, variables in {
        "AWS_MAX_ATTEMPTS": {"AWS_MAX_ATTEMPTS": "abc"},
        "AWS_MAX_ATTEMPTS, none": {"AWS_MAX_ATTEMPTS": "0"},
        "AWS_RETRY_MODE": {"AWS_RETRY_MODE": "nonsense"},
        "AWS_USE_FIPS_ENDPOINT": {"AWS_USE_FIPS_ENDPOINT": "maybe"},
        "AWS_USE_DUALSTACK_ENDPOINT": {"AWS_USE_DUALSTACK_ENDPOINT": "maybe"},
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "maybe"},
        "AWS_SIGV4A_SIGNING_REGION_SET": {"AWS_SIGV4A_SIGNING_REGION_SET": "*, x"},
        "AWS_AUTH_SCHEME_PREFERENCE": {"AWS_AUTH_SCHEME_PREFERENCE": "nonsense"},
        "AWS_ENDPOINT_DISCOVERY_ENABLED": {"AWS_ENDPOINT_DISCOVERY_ENABLED": "maybe"},
        "AWS_SDK_UA_APP_ID": {"AWS_SDK_UA_APP_ID": "a\nb"},
        "AWS_EXECUTION_ENV": {"AWS_EXECUTION_ENV": "a\nb"},
        "AWS_DATA_PATH": {"AWS_DATA_PATH": "{missing}"},
        "AWS_CONFIG_FILE, missing": {"AWS_CONFIG_FILE": "{missing}"},
        "AWS_CONFIG_FILE, a directory": {"AWS_CONFIG_FILE": "{dir}"},
        "NO_PROXY": {"HTTP_PROXY": "http://127.0.0.1:{closed}", "NO_PROXY": "127.0.0.1, me:hush@x"},
    }.items()
}


Arrange = Callable[[Mapping[str, str]], None]


@pytest.fixture
def arrange(aws: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Arrange]:
    """Sets the environment; `{dir}` is a directory of files, `{closed}` a port without a server."""
    directory = tmp_path / "files"
    directory.mkdir()
    for name, content in FILES.items():
        (directory / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    listening = socket.create_server(("127.0.0.1", 0))
    places = {
        "dir": directory,
        "missing": tmp_path / "missing",
        "closed": free_port(),
        "listening": listening.getsockname()[1],
    }

    def set_variables(variables: Mapping[str, str]) -> None:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        usual = {
            "AWS_REGION": "eu-west-1",
            "AWS_ENDPOINT_URL": aws.server.endpoint_url,
            "HOME": str(tmp_path),
        }
        for name, value in (usual | dict(variables)).items():
            for place, at in places.items():
                value = value.replace(f"{{{place}}}", str(at))
            monkeypatch.setenv(name, value)

    with listening:
        yield set_variables


@pytest.mark.parametrize(("variables", "code", "named"), CASES.values(), ids=CASES)
def test_the_exporter_starts_and_tells(
    arrange: Arrange, variables: Mapping[str, str], code: str, named: str, start: Start, written: StringIO
) -> None:
    """Up is 0, and one line of the log has the code, a remedy that names the right thing, and no secret."""
    arrange(variables)

    series = start(Target(name="test")).scrape()

    assert up(series) == 0
    [line] = written.getvalue().splitlines()
    assert 'msg="Refresh failed"' in line
    assert f"code={code} " in line
    assert named in line.partition("remedy=")[2]
    assert "hush" not in line.replace("/missing/hush", "")
    assert "Traceback" not in line


@pytest.mark.parametrize(("variables", "code", "named"), CASES.values(), ids=CASES)
def test_the_doctor_tells(
    arrange: Arrange, variables: Mapping[str, str], code: str, named: str, request: pytest.FixtureRequest
) -> None:
    """The doctor reports the same code and remedy, and shows no secret either."""
    arrange(variables)
    dependencies: Dependencies = request.getfixturevalue("dependencies")

    report = examine(Config(targets=(Target(name="test"),), collectors=("backup_jobs",)), dependencies)

    assert not report.healthy
    faults = [check.fault for _, check in report.checks() if check.fault and not check.passed]
    assert {fault.code for fault in faults} <= {code, "region"}
    assert any(named in fault.remedy for fault in faults)
    for told in (as_text(report, dependencies.secrets), as_json(report, dependencies.secrets)):
        assert "hush" not in told.replace("/missing/hush", "")


@pytest.mark.parametrize("variables", HARMLESS.values(), ids=HARMLESS)
def test_what_does_no_harm(
    arrange: Arrange, variables: Mapping[str, str], start: Start, written: StringIO
) -> None:
    """Settings that the exporter makes itself, or that botocore passes over, may be wrong."""
    arrange(variables)

    assert up(start(Target(name="test")).scrape()) == 1
    assert written.getvalue() == ""


def test_another_target_works(
    aws: Bench, arrange: Arrange, start: Start, lay_down: Callable[..., None]
) -> None:
    """A target whose profile nobody knows takes nothing from one with another profile."""
    arrange({})
    lay_down("AKIAIOSFODNN7EXAMPLE", profile="good")
    bad, good = aws.target(name="bad", profile="nowhere"), aws.target(name="good", profile="good")

    series = start(bad, good).scrape()

    assert (up(series, target="bad"), up(series, target="good")) == (0, 1)

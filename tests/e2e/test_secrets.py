"""No secret shows anywhere: logs at debug level, answers, pages, metrics, and what the commands print."""

import json
import signal
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import escape

import bcrypt
import pytest

from tests.e2e import sorts
from tests.e2e.aws import Aws
from tests.e2e.conftest import Run
from tests.e2e.http import ask
from tests.e2e.process import KEY_ID, SECRET_KEY, SESSION_TOKEN, Process, free_port, until
from tests.faults.wire import Exchange, Wire, unplugged

EXTERNAL_ID = "hush-external-id"
OTHER_EXTERNAL_ID = "555000111"
PASSWORD = "hush-password"
GUESS = "hush-guess"
PLAIN_IN_PLACE_OF_A_HASH = "hush-not-a-hash"
URL_PASSWORD = "hush-in-the-url"
CONFIG = f"""\
targets:
  - name: assumed
    regions: [eu-west-1]
    role_arn: arn:aws:iam::123456789012:role/reader
    external_id: {EXTERNAL_ID}
  - name: refused
    regions: [us-east-1]
    role_arn: arn:aws:iam::210987654321:role/reader
    external_id: {EXTERNAL_ID}-too
    endpoint_url: http://127.0.0.1:%d
collectors: [backup_jobs, vaults]
api: {{connect_timeout: 1s, read_timeout: 1s}}
"""
BAD_CONFIGS = {
    "an external id that is a number": f"targets: [{{name: a, external_id: {OTHER_EXTERNAL_ID}}}]",
    "an external id without a role": f"targets: [{{name: a, external_id: {EXTERNAL_ID}}}]",
    "an external id under a wrong key": f"targets: [{{name: a, external-id: {EXTERNAL_ID}}}]",
    "an external id of member accounts that is a number": (
        f"targets: [{{name: a, organization: {{members: {{external_id: {OTHER_EXTERNAL_ID}}}}}}}]"
    ),
    "a password in a URL": f"targets: [{{name: a, endpoint_url: 'http://me:{URL_PASSWORD}@localhost'}}]",
}
BAD_WEB_CONFIGS = {
    "a password in place of its hash": f"basic_auth_users: {{prometheus: {PLAIN_IN_PLACE_OF_A_HASH}}}",
    "a hash under a wrong key": "basic_auth_user: {prometheus: %s}",
    "a hash in a list": "basic_auth_users: [%s]",
}


@dataclass(frozen=True)
class Stage:
    """The files, and how to start a command on them."""

    config: Path
    web_config: Path
    hashed: str
    run: Callable[..., Process]

    @property
    def secrets(self) -> list[str]:
        """What must never be seen."""
        credentials = [b64encode(f"prometheus:{text}".encode()).decode() for text in (PASSWORD, GUESS)]
        return [
            *(EXTERNAL_ID, OTHER_EXTERNAL_ID, PASSWORD, GUESS, PLAIN_IN_PLACE_OF_A_HASH, URL_PASSWORD),
            *(SECRET_KEY, SESSION_TOKEN, self.hashed, *credentials),
        ]

    def spoilt(self) -> Iterator[tuple[Path, str]]:
        """Each file with each mistake that a secret is part of."""
        for text in BAD_CONFIGS.values():
            yield self.config, text
        for text in BAD_WEB_CONFIGS.values():
            yield self.web_config, text.replace("%s", f"'{self.hashed}'")

    def shown_in(self, text: str) -> list[str]:
        """The secrets that a text shows."""
        return [secret for secret in self.secrets if secret in text or json.dumps(secret)[1:-1] in text]


@pytest.fixture
def stage(tmp_path: Path, aws: Aws, run: Run) -> Stage:
    """Two targets with an external id each, one of which fails, and a user with a password."""
    aws.account.put(sorts.job("a"))
    config, web_config = tmp_path / "config.yaml", tmp_path / "web.yaml"
    config.write_text(CONFIG % free_port())
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    web_config.write_text(f"basic_auth_users: {{prometheus: '{hashed}'}}\n")

    def start(*arguments: str) -> Process:
        return run(
            *("--config.file", str(config), "--web.config.file", str(web_config), "--log.level", "debug"),
            *arguments,
            AWS_ENDPOINT_URL=aws.endpoint_url,
            AWS_SESSION_TOKEN=SESSION_TOKEN,
        )

    return Stage(config, web_config, hashed, start)


def authorization(password: str) -> dict[str, str]:
    """The header of a user with a password."""
    return {"Authorization": f"Basic {b64encode(f'prometheus:{password}'.encode()).decode()}"}


@pytest.mark.parametrize("log_format", ["logfmt", "json"])
def test_a_running_exporter_shows_no_secret(stage: Stage, log_format: str) -> None:
    """Every path, for friend and stranger, while one target fails, and the log of all that at debug level."""
    exporter = stage.run(
        *("--web.listen-address", "127.0.0.1:0", "--web.enable-lifecycle", "--log.format", log_format)
    )
    seen = []
    for path in ("/metrics", "/", "/config", "/targets", "/probe?target=assumed", "/-/healthy", "/nowhere"):
        for password in (PASSWORD, GUESS):
            answer = ask(exporter.address(), path, authorization(password))
            seen += [str(answer.headers), answer.text]
    for file, text in stage.spoilt():
        good = file.read_text()
        file.write_text(text)
        answer = ask(exporter.address(), "/-/reload", authorization(PASSWORD), method="POST")
        assert answer.status == 500
        seen += [answer.text, ask(exporter.address(), "/", authorization(PASSWORD)).text]
        file.write_text(good)
    exporter.signal(signal.SIGHUP)
    until(lambda: "Configuration reloaded" in exporter.err, or_say=lambda: exporter.err)
    assert stage.shown_in("\n".join([*seen, exporter.err, exporter.out])) == []
    assert "Refresh failed" in exporter.err  # so the log does tell of the target that fails


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--config.check"], 0), (["--once"], 1), (["doctor"], 1), (["doctor", "--json"], 1)],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_command_prints_no_secret(stage: Stage, arguments: list[str], code: int) -> None:
    """What a command prints, and its log at debug level, names the targets and no secret."""
    process = stage.run(*arguments)
    assert process.wait() == code
    assert "refused" in process.out
    assert stage.shown_in(process.out + process.err) == []


@pytest.mark.parametrize("text", BAD_CONFIGS.values(), ids=BAD_CONFIGS)
def test_a_bad_configuration_is_refused_without_its_secrets(stage: Stage, text: str) -> None:
    """What is wrong with a file is told without the value, where that may be a secret."""
    stage.config.write_text(text)
    process = stage.run("--config.check")
    assert process.wait() == 2
    assert stage.shown_in(process.out + process.err) == []


@pytest.mark.parametrize("text", BAD_WEB_CONFIGS.values(), ids=BAD_WEB_CONFIGS)
def test_a_bad_web_configuration_is_refused_without_its_secrets(stage: Stage, text: str) -> None:
    """A password or a hash that stands in the wrong place is not told either."""
    stage.web_config.write_text(text.replace("%s", f"'{stage.hashed}'"))
    process = stage.run("--config.check")
    assert process.wait() == 2
    assert stage.shown_in(process.out + process.err) == []


PROXY_PASSWORD = "12/hush-of-the-proxy"
WEB_TOKEN = "hush.of-the.cluster-web-identity-token"
PROFILE_ID = "hush external id of a profile"
CONTAINER_TOKEN = "Basic hush-container-token"
ROLE = "arn:aws:iam::123456789012:role/reader"
PROFILES = f"""\
[profile base]
aws_access_key_id = AKIAHUSHHUSHHUSHHUSH
aws_secret_access_key = hush/secret+of/a+profile
[profile role]
role_arn = {ROLE}
source_profile = base
external_id = {PROFILE_ID}
"""


def repeats(exchange: Exchange) -> None:
    """Refuse what is asked, and repeat all of it, as AWS does where a signature is wrong."""
    said = f"{exchange.path} {exchange.body.decode()} {exchange.headers} {EXTERNAL_ID}'"
    said += f" Value '{PROFILE_ID}' at 'externalId' failed, {SECRET_KEY} {quote(SESSION_TOKEN, safe='')}"
    if exchange.command == "POST":
        error = f"<Error><Code>ValidationError</Code><Message>{escape(said)}</Message></Error>"
        exchange.give(400, f"<ErrorResponse>{error}</ErrorResponse>", "text/xml")
    else:
        code = KEY_ID if "backup-vaults" in exchange.path else "SignatureDoesNotMatch"
        exchange.give(403, json.dumps({"message": said}), x_amzn_ErrorType=code)


KEYS = {"AWS_SESSION_TOKEN": SESSION_TOKEN}
NO_KEYS = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
WAYS_IN: dict[str, tuple[str, dict[str, str]]] = {
    "keys": ("targets: [{name: a}]", KEYS),
    "a token with a line break": ("targets: [{name: a}]", {"AWS_SESSION_TOKEN": f"{SESSION_TOKEN}\n"}),
    "a key with a line break": ("targets: [{name: a}]", {"AWS_ACCESS_KEY_ID": f"{KEY_ID}\n"}),
    "a role": (f"targets: [{{name: a, role_arn: '{ROLE}', external_id: {EXTERNAL_ID}}}]", KEYS),
    "a profile": ("targets: [{name: a, profile: role}]", {}),
    "web identity": (
        "targets: [{name: a}]",
        {"AWS_WEB_IDENTITY_TOKEN_FILE": "{dir}/web", "AWS_ROLE_ARN": ROLE} | NO_KEYS,
    ),
    "a container": (
        "targets: [{name: a}]",
        {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://{wire}/hush-path",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": CONTAINER_TOKEN,
        }
        | NO_KEYS,
    ),
    "a proxy": ("targets: [{name: a}]", {"HTTP_PROXY": f"http://localhost:{PROXY_PASSWORD}@127.0.0.1:3128"}),
    "a proxy that answers": ("targets: [{name: a}]", {"HTTP_PROXY": "http://me:hush-of-the-proxy@{wire}"}),
    "an endpoint": ("targets: [{name: a}]", {"AWS_ENDPOINT_URL": "http://me:hush-in-the-url@{wire}"}),
}


@pytest.fixture
def wire(aws: Aws) -> Iterator[Wire]:
    """An AWS that refuses everything, and repeats all that it was sent."""
    with unplugged(aws.endpoint_url) as laid:
        laid.breakage = repeats
        laid.plug_in()
        yield laid


Enter = Callable[..., Process]


@pytest.fixture
def enter(tmp_path: Path, wire: Wire, run: Run) -> Enter:
    """Runs a command with one of the ways in."""
    (tmp_path / "web").write_text(f"{WEB_TOKEN}\n")
    (tmp_path / "aws-config").write_text(PROFILES)

    def start(way: str, *arguments: str) -> Process:
        config, variables = WAYS_IN[way]
        (tmp_path / "config.yaml").write_text(f"{config}\ncollectors: [backup_jobs, vaults]\n")
        usual = {
            "AWS_ENDPOINT_URL": wire.endpoint_url,
            "AWS_CONFIG_FILE": str(tmp_path / "aws-config"),
        }
        address = wire.endpoint_url.removeprefix("http://")
        made = {
            name: value.replace("{wire}", address).replace("{dir}", str(tmp_path))
            for name, value in (usual | variables).items()
        }
        return run("--config.file", str(tmp_path / "config.yaml"), *arguments, **made)

    return start


SECRETS = [
    *(SESSION_TOKEN, SESSION_TOKEN.rstrip("="), SECRET_KEY, KEY_ID, EXTERNAL_ID, PROFILE_ID, WEB_TOKEN),
    *(CONTAINER_TOKEN, PROXY_PASSWORD, "hush"),
]


def shown_in(text: str) -> list[str]:
    """The secrets that a text shows, as they are or as a URL has them."""
    return [one for one in SECRETS if one in text or quote(one, safe="") in text or quote(one) in text]


@pytest.mark.parametrize("way", WAYS_IN)
@pytest.mark.parametrize("log_format", ["logfmt", "json"])
def test_an_aws_that_repeats_what_it_was_sent(enter: Enter, way: str, log_format: str) -> None:
    """However the exporter finds its credentials: what AWS and proxies repeat of them is shown nowhere."""
    arguments = ("--web.listen-address", "127.0.0.1:0", "--log.level", "debug", "--log.format", log_format)
    exporter = enter(way, *arguments)
    address = exporter.address()
    seen = [ask(address, path).text for path in ("/metrics", "/", "/config", "/targets", "/probe?target=a")]
    until(lambda: exporter.err.count("Refresh failed") >= 1, or_say=lambda: exporter.err)
    seen += [ask(address, path).text for path in ("/metrics", "/")]
    assert shown_in("\n".join([*seen, exporter.err, exporter.out])) == []
    assert "Traceback" not in exporter.err
    assert "remedy=" in exporter.err or '"remedy"' in exporter.err


@pytest.mark.parametrize("way", WAYS_IN)
@pytest.mark.parametrize("command", ["--once", "doctor", "doctor --json"])
def test_a_command_to_an_aws_that_repeats(enter: Enter, way: str, command: str) -> None:
    """Neither does a command show any of it."""
    process = enter(way, *command.split())
    assert process.wait() == 1
    assert shown_in(process.out + process.err) == []
    assert "Traceback" not in process.err


def test_a_status_message_that_repeats_a_secret(aws: Aws, run: Run) -> None:
    """What is secret is masked in a job's message too, also where it is cut off there."""
    token = f"{SESSION_TOKEN}, " * 3 + "x" * 100
    message = f"{token[: 200 - len(SESSION_TOKEN) + 4]}{SESSION_TOKEN}"
    aws.account.put(sorts.job("a", "FAILED", StatusMessage=message))
    process = run("--once", AWS_ENDPOINT_URL=aws.endpoint_url, AWS_SESSION_TOKEN=SESSION_TOKEN)
    assert process.wait() == 0
    assert 'status_message="***, ***' in process.out
    assert SESSION_TOKEN[:10] not in process.out

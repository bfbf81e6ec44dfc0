"""A real Prometheus scrapes over TLS, with a password and with a certificate; who lacks them is refused."""

import json
import ssl
import warnings
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from tests.e2e import sorts
from tests.e2e.aws import simulated_aws
from tests.e2e.http import Answer, ask
from tests.e2e.process import PATIENCE, Process, environment, exporter_command, until
from tests.e2e.prometheus import Prometheus, serving
from tests.support.programs import require
from tests.web.certificates import PASSED, Authority, Pem

HOST = "127.0.0.1"
PASSWORD = "correct horse battery staple"
TAKEN_UP = 30.0  # seconds; Prometheus takes up discovered targets every five
CONFIG = """\
targets:
  - {name: production, regions: [eu-west-1]}
  - {name: staging, regions: [us-east-1]}
collectors: [backup_jobs]
api: {idle_refresh: 0s}
"""


@dataclass(frozen=True)
class Scene:
    """An exporter that asks for a password, one that asks for a certificate, and a Prometheus at both."""

    authority: Authority
    by_password: str
    by_certificate: str
    prometheus: Prometheus


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Prometheus has scraped every job at least once when this is given."""
    program = require("prometheus")
    directory = tmp_path_factory.mktemp("secure")
    authority = Authority()
    (directory / "ca.crt").write_text(authority.certificate)
    authority.issue(HOST).write(directory, "exporter")
    authority.issue("prometheus.example.com").write(directory, "prometheus")
    tls = {"cert_file": "exporter.crt", "key_file": "exporter.key"}
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(6)).decode()
    asks_password = {"tls_server_config": tls, "basic_auth_users": {"prometheus": hashed}}
    asks_certificate = {
        "tls_server_config": {
            **tls,
            "client_auth_type": "RequireAndVerifyClientCert",
            "client_ca_file": "ca.crt",
        }
    }
    (directory / "config.yaml").write_text(CONFIG)
    with ExitStack() as stack:
        aws = stack.enter_context(simulated_aws())
        aws.account.put(sorts.job("a"))

        def start(name: str, web: dict[str, Any]) -> str:
            file = directory / f"{name}.yaml"
            file.write_text(json.dumps(web))
            arguments = ("--config.file", str(directory / "config.yaml"), "--web.config.file", str(file))
            process = Process(
                exporter_command("--web.listen-address", f"{HOST}:0", *arguments),
                environment(directory, AWS_ENDPOINT_URL_BACKUP=aws.endpoint_url),
                directory / name,
            )
            stack.callback(process.kill)
            return process.address()

        by_password, by_certificate = start("password", asks_password), start("certificate", asks_certificate)
        config = scrape_config(directory, by_password, by_certificate)
        address = stack.enter_context(serving(program, directory / "prometheus", config))
        watching = Prometheus(address)
        for job in ("password", "certificate", "discovered", "wrong-password", "no-certificate"):
            until(partial(watching.query, f'up{{job="{job}"}}'), TAKEN_UP, or_say=watching.errors)
        yield Scene(authority, by_password, by_certificate, watching)


def scrape_config(directory: Path, by_password: str, by_certificate: str) -> dict[str, Any]:
    """What a user would write: each way in, and two that must fail."""
    trusting = {"ca_file": str(directory / "ca.crt")}
    shown = {"cert_file": str(directory / "prometheus.crt"), "key_file": str(directory / "prometheus.key")}
    user = {"basic_auth": {"username": "prometheus", "password": PASSWORD}}
    found = {"url": f"https://{by_password}/targets", "tls_config": trusting, **user}
    secure = {"scheme": "https", "tls_config": trusting}
    jobs = {
        "password": {**secure, **user, "static_configs": [{"targets": [by_password]}]},
        "certificate": {
            "scheme": "https",
            "tls_config": {**trusting, **shown},
            "static_configs": [{"targets": [by_certificate]}],
        },
        "discovered": {"tls_config": trusting, **user, "http_sd_configs": [found]},
        "wrong-password": {
            **secure,
            "basic_auth": {"username": "prometheus", "password": "guess"},
            "static_configs": [{"targets": [by_password]}],
        },
        "no-certificate": {**secure, "static_configs": [{"targets": [by_certificate]}]},
    }
    return {
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [{"job_name": name, **job} for name, job in jobs.items()],
    }


@pytest.mark.parametrize("job", ["password", "certificate"])
def test_prometheus_scrapes_over_tls(scene: Scene, job: str) -> None:
    """With the password, or the certificate, that is asked for, Prometheus has the series."""
    until(lambda: scene.prometheus.query(f'aws_backup_job_state{{job="{job}",job_id="a"}}'))
    assert scene.prometheus.query(f'up{{job="{job}"}} == 1'), scene.prometheus.errors()


def test_prometheus_discovers_every_target_over_tls(scene: Scene) -> None:
    """http_sd_configs leads Prometheus to each target and Region, each with an `up` of its own."""
    until(lambda: len(scene.prometheus.query('up{job="discovered"} == 1')) == 2, TAKEN_UP)
    found = scene.prometheus.query('up{job="discovered"} == 1')
    assert {series["metric"]["instance"] for series in found} == {"production/eu-west-1", "staging/us-east-1"}
    [state] = until(lambda: scene.prometheus.query('aws_backup_job_state{job="discovered",job_id="a"}'))
    assert state["metric"]["instance"] == "production/eu-west-1"


@pytest.mark.parametrize(
    ("job", "told"), [("wrong-password", "401"), ("no-certificate", "certificate required")]
)
def test_prometheus_is_refused(scene: Scene, job: str, told: str) -> None:
    """With a wrong password, or without a certificate, Prometheus gets nothing, and knows why."""
    assert scene.prometheus.query(f'up{{job="{job}"}} == 0')
    assert told in scene.prometheus.errors()[job]


def knock(scene: Scene, path: str, user: str, password: str) -> Answer:
    """Ask the exporter that wants a password."""
    credentials = b64encode(f"{user}:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}"}
    return ask(scene.by_password, path, headers, tls=scene.authority.client_context())


@pytest.mark.parametrize(
    "path",
    ["/", "/metrics", "/probe", "/targets", "/config", "/-/healthy", "/-/ready", "/-/reload", "/nowhere"],
)
def test_every_path_asks_for_the_password(scene: Scene, path: str) -> None:
    """Without a password no path tells anything, not even whether it exists."""
    answer = ask(scene.by_password, path, tls=scene.authority.client_context())
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert knock(scene, path, "prometheus", PASSWORD).status != 401


@pytest.mark.parametrize(
    ("user", "password"), [("prometheus", "guess"), ("nobody", PASSWORD), ("", ""), ("prometheus", "")]
)
def test_a_wrong_user_or_password_is_refused(scene: Scene, user: str, password: str) -> None:
    """Neither the name nor the password alone lets anyone in."""
    assert knock(scene, "/metrics", user, password).status == 401


def showing(authority: Authority, pem: Pem, directory: Path) -> ssl.SSLContext:
    """Make a client that trusts an authority and shows a certificate."""
    pem.write(directory, "client")
    context = authority.client_context()
    context.load_cert_chain(str(directory / "client.crt"), str(directory / "client.key"))
    return context


def test_a_good_client_certificate_is_let_in(scene: Scene, tmp_path: Path) -> None:
    """A certificate of the right authority opens the door."""
    client = showing(scene.authority, scene.authority.issue("good.example.com"), tmp_path)
    assert ask(scene.by_certificate, "/-/healthy", tls=client).status == 200


def test_an_expired_client_certificate_is_refused(scene: Scene, tmp_path: Path) -> None:
    """A certificate that was good once opens nothing, and the client is told why."""
    expired = scene.authority.issue("old.example.com", not_after=PASSED + timedelta(days=1))
    with pytest.raises(ssl.SSLError, match="certificate expired"):
        ask(scene.by_certificate, "/-/healthy", tls=showing(scene.authority, expired, tmp_path))


def test_a_stranger_s_certificate_is_refused(scene: Scene, tmp_path: Path) -> None:
    """A certificate from another authority opens nothing, and the client is told why."""
    stranger = Authority().issue("prometheus.example.com")
    with pytest.raises(ssl.SSLError, match="unknown ca"):
        ask(scene.by_certificate, "/-/healthy", tls=showing(scene.authority, stranger, tmp_path))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1])
def test_old_tls_is_refused(scene: Scene, version: ssl.TLSVersion) -> None:
    """The exporter itself ends a handshake below TLS 1.2."""
    client = scene.authority.client_context()
    client.set_ciphers("ALL:@SECLEVEL=0")  # else the client's OpenSSL would not even ask
    with warnings.catch_warnings():  # of TLS 1.1 being old
        warnings.simplefilter("ignore", DeprecationWarning)
        client.minimum_version = client.maximum_version = version
    with pytest.raises(ssl.SSLError, match="alert protocol version"):
        ask(scene.by_password, "/-/healthy", tls=client, within=PATIENCE)


def test_plain_http_is_told_what_is_wrong(scene: Scene) -> None:
    """Whoever forgets the s of https reads so."""
    answer = ask(scene.by_password, "/metrics")
    assert answer.status == 400
    assert "HTTPS" in answer.text

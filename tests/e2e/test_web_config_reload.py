"""The web configuration while the exporter runs: renewed certificates, changed passwords, mistakes."""

import json
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import bcrypt
import pytest

from tests.e2e.conftest import Run
from tests.e2e.http import Answer, ask
from tests.e2e.process import Process, until
from tests.web.certificates import Authority

HOST = "127.0.0.1"
TLS = {"cert_file": "server.crt", "key_file": "server.key"}

Ask = Callable[..., Answer]


@pytest.fixture
def authority() -> Authority:
    """Whom the clients trust."""
    return Authority()


@pytest.fixture
def web_config(tmp_path: Path, authority: Authority) -> Path:
    """A web configuration that asks for TLS alone."""
    authority.issue(HOST).write(tmp_path)
    path = tmp_path / "web.yaml"
    path.write_text(json.dumps({"tls_server_config": TLS}))
    return path


@pytest.fixture
def exporter(listen: Run, web_config: Path) -> Process:
    """An exporter that speaks TLS and may be told to reload."""
    exporter = listen("--web.config.file", str(web_config), "--web.enable-lifecycle")
    assert exporter.address()  # it has read the files by then
    return exporter


def certificate_of(exporter: Process) -> str:
    """The certificate that the exporter shows to a new client."""
    host, _, port = exporter.address().rpartition(":")
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((host, int(port))) as plain, client.wrap_socket(plain) as encrypted:
        return ssl.DER_cert_to_PEM_cert(encrypted.getpeercert(binary_form=True) or b"")


def test_a_renewed_certificate_is_taken_up(exporter: Process, authority: Authority, tmp_path: Path) -> None:
    """A certificate and key that replace the old ones on disk are shown to new clients, unasked."""
    assert certificate_of(exporter)
    renewed = authority.issue(HOST)
    renewed.write(tmp_path)
    until(lambda: certificate_of(exporter) in renewed.certificate, or_say=lambda: exporter.err)


def test_a_half_renewed_certificate_closes_no_door(
    exporter: Process, authority: Authority, tmp_path: Path
) -> None:
    """While the key on disk does not fit the certificate, the exporter shows the one from before."""
    before = certificate_of(exporter)
    renewed = authority.issue(HOST)
    (tmp_path / "server.crt").write_text(renewed.certificate)
    until(lambda: certificate_of(exporter) and "Web configuration reload failed" in exporter.err)
    assert certificate_of(exporter) == before
    renewed.write(tmp_path)
    until(lambda: certificate_of(exporter) in renewed.certificate, or_say=lambda: exporter.err)


def test_a_missing_certificate_refuses_the_reload(
    exporter: Process, authority: Authority, web_config: Path
) -> None:
    """A reload that finds no certificate fails aloud, in the answer, the log and the metric; TLS goes on."""
    client = authority.client_context()
    web_config.write_text(json.dumps({"tls_server_config": TLS | {"cert_file": "gone.crt"}}))
    answer = ask(exporter.address(), "/-/reload", method="POST", tls=client)
    assert answer.status == 500
    assert "gone.crt" in answer.text
    assert "gone.crt" in exporter.err
    metrics = ask(exporter.address(), "/metrics", tls=client)
    assert metrics.status == 200
    assert "config_last_reload_successful 0" in metrics.text


def test_a_user_who_is_removed_stays_outside(
    exporter: Process, authority: Authority, web_config: Path
) -> None:
    """Users that are added are let in, and one that is removed no longer, though the password was cached."""
    client = authority.client_context()

    def status(user: str) -> int:
        credentials = b64encode(f"{user}:{user}".encode()).decode()
        headers = {"Authorization": f"Basic {credentials}"}
        return ask(exporter.address(), "/-/healthy", headers, tls=client).status

    def allow(*users: str) -> None:
        hashes = {user: bcrypt.hashpw(user.encode(), bcrypt.gensalt(4)).decode() for user in users}
        web_config.write_text(json.dumps({"tls_server_config": TLS, "basic_auth_users": hashes}))

    assert status("alice") == 200
    allow("alice")
    until(lambda: status("bob") == 401)
    assert status("alice") == 200
    allow("bob")
    until(lambda: status("alice") == 401)
    assert status("bob") == 200

"""What the settings make of a connection: both ends of real handshakes, each in a thread of this process."""

import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from exporter.config.web import load_web_config
from exporter.web.access.tls import make_context, names_in
from tests.web.certificates import SERVER_NAME, Authority, Write, authority, beside_certificates, rsa_pem

PATIENCE = 20  # seconds


@dataclass(frozen=True)
class Met:
    """What the two ends of a connection agreed on, and what the server knows of the client."""

    version: str | None
    suite: str
    protocol: str | None
    client_certificate: Mapping[str, Any] | None


def meet(server: ssl.SSLContext, client: ssl.SSLContext) -> Met:
    """Let a client connect and read a greeting; raises ssl.SSLError when the server turns it away."""
    with _ends() as (near, far), ThreadPoolExecutor(1) as background:
        answering = background.submit(_answer, server, far)
        try:
            with client.wrap_socket(near, server_hostname=SERVER_NAME) as connection:
                assert connection.recv(5) == b"hello"
        except (ssl.SSLError, OSError, AssertionError) as seen_by_client:
            answering.result(PATIENCE)
            raise seen_by_client
        return answering.result(PATIENCE)


@contextmanager
def _ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    near, far = socket.socketpair()
    with near, far:
        near.settimeout(PATIENCE)
        far.settimeout(PATIENCE)
        yield near, far


def _answer(context: ssl.SSLContext, end: socket.socket) -> Met:
    with context.wrap_socket(end, server_side=True) as connection:
        connection.sendall(b"hello")
        cipher = connection.cipher()
        assert cipher is not None
        return Met(
            connection.version(), cipher[0], connection.selected_alpn_protocol(), connection.getpeercert()
        )


Server = Callable[[str], ssl.SSLContext]


@pytest.fixture
def server(tmp_path: Path) -> Server:
    """What makes a server of TLS settings, given as YAML beside certificate and key."""
    write: Write = beside_certificates(tmp_path)

    def make(settings: str) -> ssl.SSLContext:
        path = write(f"tls_server_config: {{cert_file: server.crt, key_file: server.key, {settings}}}")
        tls = load_web_config(path).tls
        assert tls is not None
        return make_context(tls)

    return make


def client(*names: str, **settings: Any) -> ssl.SSLContext:
    """Make a client that trusts the server; names are those in its own certificate."""
    context = authority().client_context(*names)
    for name, value in settings.items():
        setattr(context, name, value)
    return context


def test_without_further_settings(server: Server) -> None:
    """A server with a certificate and no more speaks TLS 1.3 and HTTP/1.1, and asks for no certificate."""
    asking = client()
    asking.set_alpn_protocols(["h2", "http/1.1"])
    met = meet(server(""), asking)
    assert (met.version, met.protocol, met.client_certificate) == ("TLSv1.3", "http/1.1", None)


def test_a_client_that_speaks_http2_alone(server: Server) -> None:
    """No protocol is agreed on with a client that names but h2; the handshake does not fail over it."""
    asking = client()
    asking.set_alpn_protocols(["h2"])
    assert meet(server("max_version: TLS13"), asking).protocol is None


def test_tls_1_2_is_spoken(server: Server) -> None:
    """A client with TLS 1.2 and no more comes in, unless min_version rules it out."""
    older = client(maximum_version=ssl.TLSVersion.TLSv1_2)
    assert meet(server(""), older).version == "TLSv1.2"
    with pytest.raises(ssl.SSLError):
        meet(server("min_version: TLS13"), older)


def test_max_version(server: Server) -> None:
    """With max_version TLS12, nobody speaks anything newer."""
    assert meet(server("max_version: TLS12"), client()).version == "TLSv1.2"
    with pytest.raises(ssl.SSLError):
        meet(server("max_version: TLS12"), client(minimum_version=ssl.TLSVersion.TLSv1_3))


AES128, AES256 = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"


@pytest.mark.parametrize(
    ("preferring", "chosen"),
    [("true", "ECDHE-ECDSA-AES128-GCM-SHA256"), ("false", "ECDHE-ECDSA-AES256-GCM-SHA384")],
)
def test_whose_order_of_suites_counts(server: Server, preferring: str, chosen: str) -> None:
    """The server's order of suites goes first, or the client's where prefer_server_cipher_suites is false."""
    older = client(maximum_version=ssl.TLSVersion.TLSv1_2)
    older.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256")
    settings = f"cipher_suites: [{AES128}, {AES256}], prefer_server_cipher_suites: {preferring}"
    assert meet(server(settings), older).suite == chosen


def test_other_suites_are_not_offered(server: Server) -> None:
    """A client with TLS 1.2 and none of the suites stays out; one with TLS 1.3 comes in."""
    chosen = server(f"cipher_suites: [{AES128}]")
    older = client(maximum_version=ssl.TLSVersion.TLSv1_2)
    older.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384")
    with pytest.raises(ssl.SSLError):
        meet(chosen, older)
    assert meet(chosen, client()).version == "TLSv1.3"


def test_suites_of_tls_1_3_alone(server: Server) -> None:
    """Where only suites of TLS 1.3 are named, nothing older is spoken."""
    newest = server("cipher_suites: [TLS_AES_128_GCM_SHA256]")
    assert meet(newest, client()).version == "TLSv1.3"
    with pytest.raises(ssl.SSLError):
        meet(newest, client(maximum_version=ssl.TLSVersion.TLSv1_2))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    ("curve", "name", "other"),
    [
        ("X25519", "X25519", "prime256v1"),
        ("CurveP256", "prime256v1", "secp384r1"),
        ("CurveP384", "secp384r1", "secp521r1"),
        ("CurveP521", "secp521r1", "X25519"),
    ],
)
def test_the_curve(
    server: Server, tmp_path: Path, version: ssl.TLSVersion, curve: str, name: str, other: str
) -> None:
    """A curve is the only one: a client with another one stays out."""
    rsa_pem().write(tmp_path)
    context = server(f"curve_preferences: [{curve}]")
    knowing = client(minimum_version=version, maximum_version=version)
    knowing.set_ecdh_curve(name)
    meet(context, knowing)
    knowing.set_ecdh_curve(other)
    with pytest.raises(ssl.SSLError):
        meet(context, knowing)


REQUIRED = "client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.crt"
IF_GIVEN = "client_auth_type: VerifyClientCertIfGiven, client_ca_file: ca.crt"


def test_a_certificate_is_required(server: Server) -> None:
    """With RequireAndVerifyClientCert only a client with a certificate of the authority comes in."""
    context = server(REQUIRED)
    met = meet(context, client("prometheus.example.com"))
    assert met.client_certificate is not None
    assert names_in(met.client_certificate) == {"prometheus.example.com"}
    with pytest.raises(ssl.SSLError, match="PEER_DID_NOT_RETURN_A_CERTIFICATE"):
        meet(context, client())


def test_a_certificate_is_verified_if_given(server: Server) -> None:
    """With VerifyClientCertIfGiven nobody needs a certificate, and a stranger's is refused."""
    context = server(IF_GIVEN)
    assert meet(context, client()).client_certificate is None
    assert meet(context, client("a.example.com")).client_certificate
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        meet(context, stranger())


def test_a_certificate_of_another_authority(server: Server) -> None:
    """With RequireAndVerifyClientCert, a certificate that another authority signed does not help."""
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        meet(server(REQUIRED), stranger())


def test_without_an_authority(server: Server) -> None:
    """Without client_ca_file the system's authorities count, and they do not know a certificate made here."""
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        meet(server("client_auth_type: RequireAndVerifyClientCert"), client("prometheus.example.com"))


def test_a_certificate_vouches_for_itself(server: Server, tmp_path: Path) -> None:
    """As in Go, what client_ca_file holds is trusted, be it a root or a client's own certificate."""
    own = authority().issue("prometheus.example.com")
    own.write(tmp_path, "client")
    showing = client()
    showing.load_cert_chain(tmp_path / "client.crt", tmp_path / "client.key")
    context = server("client_auth_type: RequireAndVerifyClientCert, client_ca_file: client.crt")
    assert meet(context, showing).client_certificate
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        meet(context, client("prometheus.example.com"))


def stranger() -> ssl.SSLContext:
    """Make a client that trusts the server and shows a certificate of an authority that nobody knows."""
    context = client()
    Authority().made.issue_cert("prometheus.example.com").configure_cert(context)
    return context


def test_the_names_in_a_certificate(server: Server) -> None:
    """Names of every kind are told, addresses the way Go writes them."""
    met = meet(server(REQUIRED), client("a.example.com", "192.0.2.1", "2001:db8::1", "ops@example.com"))
    assert met.client_certificate is not None
    assert names_in(met.client_certificate) == {
        "a.example.com",
        "192.0.2.1",
        "2001:db8::1",
        "ops@example.com",
    }


def test_names_that_no_authority_here_signs() -> None:
    """A URI is a name; a directory name is none, nor an address that is broken."""
    certificate = {
        "subject": ((("commonName", "b"),),),
        "subjectAltName": (
            ("URI", "spiffe://a/b"),
            ("DirName", ((("commonName", "c"),),)),
            ("IP Address", "<invalid>"),
        ),
    }
    assert names_in(certificate) == {"spiffe://a/b"}
    assert names_in({}) == frozenset()

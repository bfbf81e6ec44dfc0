"""Certificates and keys in files, made for the tests: nothing secret lies in the repository."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

PASSED = datetime(2001, 1, 1, tzinfo=UTC)
SERVER_NAME = "exporter.example.com"


@dataclass(frozen=True)
class Pem:
    """A certificate with its chain, and its key, as PEM text."""

    certificate: str
    key: str

    def write(self, folder: Path, name: str = "server") -> None:
        """Write NAME.crt and NAME.key."""
        (folder / f"{name}.crt").write_text(self.certificate)
        (folder / f"{name}.key").write_text(self.key)


class Authority:
    """A certificate authority, and what it signs."""

    def __init__(self) -> None:
        self.made = trustme.CA()
        self.certificate = self.made.cert_pem.bytes().decode()

    def issue(
        self,
        *names: str,
        not_after: datetime | None = None,
        rsa: bool = False,
    ) -> Pem:
        """Make a certificate for these names."""
        key_type = trustme.KeyType.RSA if rsa else trustme.KeyType.ECDSA
        leaf = self.made.issue_cert(
            *(names or (SERVER_NAME,)), not_before=PASSED, not_after=not_after, key_type=key_type
        )
        chain = "".join(pem.bytes().decode() for pem in leaf.cert_chain_pems)
        return Pem(chain, leaf.private_key_pem.bytes().decode())

    def client_context(self, *names: str) -> ssl.SSLContext:
        """Make a client that trusts what the authority signs; with names it shows a certificate for them."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self.certificate)
        if names:
            self.made.issue_cert(*names).configure_cert(context)
        return context


@cache
def authority() -> Authority:
    """Give the authority that all tests trust: making one takes a while."""
    return Authority()


@cache
def server_pem() -> Pem:
    """Give the certificate of a server that all tests know."""
    return authority().issue()


@cache
def rsa_pem() -> Pem:
    """Give a server's certificate with an RSA key, which takes a while to make."""
    return authority().issue(rsa=True)


def encrypted(key: str, form: PrivateFormat = PrivateFormat.PKCS8) -> str:
    """Put a passphrase on a key."""
    loaded = load_pem_private_key(key.encode(), password=None)
    secured = BestAvailableEncryption(b"a passphrase")
    return loaded.private_bytes(Encoding.PEM, form, secured).decode()


def odd_pem(*, bits: int = 2048, purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH) -> Pem:
    """Make a certificate that signs itself, with an RSA key, expired long ago."""
    key = generate_private_key(public_exponent=65537, key_size=bits)
    name = x509.Name([])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(PASSED)
        .not_valid_after(PASSED.replace(year=2002))
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=True)
        .sign(key, SHA256())
    )
    text = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return Pem(certificate.public_bytes(Encoding.PEM).decode(), text.decode())


Write = Callable[[str], Path]
"""Writes a file beside the certificates: a web configuration."""


def beside_certificates(folder: Path) -> Write:
    """Put a server's certificate, its key and the authority into a folder; returns what writes web.yml."""
    server_pem().write(folder)
    (folder / "ca.crt").write_text(authority().certificate)

    def write(text: str) -> Path:
        path = folder / "web.yml"
        path.write_text(text)
        return path

    return write

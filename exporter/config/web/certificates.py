"""Validates certificates and keys in PEM format, and reads the expiry time of a certificate."""

import os
import re
import ssl
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_KEY = re.compile(r"-----BEGIN ([A-Z ]+ )?PRIVATE KEY-----.+?-----END ([A-Z ]+ )?PRIVATE KEY-----", re.DOTALL)
_NO_CHECK_TIME = 0x200000  # OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which Python does not define
_KEY_MISMATCH = "the key does not match the certificate; use the key that the certificate was issued for"
_ERROR_MESSAGES = {
    "KEY_VALUES_MISMATCH": _KEY_MISMATCH,
    "KEY_TYPE_MISMATCH": _KEY_MISMATCH,
    "NO_CERTIFICATE_ASSIGNED": _KEY_MISMATCH,  # a key of another kind
    "EE_KEY_TOO_SMALL": "the key is too short; create a key of at least 2048 bits and a new certificate",
}


def check_certificates(pem: str) -> None:
    """Raise ValueError, with a remedy, unless the text contains only valid certificates."""
    blocks = _CERTIFICATE.findall(pem)
    if not blocks:
        if _KEY.search(pem):
            raise ValueError(
                "contains a key but no certificate; check that certificate and key are not swapped"
            )
        raise ValueError("contains no certificate; expected PEM with -----BEGIN CERTIFICATE-----")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata="\n".join(blocks))
    except (ssl.SSLError, ValueError):
        raise ValueError("contains an invalid certificate; check that it is complete") from None


def check_key(pem: str) -> None:
    """Raise ValueError, with a remedy, unless the text contains a private key."""
    if _KEY.search(pem):
        return
    if _CERTIFICATE.search(pem):
        raise ValueError("contains a certificate but no key; check that certificate and key are not swapped")
    raise ValueError("contains no private key; expected PEM with -----BEGIN PRIVATE KEY-----")


def check_pair(certificate: str, key: str) -> None:
    """Raise ValueError, with a remedy, unless the key belongs to the certificate."""
    try:
        load_pair(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), certificate, key)
    except ssl.SSLError as error:
        reason = error.reason or "PEM lib"
        message = _ERROR_MESSAGES.get(reason)
        raise ValueError(
            message or f"OpenSSL cannot use this key: {reason}; check that it is complete"
        ) from None


def load_pair(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Load a certificate, its chain and its key into an SSL context.

    Raises:
        ssl.SSLError: the key does not belong to the certificate.
        ValueError: the key is encrypted with a passphrase.
    """
    with _as_file(certificate) as certificate_file, _as_file(key) as key_file:
        context.load_cert_chain(certificate_file, key_file, password=_no_passphrase)


def _no_passphrase() -> str:
    remedy = "decrypt it with: openssl pkey -in OLD -out NEW"
    raise ValueError(f"the key is encrypted with a passphrase, which is not supported; {remedy}")


def trust(context: ssl.SSLContext, certificates: str) -> None:
    """Add trusted certificates to an SSL context, whether or not they are root certificates."""
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata="\n".join(_CERTIFICATE.findall(certificates)))


def expiry(certificate: str, key: str) -> float | None:
    """Return when a certificate expires, in seconds since 1970; None if that cannot be determined.

    Python exposes the dates of a certificate only to a client that verified it, so this performs a TLS
    handshake in memory.
    """
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    load_pair(server, certificate, key)
    client.check_hostname = False
    client.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)
    trust(client, certificate)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client_side = client.wrap_bio(to_client, to_server)
    server_side = server.wrap_bio(to_server, to_client, server_side=True)
    with suppress(ssl.SSLError, ValueError):  # not a server certificate; clients will report that
        for side in (client_side, server_side, client_side):
            with suppress(ssl.SSLWantReadError):
                side.do_handshake()
        return ssl.cert_time_to_seconds(str((client_side.getpeercert() or {}).get("notAfter")))
    return None


@contextmanager
def _as_file(pem: str) -> Iterator[str]:
    """Provide text as a file, which OpenSSL requires for keys; on Linux the file is only in memory."""
    if sys.platform == "linux":
        descriptor = os.memfd_create("pem")
        try:
            os.write(descriptor, pem.encode())
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
    else:
        with tempfile.NamedTemporaryFile() as file:
            file.write(pem.encode())
            file.flush()
            yield file.name

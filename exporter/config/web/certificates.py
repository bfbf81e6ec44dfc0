"""Certificates and keys as PEM text: whether they can be used, and until when."""

import os
import re
import ssl
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_KEY = re.compile(r"-----BEGIN ([A-Z ]+ )?PRIVATE KEY-----.+?-----END ([A-Z ]+ )?PRIVATE KEY-----", re.DOTALL)
_ANY_TIME = 0x200000  # OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which Python does not name
_NOT_ITS_KEY = "not the certificate's key; give the one that the certificate was made with"
_REFUSALS = {
    "KEY_VALUES_MISMATCH": _NOT_ITS_KEY,
    "KEY_TYPE_MISMATCH": _NOT_ITS_KEY,
    "NO_CERTIFICATE_ASSIGNED": _NOT_ITS_KEY,  # a key of another kind
    "EE_KEY_TOO_SMALL": "OpenSSL refuses so short a key; make one of 2048 bits or more, and its certificate",
}


def check_certificates(pem: str) -> None:
    """Raise ValueError, with what to do, unless the text holds certificates, all of them sound."""
    blocks = _CERTIFICATE.findall(pem)
    if not blocks:
        if _KEY.search(pem):
            raise ValueError("holds a key and no certificate; are certificate and key swapped?")
        raise ValueError("holds no certificate; expected PEM text, with -----BEGIN CERTIFICATE-----")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata="\n".join(blocks))
    except (ssl.SSLError, ValueError):
        raise ValueError("holds a broken certificate; is it complete?") from None


def check_key(pem: str) -> None:
    """Raise ValueError, with what to do, unless the text holds a private key."""
    if _KEY.search(pem):
        return
    if _CERTIFICATE.search(pem):
        raise ValueError("holds a certificate and no key; are certificate and key swapped?")
    raise ValueError("holds no private key; expected PEM text, with -----BEGIN PRIVATE KEY-----")


def check_pair(certificate: str, key: str) -> None:
    """Raise ValueError, with what to do, unless OpenSSL takes certificate and key as a pair."""
    try:
        load_pair(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), certificate, key)
    except ssl.SSLError as error:
        reason = error.reason or "PEM lib"
        refusal = _REFUSALS.get(reason)
        raise ValueError(refusal or f"OpenSSL cannot use this key: {reason}; is it complete?") from None


def load_pair(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Let a context answer with a certificate, its chain and its key.

    Raises:
        ssl.SSLError: OpenSSL takes them for no pair.
        ValueError: the key needs a passphrase.
    """
    with _as_file(certificate) as certificate_file, _as_file(key) as key_file:
        context.load_cert_chain(certificate_file, key_file, password=_no_passphrase)


def _no_passphrase() -> str:
    remedy = "decrypt it with: openssl pkey -in OLD -out NEW"
    raise ValueError(f"the key needs a passphrase, and nobody is there to type it; {remedy}")


def trust(context: ssl.SSLContext, certificates: str) -> None:
    """Let a context trust these certificates and what they sign, whether or not they are roots."""
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata="\n".join(_CERTIFICATE.findall(certificates)))


def expiry(certificate: str, key: str) -> float | None:
    """Tell when a certificate ends, in seconds since the epoch; None where OpenSSL does not say.

    Python shows the dates of a certificate only to a client who verified it, so one does, within the process.
    """
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    load_pair(server, certificate, key)
    client.check_hostname = False
    client.verify_flags |= ssl.VerifyFlags(_ANY_TIME)
    trust(client, certificate)
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    caller, answerer = client.wrap_bio(back, there), server.wrap_bio(there, back, server_side=True)
    with suppress(ssl.SSLError, ValueError):  # a certificate that is not for servers: clients' own business
        for side in (caller, answerer, caller):
            with suppress(ssl.SSLWantReadError):
                side.do_handshake()
        return ssl.cert_time_to_seconds(str((caller.getpeercert() or {}).get("notAfter")))
    return None


@contextmanager
def _as_file(pem: str) -> Iterator[str]:
    """Give text as a file: OpenSSL's way to a key, here without a disk where the system has one."""
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

"""TLS as the web configuration defines it: the SSL context, and the names in a client certificate."""

import ssl
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

from exporter.config.web import CURVES, SUITES, VERSIONS, TlsServer, load_pair, trust

_VERIFY = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_NAMES = ("DNS", "email", "URI")


def make_context(tls: TlsServer) -> ssl.SSLContext:
    """Create the SSL context for incoming connections.

    Raises:
        ssl.SSLError: OpenSSL rejects a combination of settings that are valid individually.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    load_pair(context, tls.certificate, tls.private_key)
    context.minimum_version, context.maximum_version = VERSIONS[tls.min_version], VERSIONS[tls.max_version]
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_RENEGOTIATION
    _choose_suites(context, tls)
    for curve in tls.curve_preferences:
        context.set_ecdh_curve(CURVES[curve])
    context.verify_mode = _VERIFY[tls.client_auth_type]
    if tls.client_authorities:
        trust(context, tls.client_authorities)
    elif context.verify_mode != ssl.CERT_NONE:
        context.load_default_certs(ssl.Purpose.CLIENT_AUTH)
    return context


def _choose_suites(context: ssl.SSLContext, tls: TlsServer) -> None:
    tls12_suites = [SUITES[suite] for suite in tls.cipher_suites if suite in SUITES]
    if tls12_suites:
        context.set_ciphers(":".join(tls12_suites))
    elif tls.cipher_suites:
        context.minimum_version = ssl.TLSVersion.TLSv1_3  # all listed suites are for TLS 1.3
    if not tls.prefer_server_cipher_suites:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE


def names_in(certificate: Mapping[str, Any]) -> frozenset[str]:
    """Return the subject alternative names of a certificate in the format of `SSLSocket.getpeercert`."""
    names = set()
    for kind, name in certificate.get("subjectAltName", ()):
        if kind in _NAMES:
            names.add(name)
        elif kind == "IP Address":
            with suppress(ValueError):
                names.add(str(ip_address(name.strip())))
    return frozenset(names)

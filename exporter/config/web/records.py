"""The parts of a web configuration: frozen records, named as the format names them."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import Field, model_validator

from exporter.config.base import Record
from exporter.config.fields import FILLED, Broken, FrozenMapping
from exporter.config.web.certificates import check_pair
from exporter.config.web.values import (
    SUITES,
    VERIFYING,
    CertificateFile,
    Certificates,
    ClientAuth,
    Curves,
    Headers,
    Interval,
    Key,
    KeyFile,
    PemFile,
    Suite,
    Users,
    Version,
)


class _Lenient(Record):
    """A record whose keys may be there without a value, as the format has it: they are then left out."""

    @model_validator(mode="before")
    @classmethod
    def _leave_out_blanks(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        blank = {key for key, value in data.items() if value in (None, "") and key in cls.model_fields}
        return {key: value for key, value in data.items() if key not in blank}


class TlsServer(_Lenient):
    """Whether and how the exporter speaks TLS, and whose certificates it asks for."""

    cert_file: CertificateFile | None = Field(default=None, examples=["server.crt"])
    """The certificate, in PEM, and its chain."""

    key_file: KeyFile | None = Field(default=None, examples=["server.key"])
    """The certificate's private key, in PEM, without a passphrase."""

    cert: Certificates | None = None
    """The certificate itself, in place of `cert_file`."""

    key: Key | None = None
    """The key itself, in place of `key_file`. A secret: never shown."""

    client_auth_type: ClientAuth = Field(default="NoClientCert", examples=["RequireAndVerifyClientCert"])
    """Whether clients must show a certificate."""

    client_ca_file: CertificateFile | None = Field(default=None, examples=["ca.crt"])
    """The authorities that sign clients' certificates. Left out: those that the system trusts."""

    client_ca: Certificates | None = None
    """The authorities themselves, in place of `client_ca_file`."""

    client_allowed_sans: Annotated[tuple[str, ...], FILLED] | None = Field(
        default=None, examples=["[prometheus.example.com]"]
    )
    """Names of which a client's certificate must hold one: DNS, e-mail, IP address or URI."""

    min_version: Version = Field(default="TLS12", examples=["TLS12"])
    """The oldest version of TLS."""

    max_version: Version = Field(default="TLS13", examples=["TLS13"])
    """The newest version of TLS."""

    cipher_suites: tuple[Suite, ...] = Field(default=(), examples=["[TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]"])
    """The cipher suites of TLS 1.2. Empty: OpenSSL's own. Those of TLS 1.3 are always offered."""

    prefer_server_cipher_suites: bool = True
    """Whether the order of `cipher_suites` goes before the client's."""

    curve_preferences: Curves = Field(default=(), examples=["[X25519]"])
    """The curve of the key exchange. Empty: OpenSSL's own."""

    @property
    def certificate(self) -> str:
        """The certificate and its chain in PEM; empty without TLS."""
        return self.cert or (self.cert_file.pem.get_secret_value() if self.cert_file else "")

    @property
    def private_key(self) -> str:
        """The key in PEM, a secret; empty without TLS."""
        secret = self.key or (self.key_file.pem if self.key_file else None)
        return secret.get_secret_value() if secret else ""

    @property
    def client_authorities(self) -> str:
        """The authorities that sign clients' certificates, in PEM; empty: those that the system trusts."""
        return self.client_ca or (self.client_ca_file.pem.get_secret_value() if self.client_ca_file else "")

    @property
    def files(self) -> tuple[PemFile, ...]:
        """The files that were read."""
        return tuple(file for file in (self.cert_file, self.key_file, self.client_ca_file) if file)

    def broken_rules(self) -> Iterable[Broken]:
        """Certificate and key belong together, and what clients must show fits who is asked."""
        yield from self._twice()
        yield from self._pair()
        yield from self._clients()
        yield from self._versions()

    def _twice(self) -> Iterable[Broken]:
        for name in ("cert", "key", "client_ca"):
            if getattr(self, name) and getattr(self, f"{name}_file"):
                yield Broken((f"{name}_file",), f"{name} is given too; keep one of the two", (name,))

    def _pair(self) -> Iterable[Broken]:
        if not self.model_fields_set:
            return
        if not self.certificate:
            yield Broken(("cert_file",), "TLS needs a certificate; add cert_file: server.crt")
        if not self.private_key:
            yield Broken(("key_file",), "TLS needs the certificate's key; add key_file: server.key")
        if self.certificate and self.private_key:
            try:
                check_pair(self.certificate, self.private_key)
            except ValueError as error:
                yield Broken(("key_file" if self.key_file else "key",), str(error))

    def _clients(self) -> Iterable[Broken]:
        remedy = "add client_auth_type: RequireAndVerifyClientCert"
        if self.client_authorities and self.client_auth_type not in VERIFYING:
            given = "client_ca_file" if self.client_ca_file else "client_ca"
            yield Broken((given,), f"clients are not asked for a certificate; {remedy}")
        if self.client_allowed_sans and self.client_auth_type != "RequireAndVerifyClientCert":
            yield Broken(("client_allowed_sans",), f"a client may come without a certificate; {remedy}")

    def _versions(self) -> Iterable[Broken]:
        if self.min_version > self.max_version:
            message = f"{self.min_version} is above max_version, {self.max_version}; lower it"
            yield Broken(("min_version",), message)
        if self.cipher_suites and self.max_version == "TLS12" and not set(self.cipher_suites) & set(SUITES):
            yield Broken(("cipher_suites",), "none of them is for TLS 1.2, and max_version is TLS12; add one")


class HttpServer(_Lenient):
    """How answers look."""

    http2: bool = True
    """Whether HTTP/2 may be spoken. The exporter answers with HTTP/1.1 in any case."""

    headers: Headers = Field(default=FrozenMapping({}), examples=["{X-Frame-Options: deny}"])
    """Headers that every answer carries."""


class RateLimit(_Lenient):
    """How many requests are answered."""

    interval: Interval = Field(default=0.0, examples=["1s"])
    """The time between two requests, in the long run. 0: no limit."""

    burst: int = Field(default=0, examples=["20"])
    """How many requests may come at once."""

    def broken_rules(self) -> Iterable[Broken]:
        """A limit lets something through."""
        if self.interval and self.burst < 1:
            yield Broken(("burst",), "must be 1 or more, else no request is answered; write burst: 20")
        if self.burst and "interval" not in self.model_fields_set:
            yield Broken(("interval",), "burst needs it; add interval: 1s")


class WebConfig(_Lenient):
    """Who may talk to the exporter, and how."""

    tls_server_config: TlsServer = TlsServer()
    """Whether and how the exporter speaks TLS, and whose certificates it asks for."""

    http_server_config: HttpServer = HttpServer()
    """How answers look."""

    basic_auth_users: Users = Field(default=FrozenMapping({}), examples=["{prometheus: $2y$10$...}"])
    """Who may come in: names, and bcrypt hashes of their passwords. Empty: everybody."""

    rate_limit: RateLimit = RateLimit()
    """How many requests are answered."""

    @property
    def tls(self) -> TlsServer | None:
        """How TLS is spoken; None for plain HTTP."""
        return self.tls_server_config if self.tls_server_config.certificate else None

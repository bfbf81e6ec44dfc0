"""The sections of a web configuration as frozen records, with the names of the file format."""

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
    """A record in which a key without a value counts as absent, as in the file format."""

    @model_validator(mode="before")
    @classmethod
    def _drop_blank_keys(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        blank = {key for key, value in data.items() if value in (None, "") and key in cls.model_fields}
        return {key: value for key, value in data.items() if key not in blank}


class TlsServer(_Lenient):
    """TLS settings, including client certificates."""

    cert_file: CertificateFile | None = Field(default=None, examples=["server.crt"])
    """The certificate and its chain, in PEM format."""

    key_file: KeyFile | None = Field(default=None, examples=["server.key"])
    """The private key of the certificate, in PEM format, without a passphrase."""

    cert: Certificates | None = None
    """The certificate as text, instead of `cert_file`."""

    key: Key | None = None
    """The key as text, instead of `key_file`. A secret: never shown."""

    client_auth_type: ClientAuth = Field(default="NoClientCert", examples=["RequireAndVerifyClientCert"])
    """Whether clients must present a certificate."""

    client_ca_file: CertificateFile | None = Field(default=None, examples=["ca.crt"])
    """The CA certificates that verify client certificates. Default: those of the system."""

    client_ca: Certificates | None = None
    """The CA certificates as text, instead of `client_ca_file`."""

    client_allowed_sans: Annotated[tuple[str, ...], FILLED] | None = Field(
        default=None, examples=["[prometheus.example.com]"]
    )
    """Subject alternative names (DNS, e-mail, IP address or URI); a client certificate must have one."""

    min_version: Version = Field(default="TLS12", examples=["TLS12"])
    """The minimum TLS version."""

    max_version: Version = Field(default="TLS13", examples=["TLS13"])
    """The maximum TLS version."""

    cipher_suites: tuple[Suite, ...] = Field(default=(), examples=["[TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]"])
    """The cipher suites of TLS 1.2. Empty: OpenSSL's own. Those of TLS 1.3 are always offered."""

    prefer_server_cipher_suites: bool = True
    """Whether the order of `cipher_suites` goes before the client's."""

    curve_preferences: Curves = Field(default=(), examples=["[X25519]"])
    """The curve of the key exchange. Empty: OpenSSL's own."""

    @property
    def certificate(self) -> str:
        """The certificate and its chain in PEM format; empty without TLS."""
        return self.cert or (self.cert_file.pem.get_secret_value() if self.cert_file else "")

    @property
    def private_key(self) -> str:
        """The private key in PEM format; empty without TLS."""
        secret = self.key or (self.key_file.pem if self.key_file else None)
        return secret.get_secret_value() if secret else ""

    @property
    def client_authorities(self) -> str:
        """The CA certificates for client certificates in PEM format; empty for those of the system."""
        return self.client_ca or (self.client_ca_file.pem.get_secret_value() if self.client_ca_file else "")

    @property
    def files(self) -> tuple[PemFile, ...]:
        """The files that the settings name."""
        return tuple(file for file in (self.cert_file, self.key_file, self.client_ca_file) if file)

    def broken_rules(self) -> Iterable[Broken]:
        """Check that the settings are consistent with each other."""
        yield from self._check_duplicates()
        yield from self._check_pair()
        yield from self._check_client_auth()
        yield from self._check_versions()

    def _check_duplicates(self) -> Iterable[Broken]:
        for name in ("cert", "key", "client_ca"):
            if getattr(self, name) and getattr(self, f"{name}_file"):
                yield Broken((f"{name}_file",), f"{name} is also set; remove one of them", (name,))

    def _check_pair(self) -> Iterable[Broken]:
        if not self.model_fields_set:
            return
        if not self.certificate:
            yield Broken(("cert_file",), "TLS requires a certificate; add cert_file: server.crt")
        if not self.private_key:
            yield Broken(
                ("key_file",), "TLS requires the private key of the certificate; add key_file: server.key"
            )
        if self.certificate and self.private_key:
            try:
                check_pair(self.certificate, self.private_key)
            except ValueError as error:
                yield Broken(("key_file" if self.key_file else "key",), str(error))

    def _check_client_auth(self) -> Iterable[Broken]:
        remedy = "add client_auth_type: RequireAndVerifyClientCert"
        if self.client_authorities and self.client_auth_type not in VERIFYING:
            given = "client_ca_file" if self.client_ca_file else "client_ca"
            yield Broken((given,), f"client certificates are not requested; {remedy}")
        if self.client_allowed_sans and self.client_auth_type != "RequireAndVerifyClientCert":
            yield Broken(("client_allowed_sans",), f"clients may connect without a certificate; {remedy}")

    def _check_versions(self) -> Iterable[Broken]:
        if self.min_version > self.max_version:
            message = f"{self.min_version} is above max_version, {self.max_version}; lower it"
            yield Broken(("min_version",), message)
        if self.cipher_suites and self.max_version == "TLS12" and not set(self.cipher_suites) & set(SUITES):
            yield Broken(
                ("cipher_suites",),
                "none of the cipher suites is for TLS 1.2, but max_version is TLS12; add one",
            )


class HttpServer(_Lenient):
    """HTTP settings."""

    http2: bool = True
    """Whether HTTP/2 is allowed. The exporter always uses HTTP/1.1."""

    headers: Headers = Field(default=FrozenMapping({}), examples=["{X-Frame-Options: deny}"])
    """Headers to add to every response."""


class RateLimit(_Lenient):
    """Rate limit for requests."""

    interval: Interval = Field(default=0.0, examples=["1s"])
    """The average time between two requests. 0: no limit."""

    burst: int = Field(default=0, examples=["20"])
    """The maximum number of requests in a burst."""

    def broken_rules(self) -> Iterable[Broken]:
        """Check that the limit allows any requests."""
        if self.interval and self.burst < 1:
            yield Broken(("burst",), "must be at least 1, otherwise all requests are rejected; set burst: 20")
        if self.burst and "interval" not in self.model_fields_set:
            yield Broken(("interval",), "required by burst; add interval: 1s")


class WebConfig(_Lenient):
    """The web configuration: TLS, HTTP headers, authentication and rate limit."""

    tls_server_config: TlsServer = TlsServer()
    """TLS settings, including client certificates."""

    http_server_config: HttpServer = HttpServer()
    """HTTP settings."""

    basic_auth_users: Users = Field(default=FrozenMapping({}), examples=["{prometheus: $2y$10$...}"])
    """User names and bcrypt hashes of their passwords. Empty: no authentication."""

    rate_limit: RateLimit = RateLimit()
    """Rate limit for requests."""

    @property
    def tls(self) -> TlsServer | None:
        """The TLS settings; None for plain HTTP."""
        return self.tls_server_config if self.tls_server_config.certificate else None

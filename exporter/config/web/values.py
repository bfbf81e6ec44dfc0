"""The value types of a web configuration; each rejects invalid values with a reason and a remedy."""

import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, SecretStr, ValidationInfo
from pydantic_core import PydanticCustomError, PydanticKnownError

from exporter.config.errors import quoted
from exporter.config.fields import Broken, FromFile, FrozenMapping, enforce
from exporter.config.stamps import Stamp, stamp
from exporter.config.suggestions import nearest
from exporter.config.validation import UnreadableError, path_text, read_bytes
from exporter.config.web.certificates import check_certificates, check_key

HOW_TO_HASH = "htpasswd -nBC 10 \"\" | tr -d ':\\n'"

MAX_BCRYPT_COST = 18
"""The maximum cost of a bcrypt hash. Checking it takes about 15 seconds; each increment doubles that."""

_MAX_PEM_SIZE = 1 << 20  # bytes; the CA bundle of a browser has a quarter of that
_BCRYPT = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}")

TLS13_SUITES = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
"""The cipher suites of TLS 1.3. Neither Go nor Python supports a selection among them."""

SUITES = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
}
"""The cipher suites of TLS 1.2 in the file format, and their names in OpenSSL."""

CURVES = {"X25519": "X25519", "CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1"}
"""The curves in the file format, and their names in OpenSSL."""

VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
"""The supported TLS versions."""

INSECURE_VERSIONS = ("TLS10", "TLS11")
"""TLS versions of the file format that OpenSSL as built by Debian and others disables."""

VERIFYING = ("VerifyClientCertIfGiven", "RequireAndVerifyClientCert")
_UNVERIFYING = ("RequestClientCert", "RequireAnyClientCert", "RequireClientCert")
CLIENT_AUTH_TYPES = ("NoClientCert", *VERIFYING, *_UNVERIFYING)
"""The client authentication types of the file format, with the names of Go."""

HEADERS: Mapping[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
"""The headers that may be set, and their allowed values if these are restricted."""

_UNVERIFIED = "Python cannot request a client certificate without verifying it"


@dataclass(frozen=True, slots=True)
class PemFile:
    """The content of a certificate or key file when it was read."""

    path: Path
    pem: SecretStr
    stamp: Stamp


def _file_of(check: Callable[[str], None]) -> BeforeValidator:
    """Replace a file name by the content of the file. The name is relative to the configuration file."""

    def read(name: Any, info: ValidationInfo) -> PemFile:
        if not isinstance(name, str):
            raise PydanticKnownError("string_type")
        path = info.context.directory / name if isinstance(info.context, FromFile) else Path(name)
        before = stamp(path)
        try:
            data = read_bytes(path, _MAX_PEM_SIZE + 1)
            if len(data) > _MAX_PEM_SIZE:
                raise ValueError(f"larger than {_MAX_PEM_SIZE:,} bytes; check the file name")
            pem = data.decode(errors="replace")
            check(pem)
        except (UnreadableError, ValueError) as error:
            raise ValueError(f"{quoted(path_text(path), most=4096)}: {error}") from None
        return PemFile(path, SecretStr(pem), before)

    return BeforeValidator(read)


def _certificates(pem: str) -> str:
    check_certificates(pem)
    return pem


def _key(pem: SecretStr) -> SecretStr:
    check_key(pem.get_secret_value())
    return pem


def _client_auth(kind: str) -> str:
    if kind == "RequestClientCert":
        raise ValueError(f"{_UNVERIFIED}; remove the key: {kind} admits every client anyway")
    if kind in _UNVERIFYING:
        raise ValueError(f"{_UNVERIFIED}; use RequireAndVerifyClientCert and set client_ca_file")
    return kind


def _version(name: str) -> str:
    if name in INSECURE_VERSIONS:
        raise ValueError(f"{name} is insecure and disabled in OpenSSL by default; use TLS12")
    return name


def _suite(name: str) -> str:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).set_ciphers(SUITES.get(name, "DEFAULT"))
    except ssl.SSLError:
        raise ValueError("OpenSSL on this machine does not support this cipher suite; remove it") from None
    return name


def _curves(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(names) > 1:
        message = "Python supports either one curve or all curves of OpenSSL"
        raise ValueError(f"{message}; keep one, such as [{names[0]}] or remove the key")
    return names


def _drop_blank_headers(headers: Any) -> Any:
    """Drop headers without a value, and convert a bare 0 or 1 to text."""
    if not isinstance(headers, dict):
        return headers
    given = ((name, value) for name, value in headers.items() if value not in (None, ""))
    return {name: str(value) if type(value) is int else value for name, value in given}


def _headers(headers: Mapping[str, str]) -> FrozenMapping[str]:
    def broken(name: str, value: str) -> str | None:
        if name not in HEADERS:
            return f"cannot be set; {nearest(name, HEADERS, 'the valid headers')}"
        if HEADERS[name] and value not in HEADERS[name]:
            return f"expected {' or '.join(HEADERS[name])}, got {quoted(value)}"
        if not re.fullmatch(r"[ -~]+", value):
            return "expected plain ASCII text on one line"
        return None

    found = {name: broken(name, value) for name, value in headers.items()}
    enforce(Broken((name,), message) for name, message in found.items() if message)
    return FrozenMapping(headers)


def _user_name(name: str) -> str:
    if ":" in name:
        raise ValueError("a user name must not contain a colon; add a space after the colon")
    return name


def _as_text(value: Any) -> Any:
    """Convert a number to text, so that it is validated as a hash."""
    return str(value) if isinstance(value, int | float) else value


def _hash(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    bcrypt = _BCRYPT.fullmatch(text)
    if bcrypt and 4 <= int(bcrypt[1]) <= MAX_BCRYPT_COST:
        return secret
    if bcrypt and int(bcrypt[1]) > MAX_BCRYPT_COST:
        limit = f"the bcrypt cost must be at most {MAX_BCRYPT_COST}, got {bcrypt[1]}"
        message = f"{limit}: checking a password would exceed the scrape timeout"
    elif ":" in text and _BCRYPT.fullmatch(text.rpartition(":")[2]):
        raise ValueError("the value starts with a user name; keep only the hash after the colon")
    elif text.startswith("$2"):
        message = "incomplete bcrypt hash"
    elif text.startswith(("$", "{")):
        message = "not a bcrypt hash but another kind of hash"
    else:
        message = "not a bcrypt hash, perhaps a plain-text password"
    raise ValueError(f"{message}; create a hash with: {HOW_TO_HASH}")


_INTERVAL = {"ns": 1e-9, "us": 1e-6, "\u00b5s": 1e-6, "\u03bcs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
_INTERVAL_PART = rf"([0-9]+\.?[0-9]*|\.[0-9]+)({'|'.join(_INTERVAL)})"


def _interval(value: Any) -> float:
    """Parse a duration in the syntax of Go and return seconds."""
    if value in (0, "0") and not isinstance(value, bool):
        return 0.0
    if isinstance(value, str) and re.fullmatch(rf"({_INTERVAL_PART})+", value):
        return sum(float(count) * _INTERVAL[unit] for count, unit in re.findall(_INTERVAL_PART, value))
    raise PydanticCustomError("duration_type", "expected a duration such as 1s or 500ms")


if TYPE_CHECKING:
    _ClientAuthName = str
    _VersionName = str
    _SuiteName = str
    _CurveName = str
else:
    _ClientAuthName = Literal[CLIENT_AUTH_TYPES]
    _VersionName = Literal[(*INSECURE_VERSIONS, *VERSIONS)]
    _SuiteName = Literal[(*TLS13_SUITES, *SUITES)]
    _CurveName = Literal[tuple(CURVES)]

CertificateFile = Annotated[PemFile, _file_of(check_certificates)]
KeyFile = Annotated[PemFile, _file_of(check_key)]
Certificates = Annotated[str, AfterValidator(_certificates)]
Key = Annotated[SecretStr, AfterValidator(_key)]
ClientAuth = Annotated[_ClientAuthName, AfterValidator(_client_auth)]
Version = Annotated[_VersionName, AfterValidator(_version)]
Suite = Annotated[_SuiteName, AfterValidator(_suite)]
Curves = Annotated[tuple[_CurveName, ...], AfterValidator(_curves)]
_AS_DICT = PlainSerializer(dict, return_type=dict, when_used="always")
Headers = Annotated[
    Mapping[str, str], BeforeValidator(_drop_blank_headers), AfterValidator(_headers), _AS_DICT
]
Hash = Annotated[SecretStr, BeforeValidator(_as_text), AfterValidator(_hash)]
Users = Annotated[
    Mapping[Annotated[str, AfterValidator(_user_name)], Hash],
    AfterValidator(FrozenMapping),
    _AS_DICT,
]
Interval = Annotated[float, BeforeValidator(_interval)]

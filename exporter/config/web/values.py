"""The kinds of value a web configuration holds: each refuses what cannot be right, and says why."""

import os
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, SecretStr, ValidationInfo
from pydantic_core import PydanticCustomError, PydanticKnownError

from exporter.config.errors import nearest, quoted
from exporter.config.fields import Broken, FromFile, FrozenMapping, enforce
from exporter.config.validation import UnreadableError, path_text, read_bytes
from exporter.config.web.certificates import check_certificates, check_key

HOW_TO_HASH = "htpasswd -nBC 10 \"\" | tr -d ':\\n'"

MOST_COST = 18
"""Of a bcrypt hash: it takes some 15 seconds to check, and each one more takes twice as long."""

_LARGEST_PEM = 1 << 20  # bytes; all the authorities that a browser trusts take a quarter of it
_BCRYPT = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}")

NEWEST_SUITES = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
"""The suites of TLS 1.3. Neither Go nor Python lets anybody choose among them."""

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
"""The suites of TLS 1.2 that the format knows, and what OpenSSL calls them."""

CURVES = {"X25519": "X25519", "CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1"}
"""The curves that the format knows, and what OpenSSL calls them."""

VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
"""The versions of TLS that are spoken."""

BROKEN_VERSIONS = ("TLS10", "TLS11")
"""Those that the format knows and OpenSSL, as Debian and others build it, no longer speaks."""

VERIFYING = ("VerifyClientCertIfGiven", "RequireAndVerifyClientCert")
_UNVERIFYING = ("RequestClientCert", "RequireAnyClientCert", "RequireClientCert")
CLIENT_AUTH_TYPES = ("NoClientCert", *VERIFYING, *_UNVERIFYING)
"""What the format knows to ask clients for, as Go names it."""

HEADERS: Mapping[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
"""The headers that may be set, and the values of those that have but a few."""

_UNVERIFIED = "Python's TLS asks for no certificate that it does not verify"


Stamp = tuple[int, int, int] | None
"""What changes when a file does: its time, size and number; None for a file that cannot be seen."""


def stamp(path: str | os.PathLike[str]) -> Stamp:
    """Look at a file, without reading it."""
    try:
        seen = os.stat(path)  # noqa: PTH116 - every second
    except (OSError, ValueError):
        return None
    return seen.st_mtime_ns, seen.st_size, seen.st_ino


@dataclass(frozen=True, slots=True)
class PemFile:
    """What a file of certificates or a key held when it was read."""

    path: Path
    pem: SecretStr
    stamp: Stamp


def _file_of(check: Callable[[str], None]) -> BeforeValidator:
    """Take the name of a file, relative to the file that names it, for what is in it."""

    def read(name: Any, info: ValidationInfo) -> PemFile:
        if not isinstance(name, str):
            raise PydanticKnownError("string_type")
        path = info.context.directory / name if isinstance(info.context, FromFile) else Path(name)
        before = stamp(path)
        try:
            data = read_bytes(path, _LARGEST_PEM + 1)
            if len(data) > _LARGEST_PEM:
                raise ValueError(f"larger than {_LARGEST_PEM:,} bytes; is it the right file?")
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
        raise ValueError(f"{_UNVERIFIED}; leave the key out: {kind} lets every client in all the same")
    if kind in _UNVERIFYING:
        raise ValueError(f"{_UNVERIFIED}; write RequireAndVerifyClientCert, and add client_ca_file")
    return kind


def _version(name: str) -> str:
    if name in BROKEN_VERSIONS:
        raise ValueError(f"{name} is broken, and OpenSSL no longer speaks it by default; write TLS12")
    return name


def _suite(name: str) -> str:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).set_ciphers(SUITES.get(name, "DEFAULT"))
    except ssl.SSLError:
        raise ValueError("this machine's OpenSSL does not offer it; leave it out") from None
    return name


def _curves(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(names) > 1:
        message = "Python's TLS takes one curve or all that OpenSSL has"
        raise ValueError(f"{message}; keep one, such as [{names[0]}], or leave the key out")
    return names


def _without_blanks(headers: Any) -> Any:
    """Leave out what has no value, and take a bare 0 or 1 for text."""
    if not isinstance(headers, dict):
        return headers
    given = ((name, value) for name, value in headers.items() if value not in (None, ""))
    return {name: str(value) if type(value) is int else value for name, value in given}


def _headers(headers: Mapping[str, str]) -> FrozenMapping[str]:
    def broken(name: str, value: str) -> str | None:
        if name not in HEADERS:
            return f"cannot be set; {nearest(name, HEADERS, 'the headers here')}"
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
        raise ValueError("a user name holds no colon; put a space after the colon that ends it")
    return name


def _as_text(value: Any) -> Any:
    """Take a number for text: what stands in place of a hash is judged as one."""
    return str(value) if isinstance(value, int | float) else value


def _hash(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    bcrypt = _BCRYPT.fullmatch(text)
    if bcrypt and 4 <= int(bcrypt[1]) <= MOST_COST:
        return secret
    if bcrypt and int(bcrypt[1]) > MOST_COST:
        message = f"at most a cost of {MOST_COST}, got {bcrypt[1]}: no scrape would wait for the check"
    elif ":" in text and _BCRYPT.fullmatch(text.rpartition(":")[2]):
        raise ValueError("a user name stands before the hash; keep what follows the colon")
    elif text.startswith("$2"):
        message = "not a whole bcrypt hash"
    elif text.startswith(("$", "{")):
        message = "a hash of another kind than bcrypt"
    else:
        message = "not a bcrypt hash; the password itself, perhaps"
    raise ValueError(f"{message}; make a hash with: {HOW_TO_HASH}")


_INTERVAL = {"ns": 1e-9, "us": 1e-6, "\u00b5s": 1e-6, "\u03bcs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
_INTERVAL_PART = rf"([0-9]+\.?[0-9]*|\.[0-9]+)({'|'.join(_INTERVAL)})"


def _interval(value: Any) -> float:
    """Read a duration as Go writes it, and return seconds; 0 is none."""
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
    _VersionName = Literal[(*BROKEN_VERSIONS, *VERSIONS)]
    _SuiteName = Literal[(*NEWEST_SUITES, *SUITES)]
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
Headers = Annotated[Mapping[str, str], BeforeValidator(_without_blanks), AfterValidator(_headers), _AS_DICT]
Hash = Annotated[SecretStr, BeforeValidator(_as_text), AfterValidator(_hash)]
Users = Annotated[
    Mapping[Annotated[str, AfterValidator(_user_name)], Hash],
    AfterValidator(FrozenMapping),
    _AS_DICT,
]
Interval = Annotated[float, BeforeValidator(_interval)]

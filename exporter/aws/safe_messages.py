"""Messages of botocore's exceptions that are safe to show.

The text of an exception may contain anything: a header with a token, a proxy password, a whole page. So the
message is the format string of its class, filled in only with fields that are known to be safe.
"""

import os
import re
import socket
import ssl
from collections.abc import Callable, Mapping
from typing import Any

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from exporter.aws.exception_causes import (
    NAMES_DIFFER,
    causes_of,
    is_bad_header,
    provider_of,
    tunnel_status,
)
from exporter.runtime import clipped

LONGEST_FIELD = 200  # characters


def _address(url: object) -> str:
    """Return scheme, host and port of a URL, without user and password."""
    scheme = re.match(r"https?://", str(url))
    host = re.match(r"[\w.:\[\]-]{1,255}", str(url).rpartition("@")[2].rpartition("://")[2])
    return f"{scheme[0] if scheme else ''}{host[0] if host else '…'}"


def _plain(field: object) -> str:
    return clipped(" ".join(str(field).split()), LONGEST_FIELD)


def _reason(error: object) -> str:
    """Return why a connection failed, in the words of the system and of OpenSSL, not of the exception."""
    if not isinstance(error, BaseException):
        return "…"
    causes = list(causes_of(error))
    for cause in causes:
        if words := _system_words(cause):
            return words
    return type(causes[-1]).__name__


def _system_words(error: BaseException) -> str:
    if status := tunnel_status(error):
        return f"the proxy responded with {status}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate verify failed: {error.verify_message}"
    if isinstance(error, ssl.SSLError) and error.reason:
        return f"TLS: {error.reason.lower().replace('_', ' ')}"
    if type(error).__name__ == NAMES_DIFFER:
        return "certificate verify failed: hostname mismatch"
    if is_bad_header(error):
        return "a header contains a line break or another control character"
    if isinstance(error, socket.gaierror):
        return "the host name cannot be resolved"
    if isinstance(error, OSError) and error.errno and error.errno > 0:
        return os.strerror(error.errno)
    return ""


_SAFE: Mapping[str, Callable[[Any], str]] = {
    "endpoint_url": _address,
    "proxy_url": _address,
    "endpoint": _address,
    "error": _reason,
    **dict.fromkeys(
        (
            *("path", "profile", "source_profile", "visited_profiles", "provider", "cred_var", "name"),
            *("region_name", "service_name", "service", "tags", "label", "method_name", "operation_name"),
            *("mode", "valid_modes", "valid_options", "retry_config_option", "provided_retry_mode"),
            *("provided_max_attempts", "min_value", "config_key", "sts_regional_endpoints_config"),
            *("s3_us_east_1_regional_endpoint_config", "signature_version", "actual_bytes", "expected_bytes"),
            *("service_supported_protocols", "botocore_supported_protocols", "missing", "object_name"),
        ),
        _plain,
    ),
}
"""How to format the fields of botocore's exceptions that are safe to show."""

_COMPOSED_BY_BOTOCORE = (  # from names of profiles, settings and endpoints, not from responses
    boto.InvalidConfigError,
    boto.EndpointProviderError,
    boto.InvalidEndpointConfigurationError,
    boto.MissingDependencyException,
)


class _SafeFields(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "…"


def safe_message(error: Exception) -> str:
    """Return the message of an exception, without fields that may contain secrets."""
    if isinstance(error, boto.BotoCoreError):
        return _words_of_botocore(error)
    if isinstance(error, ResponseParserError):
        return "the response cannot be parsed"
    provider = provider_of(error)
    where = f" while getting credentials from {provider}" if provider else ""
    if isinstance(error, OSError) and error.errno:
        file = f": {_plain(error.filename)}" if error.filename else ""
        return f"{os.strerror(error.errno)}{file}{where}"
    return f"{type(error).__name__}{where}"


def _words_of_botocore(error: Exception) -> str:
    fields = getattr(error, "kwargs", {})
    shown = _SafeFields({name: _SAFE[name](value) for name, value in fields.items() if name in _SAFE})
    if isinstance(error, _COMPOSED_BY_BOTOCORE):
        shown |= {name: _plain(fields[name]) for name in ("error_msg", "msg") if name in fields}
    if isinstance(error, boto.ParamValidationError):
        shown["report"] = ", ".join(re.findall(r"parameter:? \W?([\w.]+)", str(fields.get("report"))))
    form = str(getattr(error, "fmt", ""))
    words = " ".join(form.format_map(shown).split())
    return words if "error" not in shown or "{error}" in form else f"{words} ({shown['error']})"

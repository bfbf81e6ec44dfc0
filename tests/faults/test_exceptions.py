"""Every exception of botocore and of the HTTP clients below it: what an operator sees of it."""

import errno
import http.client
import re
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3.exceptions as urllib3
from botocore import discovery, eventstream, parsers
from botocore import exceptions as boto

from exporter.aws.errors import from_boto

HUSH = "hush\n\x1b[31m"
HUSH_URL = "https://user:hush/hush@aws.example:8443/hush?hush=hush"

CONNECTION, TIMEOUT, CREDENTIALS, MALFORMED = "connection", "timeout", "credentials", "malformed"
NEVER = (MALFORMED, "report it")
DAMAGED = (MALFORMED, "install botocore")
NOT_AWS = (MALFORMED, "does not come from AWS")
PLACE = (CONNECTION, "available in this Region")
REGION = (CREDENTIALS, "AWS_REGION")
KEYS = (CREDENTIALS, "AWS_ACCESS_KEY_ID")
SETTING = (CREDENTIALS, "environment variable")
SSO = (CREDENTIALS, "aws sso login")
LOGIN = (CREDENTIALS, "aws login")
FILE = (CREDENTIALS, "AWS_CONFIG_FILE")

SEEN: dict[str, tuple[str, str]] = {
    "ApiVersionNotFoundError": DAMAGED,
    "AliasConflictParameterError": NEVER,
    "AwsChunkedWrapperError": NOT_AWS,
    "BaseEndpointResolverError": PLACE,
    "BotoCoreError": NEVER,
    "CapacityNotAvailableError": (CONNECTION, "api.requests_per_second"),
    "ChecksumError": NOT_AWS,
    "ConfigNotFound": FILE,
    "ConfigParseError": FILE,
    "ConnectTimeoutError": (TIMEOUT, "api.connect_timeout"),
    "ConnectionClosedError": (CONNECTION, "proxy"),
    "ConnectionError": (CONNECTION, "proxy"),
    "CredentialRetrievalError": KEYS,
    "DataNotFoundError": DAMAGED,
    "EndpointConnectionError": (CONNECTION, "endpoint_url"),
    "EndpointDiscoveryException": NEVER,
    "EndpointDiscoveryRefreshFailed": NEVER,
    "EndpointDiscoveryRequired": NEVER,
    "EndpointProviderError": PLACE,
    "EndpointResolutionError": PLACE,
    "EndpointVariantError": PLACE,
    "FlexibleChecksumError": NOT_AWS,
    "HTTPClientError": (CONNECTION, "proxy"),
    "IncompleteReadError": (CONNECTION, "proxy"),
    "InfiniteLoopConfigError": SETTING,
    "InvalidChecksumConfigError": (CREDENTIALS, "AWS_REQUEST_CHECKSUM_CALCULATION"),
    "InvalidConfigError": SETTING,
    "InvalidDNSNameError": NEVER,
    "InvalidDefaultsMode": (CREDENTIALS, "AWS_DEFAULTS_MODE"),
    "InvalidEndpointConfigurationError": PLACE,
    "InvalidEndpointDiscoveryConfigurationError": (CREDENTIALS, "AWS_ENDPOINT_DISCOVERY_ENABLED"),
    "InvalidExpressionError": NEVER,
    "InvalidHostLabelError": PLACE,
    "InvalidIMDSEndpointError": (CREDENTIALS, "AWS_EC2_METADATA_SERVICE_ENDPOINT"),
    "InvalidIMDSEndpointModeError": (CREDENTIALS, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"),
    "InvalidMaxRetryAttemptsError": (CREDENTIALS, "AWS_MAX_ATTEMPTS"),
    "InvalidProxiesConfigError": (CONNECTION, "HTTPS_PROXY"),
    "InvalidRegionError": REGION,
    "InvalidRetryConfigurationError": (CREDENTIALS, "AWS_RETRY_MODE"),
    "InvalidRetryModeError": (CREDENTIALS, "AWS_RETRY_MODE"),
    "InvalidS3AddressingStyleError": NEVER,
    "InvalidS3UsEast1RegionalEndpointConfigError": (CREDENTIALS, "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT"),
    "InvalidSTSRegionalEndpointsConfigError": (CREDENTIALS, "AWS_STS_REGIONAL_ENDPOINTS"),
    "LoginAuthorizationCodeError": LOGIN,
    "LoginError": LOGIN,
    "LoginInsufficientPermissions": LOGIN,
    "LoginRefreshRequired": LOGIN,
    "LoginTokenLoadError": LOGIN,
    "MD5UnavailableError": (CREDENTIALS, "MD5"),
    "MetadataRetrievalError": (CREDENTIALS, "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
    "MissingDependencyException": (CREDENTIALS, "botocore[crt]"),
    "MissingParametersError": NEVER,
    "MissingServiceIdError": DAMAGED,
    "NoAuthTokenError": KEYS,
    "NoCredentialsError": KEYS,
    "NoRegionError": REGION,
    "OperationNotPageableError": NEVER,
    "PaginationError": NOT_AWS,
    "ParamValidationError": NEVER,
    "PartialCredentialsError": KEYS,
    "ProfileNotFound": (CREDENTIALS, "AWS_PROFILE"),
    "ProxyConnectionError": (CONNECTION, "HTTPS_PROXY"),
    "RangeError": NEVER,
    "ReadTimeoutError": (TIMEOUT, "api.read_timeout"),
    "RefreshWithMFAUnsupportedError": (CREDENTIALS, "MFA"),
    "ResponseParserError": NOT_AWS,
    "ResponseStreamingError": (CONNECTION, "proxy"),
    "SSLError": (CONNECTION, "AWS_CA_BUNDLE"),
    "SSOError": SSO,
    "SSOTokenLoadError": SSO,
    "ServiceNotInRegionError": PLACE,
    "StubAssertionError": NEVER,
    "StubResponseError": NEVER,
    "TokenRetrievalError": SSO,
    "UnStubbedResponseError": NEVER,
    "UnauthorizedSSOTokenError": SSO,
    "UndefinedModelAttributeError": DAMAGED,
    "UnknownClientMethodError": NEVER,
    "UnknownCredentialError": KEYS,
    "UnknownEndpointError": PLACE,
    "UnknownEndpointResolutionBuiltInName": PLACE,
    "UnknownFIPSEndpointError": PLACE,
    "UnknownKeyError": NEVER,
    "UnknownParameterError": NEVER,
    "UnknownRegionError": REGION,
    "UnknownServiceError": DAMAGED,
    "UnknownServiceStyle": NEVER,
    "UnknownSignatureVersionError": SETTING,
    "UnknownTokenProviderError": KEYS,
    "UnseekableStreamError": NEVER,
    "UnsupportedOutpostResourceError": NEVER,
    "UnsupportedS3AccesspointConfigurationError": NEVER,
    "UnsupportedS3ArnError": NEVER,
    "UnsupportedS3ConfigurationError": NEVER,
    "UnsupportedS3ControlArnError": NEVER,
    "UnsupportedS3ControlConfigurationError": NEVER,
    "UnsupportedServiceProtocolsError": DAMAGED,
    "UnsupportedSignatureVersionError": (CREDENTIALS, "AWS_AUTH_SCHEME_PREFERENCE"),
    "ValidationError": NEVER,
    "WaiterConfigError": NEVER,
    "WaiterError": NEVER,
    # of event streams, which AWS Backup does not have
    "ParserError": NOT_AWS,
    "DuplicateHeader": NOT_AWS,
    "InvalidHeadersLength": NOT_AWS,
    "InvalidPayloadLength": NOT_AWS,
    "ChecksumMismatch": NOT_AWS,
    "NoInitialResponseError": NOT_AWS,
}
"""What an operator sees of each exception: the code, and what the remedy names."""

SHOWN_FIELDS = frozenset(
    {
        *("path", "profile", "source_profile", "visited_profiles", "provider", "cred_var", "name", "tags"),
        *("region_name", "service_name", "service", "label", "method_name", "operation_name", "mode"),
        *("valid_modes", "valid_options", "retry_config_option", "provided_retry_mode", "min_value"),
        *("provided_max_attempts", "config_key", "sts_regional_endpoints_config", "signature_version"),
        *("s3_us_east_1_regional_endpoint_config", "actual_bytes", "expected_bytes", "missing"),
        *("service_supported_protocols", "botocore_supported_protocols", "object_name"),
    }
)
"""The fields that hold nothing but names; others may hold what a proxy, a process or a header says."""


ASIDE = (boto.ClientError, Warning)


def exceptions() -> Iterator[type[Exception]]:
    """Every exception that botocore defines, those with an answer of AWS aside."""
    for module in (boto, discovery, eventstream, parsers):
        for one in vars(module).values():
            is_exception = isinstance(one, type) and issubclass(one, Exception)
            if is_exception and one.__module__ == module.__name__ and not issubclass(one, ASIDE):
                yield one


def made(kind: type[Exception]) -> Exception:
    """An exception of that kind, each unsafe field of which holds a secret."""
    if kind is boto.WaiterError:
        return boto.WaiterError("named", HUSH, {})
    form = str(getattr(kind, "fmt", ""))
    fields: dict[str, Any] = dict.fromkeys(re.findall(r"\{(\w+)\}", form), "named")
    fields |= {name: HUSH for name in fields if name not in SHOWN_FIELDS}
    fields |= {name: HUSH_URL for name in fields if name.endswith(("_url", "endpoint"))}
    if issubclass(kind, boto.BotoCoreError | boto.MissingServiceIdError):
        return kind(**fields)
    error = kind.__new__(kind)
    error.args = (HUSH,)
    return error


def test_every_exception_is_in_the_table() -> None:
    """No exception of the installed botocore is without a line here: a new one needs a remedy."""
    assert {one.__name__ for one in exceptions()} == set(SEEN)


# Their texts are made by botocore out of names of settings, profiles and endpoints.
OF_BOTOCORE = (
    boto.InvalidConfigError,
    boto.EndpointProviderError,
    boto.InvalidEndpointConfigurationError,
    boto.MissingDependencyException,
)


@pytest.mark.parametrize("kind", list(exceptions()), ids=lambda kind: kind.__name__)
def test_what_an_operator_sees(kind: type[Exception]) -> None:
    """Each exception has its code, a remedy that names the right thing, and no words of others."""
    code, named = SEEN[kind.__name__]
    fault = from_boto("ListBackupJobs", made(kind)).fault
    assert fault.code == code
    assert named in fault.remedy
    assert fault.message.startswith("ListBackupJobs: ")
    assert len(fault.message) <= 400
    assert "\n" not in fault.message
    if not issubclass(kind, OF_BOTOCORE):
        assert "hush" not in fault.message


def test_the_address_is_shown() -> None:
    """Scheme, host and port of an endpoint or a proxy are shown, without user, password, path and query."""
    error = boto.EndpointConnectionError(endpoint_url=HUSH_URL, error=ConnectionRefusedError(111, HUSH))
    assert from_boto("Ask", error).fault.message == (
        'Ask: Could not connect to the endpoint URL: "https://aws.example:8443" (Connection refused)'
    )


def failed_to_verify(code: int, message: str) -> ssl.SSLError:
    """A certificate that was not accepted."""
    error = ssl.SSLCertVerificationError(1, HUSH)
    error.verify_code, error.verify_message = code, message
    return error


def tls(reason: str, library: str = "SSL") -> ssl.SSLError:
    """Another failure of TLS."""
    error = ssl.SSLError(1, HUSH)
    error.reason, error.library = reason, library
    return error


CAUSES = {
    "no such name": (socket.gaierror(-2, HUSH), "cannot be resolved", "check DNS"),
    "refused": (ConnectionRefusedError(errno.ECONNREFUSED, HUSH), "refused", "nothing listens"),
    "no network": (OSError(errno.ENETUNREACH, HUSH), "unreachable", "NAT gateway"),
    "no host": (OSError(errno.EHOSTUNREACH, HUSH), "No route", "NAT gateway"),
    "reset": (ConnectionResetError(errno.ECONNRESET, HUSH), "reset", "proxy"),
    "cut": (http.client.IncompleteRead(b"hush", 10), "IncompleteRead", "proxy"),
    "no answer": (http.client.RemoteDisconnected(HUSH), "RemoteDisconnected", "proxy"),
    "no HTTP": (http.client.BadStatusLine(HUSH), "BadStatusLine", "proxy"),
    "unknown authority": (
        failed_to_verify(20, "unable to get local issuer"),
        "local issuer",
        "AWS_CA_BUNDLE",
    ),
    "self-signed": (failed_to_verify(19, "self-signed certificate"), "self-signed", "AWS_CA_BUNDLE"),
    "expired certificate": (failed_to_verify(10, "certificate has expired"), "expired", "clock"),
    "certificate of tomorrow": (failed_to_verify(9, "not yet valid"), "not yet valid", "clock"),
    "certificate of another": (failed_to_verify(62, "Hostname mismatch"), "Hostname", "another host"),
    "no TLS": (tls("WRONG_VERSION_NUMBER"), "wrong version number", "scheme"),
    "bad bundle": (tls("NO_CERTIFICATE_OR_CRL_FOUND", "X509"), "no certificate", "readable PEM file"),
    "no bundle": (FileNotFoundError(errno.ENOENT, HUSH), "No such file", "AWS_CA_BUNDLE"),
    "line break": (ValueError(f"Invalid header value b'{HUSH}'"), "line break", "AWS_SESSION_TOKEN"),
    "no Latin-1": (
        UnicodeEncodeError("latin-1", "hush€", 4, 5, HUSH),
        "UnicodeEncodeError",
        "AWS_SESSION_TOKEN",
    ),
    "bad URL": (urllib3.LocationParseError(HUSH_URL), "LocationParseError", "endpoint_url"),
    "bad scheme": (urllib3.URLSchemeUnknown(HUSH), "URLSchemeUnknown", "endpoint_url"),
    "bad IPv6": (ValueError(HUSH), "ValueError", "HTTPS_PROXY"),
    "bad URL of http.client": (http.client.InvalidURL(HUSH), "InvalidURL", "endpoint_url"),
    "proxy asks": (
        OSError("Tunnel connection failed: 407 hush"),
        "the proxy responded with 407",
        "user and password",
    ),
    "proxy refuses": (
        OSError("Tunnel connection failed: 403 hush"),
        "the proxy responded with 403",
        "allow the host",
    ),
}
"""What breaks a connection: the cause, what the message says of it, what the remedy names."""


@pytest.mark.parametrize(("cause", "said", "named"), CAUSES.values(), ids=CAUSES)
@pytest.mark.parametrize("wrapped", [False, True])
def test_what_broke_a_connection(cause: Exception, said: str, named: str, wrapped: bool) -> None:
    """However deep an HTTP client wraps it, the cause is told in safe words and decides about the remedy."""
    no_pool: Any = None
    inner: Exception = urllib3.MaxRetryError(no_pool, HUSH_URL, cause) if wrapped else cause
    fault = from_boto("ListBackupJobs", boto.HTTPClientError(error=inner)).fault
    assert said in fault.message
    assert named in fault.remedy
    assert "hush" not in fault.message


@pytest.mark.parametrize(
    "kind",
    [
        one
        for module in (urllib3, http.client)
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, Exception) and not issubclass(one, Warning)
    ],
    ids=lambda kind: f"{kind.__module__}.{kind.__name__}",
)
def test_whatever_an_http_client_raises(kind: type[Exception]) -> None:
    """Every exception of urllib3 and http.client is told by its name, and not by its text."""
    talking = {"__init__": lambda *_: None, "__str__": lambda _: HUSH, "__repr__": lambda _: HUSH}
    error = type(kind.__name__, (kind,), talking)(HUSH, HUSH_URL)
    fault = from_boto("ListBackupJobs", boto.HTTPClientError(error=error)).fault
    assert fault.code in (CONNECTION, CREDENTIALS)
    assert kind.__name__ in fault.message
    assert "hush" not in fault.message
    assert fault.remedy


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TypeError(HUSH), MALFORMED),
        (KeyError(HUSH), MALFORMED),
        (ValueError(HUSH), MALFORMED),
        (RecursionError(HUSH), MALFORMED),
        (OSError(errno.EIO, HUSH), CONNECTION),
        (FileNotFoundError(errno.ENOENT, HUSH, "/etc/aws"), CREDENTIALS),
        (TimeoutError(), CONNECTION),
    ],
)
def test_plain_exceptions(error: Exception, code: str) -> None:
    """Whatever else comes up is told by its name or by the system's words, with a remedy."""
    fault = from_boto("ListBackupJobs", error).fault
    assert fault.code == code
    assert "hush" not in fault.message
    assert fault.remedy

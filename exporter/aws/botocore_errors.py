"""What botocore's exceptions mean: a code, a message that is safe to show, and a remedy."""

import socket
import ssl
from collections.abc import Mapping
from typing import NamedTuple

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from exporter.aws.exception_causes import (
    NAMES_DIFFER,
    causes_of,
    is_bad_header,
    modules_of,
    provider_of,
    tunnel_status,
)
from exporter.aws.safe_messages import safe_message

CREDENTIALS = "credentials"
TIMEOUT = "timeout"
CONNECTION = "connection"
MALFORMED = "malformed"


class Meaning(NamedTuple):
    """What an exception means: a code, a message that is safe to show, and a remedy."""

    code: str
    words: str
    remedy: str


class _Known(NamedTuple):
    code: str
    remedy: str
    words: str = ""


SET_CREDENTIALS = (
    "set AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the container or instance "
    "a role; for a container on EC2, the metadata service needs a hop limit of 2"
)
SET_REGION = "set AWS_REGION or the target's regions, with the names that AWS uses (eu-west-1)"
FIX_PROFILE = (
    "set AWS_PROFILE or the target's profile to an existing profile, or unset it; "
    "profiles are read from AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE"
)
FIX_FILE = "correct the file, or set AWS_CONFIG_FILE or AWS_SHARED_CREDENTIALS_FILE to another one"
FIX_SETTING = (
    "correct or unset the environment variable (AWS_...) or the setting in the AWS configuration file"
)
NO_MFA = "use a profile or a role without MFA: the exporter cannot prompt for a code"
LOG_IN_SSO = (
    "run `aws sso login` with the profile, as the user that the exporter runs as, "
    "or give the exporter a role, which needs no login"
)
LOG_IN = (
    "run `aws login` as the user that the exporter runs as, or give the exporter a role, which needs no login"
)
NO_LINE_BREAK = (
    "remove line breaks and other control characters from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and "
    "AWS_SESSION_TOKEN: a Secret created with `echo` ends in a line break, one with `printf %s` does not"
)
WAIT_LONGER = (
    "check the network path to AWS (route, security group, VPC endpoint, proxy), "
    "or raise api.connect_timeout and api.read_timeout"
)
FIND_AWS = "check DNS, proxy, VPC endpoint and endpoint_url; the Region must exist and offer AWS Backup"
RESOLVE = (
    "check DNS and the name: the Region must exist and offer AWS Backup, and the host in endpoint_url or "
    "AWS_ENDPOINT_URL must exist"
)
NOBODY_LISTENS = (
    "nothing listens there: check endpoint_url, AWS_ENDPOINT_URL, proxy, VPC endpoint and firewall"
)
NO_ROUTE = "give the exporter a route to AWS: a NAT gateway, a proxy or a VPC endpoint; check the firewall"
FIX_ENDPOINT = (
    "correct endpoint_url, AWS_ENDPOINT_URL or AWS_ENDPOINT_URL_BACKUP: https://host or https://host:port"
)
OTHER_ENDPOINT = (
    "check that AWS Backup is available in this Region, with the values of AWS_USE_FIPS_ENDPOINT, "
    "AWS_USE_DUALSTACK_ENDPOINT and endpoint_url"
)
FIX_PROXY = (
    "check HTTPS_PROXY and HTTP_PROXY: http://host:port, user and password URL-encoded (a / is %2F); "
    "list hosts to reach directly in NO_PROXY"
)
PROXY_CREDENTIALS = "the proxy requires credentials: add user and password, URL-encoded, to HTTPS_PROXY"
PROXY_REFUSES = "allow the host on the proxy, or add it to NO_PROXY to reach it directly"
TRUST = (
    "a TLS-inspecting proxy or an endpoint with a private certificate is in use: "
    "set AWS_CA_BUNDLE to a PEM file with the certificate of the authority that signed it"
)
WRONG_HOST = "the certificate is for another host: check endpoint_url, DNS and the proxy"
CERTIFICATE_TIME = (
    "check the clock of this machine (NTP), then the validity of the certificate of the endpoint or proxy"
)
NO_TLS = (
    "check the scheme (http or https) and port of endpoint_url, AWS_ENDPOINT_URL and HTTPS_PROXY; "
    "with a TLS-inspecting proxy set AWS_CA_BUNDLE"
)
CA_BUNDLE = (
    "AWS_CA_BUNDLE (or ca_bundle, or REQUESTS_CA_BUNDLE) must be a readable PEM file with certificates"
)
NOT_AWS = "the response does not come from AWS: check endpoint_url, AWS_ENDPOINT_URL_BACKUP and proxies"
REINSTALL = "reinstall botocore and boto3, and check AWS_DATA_PATH and ~/.aws/models"
REPORT = "this is a bug: report it with the log and the version of botocore"

BY_PROVIDER: Mapping[str, str] = {
    "custom-process": "run the profile's credential_process by hand as the user that the exporter runs as: "
    "it must exit with 0 and print the JSON that AWS documents",
    "container-role": "check AWS_CONTAINER_CREDENTIALS_FULL_URI or ..._RELATIVE_URI and "
    "AWS_CONTAINER_AUTHORIZATION_TOKEN or ..._TOKEN_FILE: the agent of ECS or EKS Pod Identity must be "
    "running and know this container",
    "assume-role-with-web-identity": "AWS_ROLE_ARN must be a role ARN, and AWS_WEB_IDENTITY_TOKEN_FILE "
    "a readable file with a token; in Kubernetes, check the annotation of the service account and the "
    "mounted token",
    "assume-role": "check role_arn and external_id of the target, and role_arn, external_id, "
    "source_profile and credential_source of the profile",
    "shared-credentials-file": FIX_FILE,
    "config-file": FIX_FILE,
    "sso": LOG_IN_SSO,
    "login": LOG_IN,
    "iam-role": "check the instance's role and its metadata service (AWS_EC2_METADATA_... and the hop limit)",
    "env": "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and AWS_CREDENTIAL_EXPIRATION",
}
"""The remedies for missing credentials, by botocore's name of the provider."""

_SETTING = _Known(CREDENTIALS, FIX_SETTING)
_ENDPOINT = _Known(CONNECTION, OTHER_ENDPOINT)
_BROKEN = _Known(MALFORMED, REINSTALL)
_BUG = _Known(MALFORMED, REPORT)
_BAD_URL = _Known(CONNECTION, FIX_ENDPOINT, "the endpoint is not a valid URL")

KNOWN: Mapping[type[Exception], _Known] = {
    # Connection failures
    boto.ConnectTimeoutError: _Known(TIMEOUT, WAIT_LONGER),
    boto.ReadTimeoutError: _Known(TIMEOUT, WAIT_LONGER),
    boto.EndpointConnectionError: _Known(CONNECTION, FIND_AWS),
    boto.ConnectionClosedError: _Known(CONNECTION, FIND_AWS),
    boto.ProxyConnectionError: _Known(CONNECTION, FIX_PROXY),
    boto.SSLError: _Known(CONNECTION, TRUST),
    boto.ConnectionError: _Known(CONNECTION, FIND_AWS),
    boto.HTTPClientError: _Known(CONNECTION, FIND_AWS),
    boto.ResponseStreamingError: _Known(CONNECTION, FIND_AWS),
    boto.IncompleteReadError: _Known(CONNECTION, FIND_AWS),
    boto.InvalidProxiesConfigError: _Known(CONNECTION, FIX_PROXY),
    boto.CapacityNotAvailableError: _Known(CONNECTION, "try again later: lower api.requests_per_second"),
    # Unknown endpoints
    boto.BaseEndpointResolverError: _ENDPOINT,
    boto.EndpointProviderError: _ENDPOINT,
    boto.InvalidEndpointConfigurationError: _ENDPOINT,
    boto.InvalidHostLabelError: _ENDPOINT,
    boto.ServiceNotInRegionError: _ENDPOINT,
    boto.UnknownRegionError: _Known(CREDENTIALS, SET_REGION),
    boto.NoRegionError: _Known(CREDENTIALS, SET_REGION),
    boto.InvalidRegionError: _Known(CREDENTIALS, SET_REGION),
    # Credentials
    boto.NoCredentialsError: _Known(CREDENTIALS, SET_CREDENTIALS),
    boto.PartialCredentialsError: _Known(CREDENTIALS, SET_CREDENTIALS),
    boto.NoAuthTokenError: _Known(CREDENTIALS, SET_CREDENTIALS),
    boto.UnknownCredentialError: _Known(CREDENTIALS, SET_CREDENTIALS),
    boto.UnknownTokenProviderError: _Known(CREDENTIALS, SET_CREDENTIALS),
    boto.CredentialRetrievalError: _Known(CREDENTIALS, SET_CREDENTIALS),
    boto.TokenRetrievalError: _Known(CREDENTIALS, LOG_IN_SSO),
    boto.SSOError: _Known(CREDENTIALS, LOG_IN_SSO),
    boto.LoginError: _Known(CREDENTIALS, LOG_IN),
    boto.RefreshWithMFAUnsupportedError: _Known(CREDENTIALS, NO_MFA),
    boto.MetadataRetrievalError: _Known(CREDENTIALS, BY_PROVIDER["container-role"]),
    boto.ProfileNotFound: _Known(CREDENTIALS, FIX_PROFILE),
    boto.ConfigParseError: _Known(CREDENTIALS, FIX_FILE),
    boto.ConfigNotFound: _Known(CREDENTIALS, FIX_FILE),
    boto.InvalidIMDSEndpointError: _Known(
        CREDENTIALS, "correct AWS_EC2_METADATA_SERVICE_ENDPOINT, or unset it"
    ),
    boto.InvalidIMDSEndpointModeError: _Known(
        CREDENTIALS, "correct AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE, or unset it"
    ),
    boto.MissingDependencyException: _Known(
        CREDENTIALS, "install botocore[crt], or use credentials of another kind"
    ),
    # Settings
    boto.InvalidConfigError: _SETTING,
    boto.InvalidRetryConfigurationError: _Known(
        CREDENTIALS, "correct AWS_MAX_ATTEMPTS and AWS_RETRY_MODE, or unset them"
    ),
    boto.InvalidSTSRegionalEndpointsConfigError: _Known(
        CREDENTIALS, "set AWS_STS_REGIONAL_ENDPOINTS to regional or legacy, or unset it"
    ),
    boto.InvalidS3UsEast1RegionalEndpointConfigError: _Known(
        CREDENTIALS, "set AWS_S3_US_EAST_1_REGIONAL_ENDPOINT to regional or legacy, or unset it"
    ),
    boto.InvalidDefaultsMode: _Known(CREDENTIALS, "correct AWS_DEFAULTS_MODE, or unset it"),
    boto.InvalidChecksumConfigError: _Known(
        CREDENTIALS,
        "correct AWS_REQUEST_CHECKSUM_CALCULATION and AWS_RESPONSE_CHECKSUM_VALIDATION, or unset them",
    ),
    boto.InvalidEndpointDiscoveryConfigurationError: _Known(
        CREDENTIALS, "set AWS_ENDPOINT_DISCOVERY_ENABLED to true, false or auto, or unset it"
    ),
    boto.UnknownSignatureVersionError: _SETTING,
    boto.UnsupportedSignatureVersionError: _Known(
        CREDENTIALS,
        "unset AWS_AUTH_SCHEME_PREFERENCE and signature_version: AWS Backup requires Signature Version 4",
    ),
    boto.MD5UnavailableError: _Known(CREDENTIALS, "use a Python with MD5, or disable FIPS mode"),
    # The SDK's own files
    boto.DataNotFoundError: _BROKEN,
    boto.ApiVersionNotFoundError: _BROKEN,
    boto.UndefinedModelAttributeError: _BROKEN,
    boto.UnsupportedServiceProtocolsError: _BROKEN,
    # Malformed responses
    ResponseParserError: _Known(MALFORMED, NOT_AWS),
    boto.ChecksumError: _Known(MALFORMED, NOT_AWS),
    boto.FlexibleChecksumError: _Known(MALFORMED, NOT_AWS),
    boto.AwsChunkedWrapperError: _Known(MALFORMED, NOT_AWS),
    boto.PaginationError: _Known(MALFORMED, NOT_AWS),
    # Invalid requests
    boto.ParamValidationError: _BUG,
    boto.ValidationError: _BUG,
    boto.MissingParametersError: _BUG,
    boto.BotoCoreError: _BUG,
}
"""What exceptions mean, including subclasses that are not listed here."""

_BY_MODULE: Mapping[str, _Known] = {
    "urllib.parse": _BAD_URL,
    "encodings.idna": _BAD_URL,
    "botocore.endpoint": _BAD_URL,
    "botocore.parsers": _Known(MALFORMED, NOT_AWS),
    "botocore.credentials": _Known(CREDENTIALS, SET_CREDENTIALS),
    "botocore.tokens": _Known(CREDENTIALS, LOG_IN_SSO),
    "botocore.auth": _Known(CREDENTIALS, BY_PROVIDER["env"]),
    "botocore.configprovider": _Known(
        CREDENTIALS,
        "AWS_METADATA_SERVICE_TIMEOUT, AWS_METADATA_SERVICE_NUM_ATTEMPTS, AWS_MAX_ATTEMPTS and AWS_CSM_PORT "
        "must be integers, also in the AWS configuration file: correct or unset them",
        "a setting of the SDK is not a number",
    ),
    "botocore.configloader": _Known(CREDENTIALS, FIX_FILE),
    "botocore.session": _SETTING,
    "botocore.args": _SETTING,
    "botocore.loaders": _BROKEN,
}
"""What other exceptions mean, by the module that raised them; the innermost one counts."""


def meaning_of(error: Exception, operation: str) -> Meaning:
    """Return what an exception means that botocore raised during an operation."""
    known = _closer_look(error) or _known(error)
    if known is _BUG and operation.startswith("AssumeRole"):
        known = _Known(CREDENTIALS, BY_PROVIDER["assume-role"])
    return Meaning(known.code, known.words or safe_message(error), known.remedy)


_OF_ANY_PROVIDER = (boto.CredentialRetrievalError, boto.PartialCredentialsError, boto.ParamValidationError)
_NEED_A_LOGIN = ("sso", "login")


def _known(error: Exception) -> _Known:
    by_class = next((KNOWN[one] for one in type(error).__mro__ if one in KNOWN), None)
    provider = provider_of(error)
    of_provider = by_class is None or isinstance(error, _OF_ANY_PROVIDER)
    if isinstance(error, boto.InvalidConfigError):
        of_provider = provider not in _NEED_A_LOGIN  # these need another setting, not a login
    if provider and of_provider:
        return _Known(CREDENTIALS, BY_PROVIDER.get(provider, SET_CREDENTIALS))
    return by_class or _by_place(error)


def _by_place(error: Exception) -> _Known:
    for module in reversed(modules_of(error)):
        if module in _BY_MODULE:
            return _BY_MODULE[module]
    # With a file name it is a local file; botocore wraps network errors.
    if isinstance(error, OSError):
        return _SETTING if error.filename else _Known(CONNECTION, FIND_AWS)
    # Parsers raise TypeError and the like for an unexpected response.
    return _Known(MALFORMED, NOT_AWS)


def _closer_look(error: Exception) -> _Known | None:
    """Find out from the causes of an exception why a connection failed."""
    if isinstance(error, boto.ConnectTimeoutError | boto.ReadTimeoutError):
        return None
    if not isinstance(error, boto.ConnectionError | boto.HTTPClientError | boto.InvalidProxiesConfigError):
        return None
    causes = list(causes_of(error))
    known = next(filter(None, map(_known_of_http, causes)), None)
    if known or isinstance(error, boto.ProxyConnectionError):
        return known
    remedy = next(filter(None, map(_remedy_for_os_error, causes)), "")
    return _Known(CONNECTION, remedy) if remedy else None


def _known_of_http(cause: BaseException) -> _Known | None:
    name = type(cause).__name__
    if status := tunnel_status(cause):
        return _Known(CONNECTION, PROXY_CREDENTIALS if status == "407" else PROXY_REFUSES)
    if name == NAMES_DIFFER:
        return _Known(CONNECTION, WRONG_HOST)
    if isinstance(cause, ssl.SSLError):
        return _Known(CONNECTION, _remedy_for_tls(cause))
    if isinstance(cause, UnicodeEncodeError) or is_bad_header(cause):
        return _Known(CREDENTIALS, NO_LINE_BREAK)
    return _Known(CONNECTION, f"{FIX_ENDPOINT}; {FIX_PROXY}") if name in _ABOUT_A_URL else None


_CERTIFICATE_NOT_YET_OR_NO_LONGER_VALID = (9, 10)  # X509_V_ERR_CERT_NOT_YET_VALID, _HAS_EXPIRED
_OF_CERTIFICATE_FILES = ("X509", "PEM", "ASN1")  # parts of OpenSSL
_CERTIFICATE_OF_ANOTHER = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, _IP_ADDRESS_MISMATCH


def _remedy_for_tls(error: ssl.SSLError) -> str:
    if not isinstance(error, ssl.SSLCertVerificationError):
        return CA_BUNDLE if error.library in _OF_CERTIFICATE_FILES else NO_TLS
    if error.verify_code in _CERTIFICATE_NOT_YET_OR_NO_LONGER_VALID:
        return CERTIFICATE_TIME
    return WRONG_HOST if error.verify_code in _CERTIFICATE_OF_ANOTHER else TRUST


def _remedy_for_os_error(error: BaseException) -> str:
    if isinstance(error, socket.gaierror):
        return RESOLVE
    if isinstance(error, ConnectionRefusedError):
        return NOBODY_LISTENS
    if isinstance(error, FileNotFoundError | IsADirectoryError | PermissionError):
        return CA_BUNDLE  # the only file that is opened for a connection
    if isinstance(error, OSError) and error.errno in _NO_WAY:
        return NO_ROUTE
    return ""


_ABOUT_A_URL = frozenset(
    {"LocationParseError", "LocationValueError", "URLSchemeUnknown", "InvalidURL", "ValueError"}
)
_NO_WAY = frozenset({101, 113})  # ENETUNREACH, EHOSTUNREACH

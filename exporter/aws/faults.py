"""What can go wrong when asking AWS, as one small family, in words that help."""

import re

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from exporter.model import Fault

_USER_IN_URL = re.compile(r"://[^/@\s]*@")
_WHAT_WAS_SIGNED = " The Canonical String"  # AWS repeats the request whole, the session token in it

CREDENTIALS = "credentials"
TIMEOUT = "timeout"
CONNECTION = "connection"
MALFORMED = "malformed"

_THROTTLING = frozenset(
    {
        "ThrottlingException",
        "Throttling",
        "ThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
    }
)
_ABOUT_THE_JOB = frozenset(
    {
        "ResourceNotFoundException",
        "InvalidParameterValueException",
        "MissingParameterValueException",
        "ValidationException",
    }
)
_ABOUT_CREDENTIALS = frozenset(
    {
        CREDENTIALS,
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
    }
)
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_TIMEOUTS = (boto.ConnectTimeoutError, boto.ReadTimeoutError)
_NO_CREDENTIALS = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.TokenRetrievalError,
    boto.NoAuthTokenError,
    boto.SSOError,
    boto.ProfileNotFound,
    boto.ConfigParseError,
    boto.ConfigNotFound,
    boto.MetadataRetrievalError,
    boto.UnknownCredentialError,
    boto.InvalidConfigError,
    boto.NoRegionError,
    boto.InvalidRegionError,
)


class AwsError(Exception):
    """A call that did not come through.

    Attributes:
        fault: the reason, for people and for labels.
        status: the HTTP status, 0 when there was no answer.
    """

    def __init__(self, fault: Fault, status: int = 0) -> None:
        super().__init__(str(fault))
        self.fault = fault
        self.status = status

    @property
    def is_throttling(self) -> bool:
        """AWS says that too much is asked of it."""
        return self.fault.code in _THROTTLING

    @property
    def is_transient(self) -> bool:
        """Worth another try at once: a connection that broke, a service that stumbled."""
        return self.fault.code == CONNECTION or self.status >= 500 or self.is_throttling

    @property
    def may_pass(self) -> bool:
        """The very same call may come through later: nothing was wrong with what was asked."""
        return self.is_transient or self.fault.code == TIMEOUT

    @property
    def is_about_the_job(self) -> bool:
        """AWS does not know this one job, or refuses its id; nothing is wrong otherwise."""
        return self.fault.code in _ABOUT_THE_JOB

    @property
    def is_from_aws(self) -> bool:
        """AWS itself answered, and refused."""
        return self.status > 0 and self.fault.code != MALFORMED

    @property
    def may_be_about_the_job(self) -> bool:
        """AWS stumbles over this one job, perhaps: another may well be described."""
        return self.status >= 500 or self.fault.code in (TIMEOUT, MALFORMED)

    @property
    def is_unknown_job(self) -> bool:
        """AWS does not know the job, or not any longer."""
        return self.fault.code == "ResourceNotFoundException"

    @property
    def is_about_credentials(self) -> bool:
        """The credentials are missing, wrong or too old: new ones may have been laid down by now."""
        return self.fault.code in _ABOUT_CREDENTIALS


def malformed(operation: str, what: str) -> AwsError:
    """Describe an answer that is not the one AWS gives."""
    return AwsError(Fault(MALFORMED, f"{operation}: {what}", _REMEDIES[MALFORMED]))


def timed_out(operation: str) -> AwsError:
    """Describe a call that had not ended at its deadline."""
    message = f"{operation}: the answer was not complete within api.connect_timeout and api.read_timeout"
    return AwsError(Fault(TIMEOUT, message, _REMEDIES[TIMEOUT]))


def from_boto(operation: str, error: Exception) -> AwsError:
    """Translate whatever boto3 raised while it carried out `operation`."""
    if isinstance(error, boto.ClientError):
        return _from_answer(operation, error)
    code = _code_without_answer(error)
    message = f"{operation}: {_one_line(error)}"
    return AwsError(Fault(code, message, _remedy(code, operation)))


def _from_answer(operation: str, error: boto.ClientError) -> AwsError:
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    code = str(error.response.get("Error", {}).get("Code", ""))
    said = " ".join(str(error.response.get("Error", {}).get("Message", "")).split())
    text = said.partition(_WHAT_WAS_SIGNED)[0]
    asked = error.operation_name or operation
    if not code or code.isdigit() or code == "Unknown":
        what = f"{asked}: HTTP {status} without an error that AWS would give"
        return AwsError(Fault(MALFORMED, what, _REMEDIES[MALFORMED]), status)
    return AwsError(Fault(code, f"{asked}: {text or f'HTTP {status}'}", _remedy(code, asked)), status)


def _code_without_answer(error: Exception) -> str:
    if isinstance(error, _TIMEOUTS):
        return TIMEOUT
    if isinstance(error, _NO_CREDENTIALS):
        return CREDENTIALS
    if isinstance(error, boto.HTTPClientError | boto.ConnectionError | OSError):
        return CONNECTION
    # Whatever else a parser stumbles over: an answer of another shape raises plain TypeErrors and the like.
    return MALFORMED


_REMEDIES = {
    CREDENTIALS: "set AWS_REGION, and AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY or AWS_PROFILE, "
    "or give the container or instance a role",
    TIMEOUT: "check the network path to AWS (route, security group, VPC endpoint, proxy), "
    "or raise api.connect_timeout and api.read_timeout",
    CONNECTION: "check DNS, proxy, VPC endpoint and endpoint_url; the Region must exist and offer AWS Backup",
    MALFORMED: "something answers in the place of AWS: check endpoint_url, AWS_ENDPOINT_URL_BACKUP "
    "and proxies",
}


def _remedy(code: str, operation: str) -> str:
    if code in _DENIED:
        return _remedy_for_denial(operation)
    if code in _THROTTLING:
        return "the account's quota is shared with others: lower api.requests_per_second"
    if code.startswith("ExpiredToken"):
        return "renew the credentials; new ones are taken up without a restart"
    if code in _ABOUT_CREDENTIALS and code != CREDENTIALS:
        return "check the access key, and that the account has this Region enabled"
    return _REMEDIES.get(code, "")


def _remedy_for_denial(operation: str) -> str:
    if operation.startswith("AssumeRole"):
        return "the role's trust policy must let the exporter assume it, with this external id if it has one"
    return f'allow backup:{operation} on "*" for the identity in use'


def _one_line(error: Exception) -> str:
    text = _USER_IN_URL.sub("://***@", " ".join(str(error).split()))
    return (
        text
        if isinstance(error, boto.BotoCoreError | ResponseParserError)
        else f"{type(error).__name__}: {text}"
    )

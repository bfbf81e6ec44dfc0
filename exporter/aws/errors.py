"""The errors of calls to AWS, with a code, a message and a remedy."""

import re
from dataclasses import replace

from botocore import exceptions as boto

from exporter.aws.botocore_errors import (
    CONNECTION,
    CREDENTIALS,
    MALFORMED,
    NOT_AWS,
    PROXY_CREDENTIALS,
    TIMEOUT,
    WAIT_LONGER,
    meaning_of,
)
from exporter.aws.service_errors import ABOUT_THE_JOB, CLOCK, is_throttling, remedy_for
from exporter.model import Fault
from exporter.runtime import clipped

__all__ = ["CONNECTION", "CREDENTIALS", "MALFORMED", "TIMEOUT", "AwsError", "from_boto", "malformed"]

LONGEST_MESSAGE = 400  # characters; the response of a proxy may be a whole page

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,63}")
# AWS repeats the whole request, including the session token.
_WHAT_WAS_SIGNED = re.compile(r"\s*The (canonical string|string.to.sign)\b.*", re.IGNORECASE | re.DOTALL)

_ABOUT_CREDENTIALS = CLOCK | {
    CREDENTIALS,
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
}


class AwsError(Exception):
    """A call that failed.

    Attributes:
        fault: the reason, for people and for labels.
        status: the HTTP status; 0 if there was no response.
    """

    def __init__(self, fault: Fault, status: int = 0) -> None:
        super().__init__(str(fault))
        self.fault = fault
        self.status = status

    def within(self, place: str) -> "AwsError":
        """The same error, with the place where it happened in front of its message."""
        return AwsError(replace(self.fault, message=f"{place}: {self.fault.message}"), self.status)

    @property
    def is_throttling(self) -> bool:
        """AWS throttled the call."""
        return is_throttling(self.fault.code)

    @property
    def is_transient(self) -> bool:
        """Worth a retry at once: a broken connection, an internal error of AWS, or throttling."""
        return self.fault.code == CONNECTION or self.status >= 500 or self.is_throttling

    @property
    def is_temporary(self) -> bool:
        """The same call may succeed later: there was nothing wrong with the request."""
        return self.is_transient or self.fault.code == TIMEOUT

    @property
    def is_about_the_job(self) -> bool:
        """AWS does not know this job, or refuses its ID; nothing else is wrong."""
        return self.fault.code in ABOUT_THE_JOB

    @property
    def is_from_aws(self) -> bool:
        """The response came from AWS itself."""
        return self.status > 0 and self.fault.code != MALFORMED

    @property
    def may_be_about_the_job(self) -> bool:
        """The failure may be due to this job alone: describing another one may succeed."""
        return self.status >= 500 or self.fault.code in (TIMEOUT, MALFORMED)

    @property
    def is_unknown_job(self) -> bool:
        """AWS does not know the job, or no longer."""
        return self.fault.code == "ResourceNotFoundException"

    @property
    def is_about_credentials(self) -> bool:
        """The credentials are missing, wrong or expired: new ones may be available by now."""
        return self.fault.code in _ABOUT_CREDENTIALS


def malformed(operation: str, what: str) -> AwsError:
    """Describe a response that cannot come from AWS Backup."""
    return AwsError(_fault(MALFORMED, operation, what, NOT_AWS))


def timed_out(operation: str) -> AwsError:
    """Describe a call that did not end before its deadline."""
    what = "no complete response within api.connect_timeout + api.read_timeout"
    return AwsError(_fault(TIMEOUT, operation, what, WAIT_LONGER))


def from_boto(operation: str, error: Exception) -> AwsError:
    """Translate an exception that boto3 raised during an operation."""
    if isinstance(error, boto.ClientError):
        return _from_response(operation, error)
    code, words, remedy = meaning_of(error, operation)
    return AwsError(_fault(code, operation, words, remedy))


def _from_response(operation: str, error: boto.ClientError) -> AwsError:
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    code = error.response.get("Error", {}).get("Code")
    message = str(error.response.get("Error", {}).get("Message", ""))
    failed = error.operation_name or operation
    if not isinstance(code, str) or not _CODE.fullmatch(code) or code == "Unknown":
        what = f"HTTP {status} without an AWS error code"
        remedy = PROXY_CREDENTIALS if status == 407 else NOT_AWS
        return AwsError(_fault(MALFORMED, failed, what, remedy), status)
    text = _WHAT_WAS_SIGNED.sub("", message) or f"HTTP {status}"
    return AwsError(_fault(code, failed, text, remedy_for(code, message, failed)), status)


def _fault(code: str, operation: str, what: str, remedy: str) -> Fault:
    return Fault(code, clipped(" ".join(f"{operation}: {what}".split()), LONGEST_MESSAGE), remedy)

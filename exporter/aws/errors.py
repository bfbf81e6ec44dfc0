"""What can go wrong when asking AWS, as one small family, in words that help."""

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

LONGEST_MESSAGE = 400  # characters; a proxy may have put a whole page in the place of an answer

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,63}")
# AWS repeats the request whole, the session token in it.
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
    """A call that did not come through.

    Attributes:
        fault: the reason, for people and for labels.
        status: the HTTP status, 0 when there was no answer.
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
        """AWS says that too much is asked of it."""
        return is_throttling(self.fault.code)

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
        return self.fault.code in ABOUT_THE_JOB

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
    return AwsError(_fault(MALFORMED, operation, what, NOT_AWS))


def timed_out(operation: str) -> AwsError:
    """Describe a call that had not ended at its deadline."""
    what = "the answer was not complete within api.connect_timeout and api.read_timeout"
    return AwsError(_fault(TIMEOUT, operation, what, WAIT_LONGER))


def from_boto(operation: str, error: Exception) -> AwsError:
    """Translate whatever boto3 raised while it carried out `operation`."""
    if isinstance(error, boto.ClientError):
        return _from_answer(operation, error)
    code, words, remedy = meaning_of(error, operation)
    return AwsError(_fault(code, operation, words, remedy))


def _from_answer(operation: str, error: boto.ClientError) -> AwsError:
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    code = error.response.get("Error", {}).get("Code")
    said = str(error.response.get("Error", {}).get("Message", ""))
    asked = error.operation_name or operation
    if not isinstance(code, str) or not _CODE.fullmatch(code) or code == "Unknown":
        what = f"HTTP {status} without an error that AWS would give"
        remedy = PROXY_CREDENTIALS if status == 407 else NOT_AWS
        return AwsError(_fault(MALFORMED, asked, what, remedy), status)
    told = _WHAT_WAS_SIGNED.sub("", said) or f"HTTP {status}"
    return AwsError(_fault(code, asked, told, remedy_for(code, said, asked)), status)


def _fault(code: str, operation: str, what: str, remedy: str) -> Fault:
    return Fault(code, clipped(" ".join(f"{operation}: {what}".split()), LONGEST_MESSAGE), remedy)

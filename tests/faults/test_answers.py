"""The errors that AWS answers with: what the operator is told to do."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from exporter.aws.errors import AwsError, from_boto

WHO = "User: arn:aws:sts::123456789012:assumed-role/exporter/i-0abc is not authorized to perform"
LIST = f"{WHO}: backup:ListBackupJobs on resource: arn:aws:backup:eu-west-1:123456789012:*"
ASSUME = f"{WHO}: sts:AssumeRole on resource: arn:aws:iam::210987654321:role/reader"
DENIED = "AccessDeniedException"


def answered(
    code: Any, message: Any = "so it is", operation: str = "ListBackupJobs", status: int = 400
) -> AwsError:
    """An error that AWS answered with."""
    response: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return from_boto(operation, ClientError(response, operation))


REMEDIES = [
    # The clock
    (
        "SignatureDoesNotMatch",
        "Signature expired: 20260101T000000Z is now earlier than 20260102T000000Z",
        "NTP",
    ),
    ("InvalidSignatureException", "Signature expired: 20260101T000000Z is now earlier than ...", "NTP"),
    (
        "InvalidSignatureException",
        "Signature not yet current: 20260102T000000Z is still later than ...",
        "NTP",
    ),
    (
        "RequestTimeTooSkewed",
        "The difference between the request time and the current time is too large",
        "NTP",
    ),
    ("RequestExpired", "Request has expired", "NTP"),
    ("RequestInTheFuture", "", "NTP"),
    # Credentials
    ("ExpiredToken", "The security token included in the request is expired", "renew"),
    ("ExpiredTokenException", "The security token included in the request is expired", "renew"),
    ("InvalidClientTokenId", "The security token included in the request is invalid", "access key"),
    ("UnrecognizedClientException", "The security token included in the request is invalid.", "access key"),
    ("SignatureDoesNotMatch", "The request signature we calculated does not match", "AWS_SECRET_ACCESS_KEY"),
    ("InvalidSignatureException", "The request signature we calculated does not match", "line break"),
    ("MissingAuthenticationTokenException", "Missing Authentication Token", "proxy"),
    ("IncompleteSignatureException", "Authorization header requires 'Signature' parameter.", "proxy"),
    ("InvalidIdentityToken", "No OpenIDConnect provider found in your account", "OIDC provider"),
    # The account and the Region
    ("OptInRequired", "You are not subscribed to this service", "enable this Region"),
    (
        "SubscriptionRequiredException",
        "The AWS Access Key Id needs a subscription for the service",
        "sign-up",
    ),
    ("AccountNotSubscribed", "", "sign-up"),
    ("AccountProblem", "There is a problem with your AWS account", "suspended"),
    ("AccountSuspendedException", "", "suspended"),
    (
        "RegionDisabledException",
        "STS is not activated in this region for account:123456789012",
        "activate STS",
    ),
    # What passes
    ("ThrottlingException", "Rate exceeded", "api.requests_per_second"),
    ("ServiceUnavailableException", "", "Health Dashboard"),
    ("InternalFailure", "", "Health Dashboard"),
    ("SomethingNewException", "new", "AWS Support"),
    # Denials
    (DENIED, f"{LIST} because no identity-based policy allows the backup:ListBackupJobs action", '"*"'),
    (DENIED, f"{LIST} with an explicit deny in an identity-based policy", "remove the deny"),
    (DENIED, f"{LIST} with an explicit deny in a service control policy", "service control policy"),
    (
        DENIED,
        f"{LIST} with an explicit deny in a service control policy: arn:aws:organizations::1:policy/p",
        "organ",
    ),
    (
        DENIED,
        f"{LIST} because no service control policy allows the backup:ListBackupJobs action",
        "organization",
    ),
    (DENIED, f"{LIST} with an explicit deny in a resource control policy", "resource control policy"),
    (DENIED, f"{LIST} because no permissions boundary allows the action", "permissions boundary"),
    (DENIED, f"{LIST} with an explicit deny in a permissions boundary", "permissions boundary"),
    (DENIED, f"{LIST} because no session policy allows the backup:ListBackupJobs action", "session policy"),
    (
        DENIED,
        f"{LIST} because no VPC endpoint policy allows the backup:ListBackupJobs action",
        "VPC endpoint",
    ),
    (DENIED, f"{LIST} with an explicit deny in a VPC endpoint policy", "VPC endpoint"),
    (DENIED, f"{LIST} with an explicit deny in a resource-based policy", "access policy"),
]


@pytest.mark.parametrize(("code", "message", "named"), REMEDIES)
def test_the_remedy_names_the_right_thing(code: str, message: str, named: str) -> None:
    """The remedy goes by what AWS says: the clock, the account, or the kind of policy that denies."""
    fault = answered(code, message).fault
    assert fault.code == code
    assert named in fault.remedy


@pytest.mark.parametrize(
    "message", [message for code, message, _ in REMEDIES if code == DENIED and "identity" not in message]
)
def test_a_policy_of_another_kind_is_not_mended_by_allowing(message: str) -> None:
    """Where another policy denies, the operator is not sent to allow the action for the identity."""
    assert 'on "*"' not in answered(DENIED, message).fault.remedy


@pytest.mark.parametrize(
    ("operation", "code", "message", "named"),
    [
        ("AssumeRole", "AccessDenied", ASSUME, "trust policy"),
        (
            "AssumeRole",
            "AccessDenied",
            f"{ASSUME} because no session policy allows the action",
            "session policy",
        ),
        (
            "AssumeRole",
            "AccessDenied",
            f"{ASSUME} because no identity-based policy allows it",
            "trust policy",
        ),
        ("AssumeRoleWithWebIdentity", "AccessDenied", "Not authorized", "OIDC provider"),
        (
            "AssumeRole",
            "ValidationError",
            "Value 'x y' at 'externalId' failed to satisfy constraint",
            "external_id",
        ),
        ("AssumeRole", "ValidationError", "arn:aws:iam::1:role is invalid", "role_arn"),
        (
            "GetCallerIdentity",
            "AccessDenied",
            "explicit deny in a VPC endpoint policy",
            "sts:GetCallerIdentity",
        ),
        ("DescribeBackupJob", "ResourceNotFoundException", "", "job_ids"),
        ("DescribeBackupJob", "InvalidParameterValueException", "", "check the job ID"),
        ("GetBackupPlan", "ResourceNotFoundException", "", "try again"),
    ],
)
def test_by_operation(operation: str, code: str, message: str, named: str) -> None:
    """The same code needs something else where a role is assumed and where a job is described."""
    assert named in answered(code, message, operation).fault.remedy


def test_what_was_signed_is_left_out() -> None:
    """Of a wrong signature's message, what AWS repeats of the request is not kept."""
    message = (
        "The request signature we calculated does not match.\n\nThe Canonical String for this request should "
        "have been\n'GET\n/\n\nx-amz-security-token:hush'\n\nThe String-to-Sign should have been\n'hush'"
    )
    for text in (message, message.partition("\n\n")[0] + "\n\nThe String-to-Sign should have been\n'hush'"):
        told = answered("SignatureDoesNotMatch", text).fault.message
        assert told == "ListBackupJobs: The request signature we calculated does not match."


def test_a_page_in_the_place_of_a_message() -> None:
    """A message of a megabyte is kept as some hundred characters."""
    fault = answered("AccessDeniedException", "x" * 2**20).fault
    assert len(fault.message) == 400
    assert fault.message.endswith("…")


@pytest.mark.parametrize(
    "code", ["", "500", "Unknown", "<html>", "no such\nthing", "x" * 100_000, "hush hush", None, 5, {"a": 1}]
)
def test_what_is_no_code_of_aws(code: Any) -> None:
    """A code that AWS would not write is no label: the answer is malformed."""
    error = answered(code, status=502)
    assert error.fault.code == "malformed"
    assert error.fault.message == "ListBackupJobs: HTTP 502 without an AWS error code"
    assert "does not come from AWS" in error.fault.remedy


def test_a_proxy_that_asks_for_a_password() -> None:
    """That a proxy wants credentials is told apart from other strangers."""
    assert "HTTPS_PROXY" in answered("407", status=407).fault.remedy


@pytest.mark.parametrize("message", [None, 5, ["x"], {"a": "b"}])
def test_a_message_that_is_no_text(message: Any) -> None:
    """A message of another type harms nothing."""
    assert answered("AccessDeniedException", message).fault.message.startswith("ListBackupJobs: ")

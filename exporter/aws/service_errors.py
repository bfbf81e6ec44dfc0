"""The remedies for error responses of AWS."""

from collections.abc import Mapping

from exporter.aws.services import action_of

THROTTLING = frozenset(
    {
        "ThrottlingException",
        "Throttling",
        "ThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
    }
)
DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized"})

CLOCK = frozenset({"RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture", "SignatureExpired"})
ABOUT_THE_JOB = frozenset(
    {
        "ResourceNotFoundException",
        "InvalidParameterValueException",
        "MissingParameterValueException",
        "ValidationException",
    }
)
_CLOCK_WORDS = ("signature expired", "not yet current", "is now earlier than", "is now later than")

SET_THE_CLOCK = (
    "the clock of this machine is wrong: synchronize it with NTP; AWS accepts a difference of five minutes"
)
RENEW = "renew the credentials; new ones are used without a restart"
CHECK_KEY = (
    "check the access key: it may be unknown or inactive, AWS_SESSION_TOKEN may be missing for temporary "
    "credentials, or the Region may be disabled in the account or in another partition (China, GovCloud)"
)
CHECK_SIGNING_KEY = (
    "check that AWS_SECRET_ACCESS_KEY belongs to the access key and does not end in a space or line break, "
    "and that no proxy modifies requests"
)
ENABLE_REGION = "enable this Region in the account (Account settings, AWS Regions), or remove it from regions"
SIGN_UP = "complete the sign-up of the account: payment method, verification and activation of the service"
ACCOUNT_CLOSED = "the account is suspended or closed: see its billing page, or ask AWS Support"
ACTIVATE_STS = "activate STS for this Region in the account settings of IAM, or use another Region"
LOWER_RATE = "the account's quota is shared with others: lower api.requests_per_second"
WAIT = "AWS has an internal problem: try again later; if it persists, see the AWS Health Dashboard"
CHECK_IDENTITY_PROVIDER = (
    "register the OIDC provider of the cluster, with its audience, in IAM of this account; "
    "check AWS_WEB_IDENTITY_TOKEN_FILE"
)
CHECK_ROLE = "check role_arn and external_id of the target, or those of the profile"
CHECK_JOB_ID = (
    "check the job ID, the account and the Region; if AWS no longer has the job, remove it from job_ids"
)
NOT_SIGNED = "a proxy or endpoint removes the signature from requests: check endpoint_url and proxies"
TRY_AGAIN = (
    "try again; if it persists, look up the error code in the AWS documentation or contact AWS Support"
)

_BY_CODE: Mapping[str, str] = {
    **dict.fromkeys(CLOCK, SET_THE_CLOCK),
    **dict.fromkeys(THROTTLING, LOWER_RATE),
    **dict.fromkeys(
        ("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "UnauthorizedException"), RENEW
    ),
    **dict.fromkeys(("InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId"), CHECK_KEY),
    **dict.fromkeys(
        ("InvalidToken", "AuthFailure", "NotAuthorizedException", "InvalidTokenException"), CHECK_KEY
    ),
    **dict.fromkeys(
        ("SignatureDoesNotMatch", "InvalidSignatureException", "InvalidSignature"), CHECK_SIGNING_KEY
    ),
    **dict.fromkeys(
        (
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            "IncompleteSignature",
            "IncompleteSignatureException",
        ),
        NOT_SIGNED,
    ),
    "OptInRequired": ENABLE_REGION,
    "RegionDisabledException": ACTIVATE_STS,
    **dict.fromkeys(
        (
            "SubscriptionRequiredException",
            "AccountNotSubscribed",
            "NotSignedUp",
            "PendingVerification",
            "PendingVerificationException",
            "AccountNotVerified",
        ),
        SIGN_UP,
    ),
    **dict.fromkeys(
        (
            "AccountProblem",
            "AccountSuspended",
            "AccountSuspendedException",
            "AccountClosed",
            "AccountIsNotActive",
            "Blocked",
        ),
        ACCOUNT_CLOSED,
    ),
    **dict.fromkeys(
        (
            "ServiceUnavailable",
            "ServiceUnavailableException",
            "InternalFailure",
            "InternalError",
            "InternalServerError",
            "InternalServerException",
            "InternalServiceException",
            "DependencyFailureException",
        ),
        WAIT,
    ),
    **dict.fromkeys(("InvalidIdentityToken", "InvalidIdentityTokenException"), CHECK_IDENTITY_PROVIDER),
    **dict.fromkeys(("IDPCommunicationError", "IDPRejectedClaim"), CHECK_IDENTITY_PROVIDER),
}

_POLICIES: Mapping[str, str] = {
    "service control policy": "a service control policy of the organization denies it: "
    "ask the administrator of the organization to allow {action} in this account and Region",
    "resource control policy": "a resource control policy of the organization denies it: "
    "ask the administrator of the organization to allow {action}",
    "permissions boundary": "the permissions boundary of the identity in use must also allow {action}",
    "session policy": "the session policy of the assumed role must also allow {action}",
    "vpc endpoint policy": "the policy of the VPC endpoint must allow {action}",
    "role trust policy": "the trust policy of the role must allow the exporter to assume it, "
    "with the external ID if one is set",
}
"""The remedies for a denial, by the kind of policy that AWS names."""


def remedy_for(code: str, message: str, operation: str) -> str:
    """Return what to do about an error response; never empty.

    Args:
        code: the error code, as AWS spells it.
        message: the complete message.
        operation: the operation that failed (`ListBackupJobs`).
    """
    text = " ".join(message.lower().split())
    if code in DENIED:
        return _remedy_for_denial(operation, text)
    if code not in THROTTLING and any(words in text for words in _CLOCK_WORDS):
        return SET_THE_CLOCK
    if code in _BY_CODE:
        return _BY_CODE[code]
    if operation.startswith("AssumeRole"):
        return CHECK_ROLE
    is_about_a_job = code in ABOUT_THE_JOB and operation.startswith("Describe")
    return CHECK_JOB_ID if is_about_a_job else TRY_AGAIN


def is_throttling(code: str) -> bool:
    """Whether a code means that AWS throttled the call."""
    return code in THROTTLING


def _remedy_for_denial(operation: str, text: str) -> str:
    action = action_of(operation)
    for policy, remedy in _POLICIES.items():
        if policy in text:
            return remedy.format(action=action)
    if operation == "AssumeRoleWithWebIdentity":
        return "the role's trust policy must allow the OIDC provider of the cluster and this service account"
    if operation.startswith("AssumeRole"):
        return _POLICIES["role trust policy"]
    if "explicit deny in a resource-based policy" in text:
        return f"a resource-based policy (vault access policy) denies {action}: remove the deny"
    if "explicit deny" in text:
        return f"a policy of the identity in use denies {action}: remove the deny"
    return f'allow {action} on "*" for the identity in use'

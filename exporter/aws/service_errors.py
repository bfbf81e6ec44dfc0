"""What to do about the errors that AWS answers with."""

from collections.abc import Mapping

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
    "the clock of this machine is wrong: set it right, and keep it right with NTP; AWS allows five minutes"
)
RENEW = "renew the credentials; new ones are taken up without a restart"
CHECK_KEY = (
    "check the access key: AWS does not know it or it is inactive, temporary credentials lack "
    "AWS_SESSION_TOKEN, this Region is not enabled in the account or in another partition (China, GovCloud)"
)
CHECK_SIGNING_KEY = (
    "check that AWS_SECRET_ACCESS_KEY belongs to the access key, without a space or line break at its end, "
    "and that no proxy changes requests"
)
ENABLE_REGION = "enable this Region in the account (Account settings, AWS Regions), or remove it from regions"
SIGN_UP = "finish the sign-up of the account: payment method, verification, and the service's activation"
ACCOUNT_CLOSED = "the account is suspended or closed: see its billing page, or ask AWS Support"
ACTIVATE_STS = "activate STS for this Region in the account settings of IAM, or use another Region"
LOWER_RATE = "the account's quota is shared with others: lower api.requests_per_second"
WAIT = "try again later: AWS has a problem of its own; when it stays, see the AWS Health Dashboard"
CHECK_IDENTITY_PROVIDER = (
    "register the OIDC provider of the cluster in IAM of this account, with its audience; "
    "check AWS_WEB_IDENTITY_TOKEN_FILE"
)
CHECK_ROLE = "check role_arn and external_id of the target, or those of the profile"
CHECK_JOB_ID = (
    "check the id, the account and the Region; when AWS has forgotten the job, remove it from job_ids"
)
NOT_SIGNED = "a proxy or endpoint removes the signature from requests: check endpoint_url and proxies"
TRY_AGAIN = (
    "try again; when it stays, look the code up in the documentation of AWS, and ask AWS with this message"
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
    "ask whoever manages the organization to allow {action} in this account and Region",
    "resource control policy": "a resource control policy of the organization denies it: "
    "ask whoever manages the organization to allow {action}",
    "permissions boundary": "the permissions boundary of the identity in use must allow {action} too",
    "session policy": "the session policy with which the role was assumed must allow {action} too",
    "vpc endpoint policy": "the policy of the VPC endpoint must allow {action}",
    "role trust policy": "the role's trust policy must let the exporter assume it, "
    "with this external id if it has one",
}
"""The remedy by the kind of policy that AWS names where it denies something."""


def remedy_for(code: str, message: str, operation: str) -> str:
    """Say what to do about an error that AWS answered an operation with; never empty.

    Args:
        code: as AWS spells it.
        message: what AWS says, whole.
        operation: what was asked (`ListBackupJobs`).
    """
    said = " ".join(message.lower().split())
    if code in DENIED:
        return _remedy_for_denial(operation, said)
    if code not in THROTTLING and any(words in said for words in _CLOCK_WORDS):
        return SET_THE_CLOCK
    if code in _BY_CODE:
        return _BY_CODE[code]
    if operation.startswith("AssumeRole"):
        return CHECK_ROLE
    is_about_a_job = code in ABOUT_THE_JOB and operation.startswith("Describe")
    return CHECK_JOB_ID if is_about_a_job else TRY_AGAIN


def is_throttling(code: str) -> bool:
    """Whether AWS says that too much is asked of it."""
    return code in THROTTLING


def _remedy_for_denial(operation: str, said: str) -> str:
    action = f"{'sts' if operation.startswith(('AssumeRole', 'GetCallerIdentity')) else 'backup'}:{operation}"
    for policy, remedy in _POLICIES.items():
        if policy in said:
            return remedy.format(action=action)
    if operation == "AssumeRoleWithWebIdentity":
        return "the role's trust policy must trust the cluster's OIDC provider and this service account"
    if operation.startswith("AssumeRole"):
        return _POLICIES["role trust policy"]
    if "explicit deny in a resource-based policy" in said:
        return f"a resource-based policy, such as a vault's access policy, denies {action}: remove the deny"
    if "explicit deny" in said:
        return f"a policy of the identity in use denies {action}: remove the deny"
    return f'allow {action} on "*" for the identity in use'

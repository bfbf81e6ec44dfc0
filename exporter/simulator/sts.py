"""STS of the simulated accounts: AssumeRole leads to the account of the role."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any

from moto.core.common_types import TYPE_RESPONSE
from moto.core.responses import ActionResult
from moto.sts.responses import TokenResponse

from exporter.simulator.account import Account
from exporter.simulator.errors import ApiError, access_denied
from exporter.simulator.request_control import Condition, RequestControl
from exporter.simulator.role_sessions import RoleSessions, account_of
from exporter.simulator.service_response import ServiceResponse

STS_URL = r"https?://sts\.(.*\.)?amazonaws\.com/"
_ERROR = """<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>
<Code>{code}</Code><Message>{message}</Message></Error><RequestId>simulated</RequestId></ErrorResponse>"""


def into_account(account_id: str) -> Condition:
    """Return the condition that a call assumes a role of this account."""
    return lambda parameters: account_of(parameters.get("RoleArn", ":::::")) == account_id


class StsResponse(ServiceResponse, TokenResponse):
    """One request to STS. Any role of any account can be assumed, unless a failure is injected.

    Args:
        find: returns the account of a Region and an account id.
        sessions: where sessions are started.
        requests: admits each call.
        closed: whether an account does not let anyone in.
    """

    def __init__(
        self,
        find: Callable[[str, str], Account],
        sessions: RoleSessions,
        requests: RequestControl,
        closed: Callable[[str], bool],
    ) -> None:
        super().__init__(find, sessions)
        self._requests = requests
        self._closed = closed

    def call_action(self) -> TYPE_RESPONSE:
        """Admit and handle the call."""
        self._requests.admit(self._get_action(), dict(self.params))
        return super().call_action()

    def assume_role(self) -> ActionResult:
        """Start a session of a role."""
        parameters: Mapping[str, Any] = self.params
        role_arn = parameters["RoleArn"]
        if self._closed(account_of(role_arn)):
            caller = f"User: arn:aws:iam::{self.current_account}:root"
            raise access_denied(
                f"{caller} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
            )
        expires = self.account.now() + parameters.get("DurationSeconds", 3600)
        session = self._sessions.start(role_arn, parameters["RoleSessionName"], expires)
        credentials = {
            "AccessKeyId": session.access_key,
            "SecretAccessKey": session.secret_key,
            "SessionToken": session.token,
            "Expiration": datetime.fromtimestamp(expires, UTC),
        }
        user = {"AssumedRoleId": f"AROA{session.access_key}:{session.name}", "Arn": session.arn}
        return ActionResult({"Credentials": credentials, "AssumedRoleUser": user})

    assume_role_with_web_identity = assume_role

    def get_caller_identity(self) -> ActionResult:
        """Return the session of the caller, or a user of the account."""
        key, account_id = self.get_access_key(), self.current_account
        session = self._sessions.get(key)
        arn = session.arn if session else f"arn:aws:sts::{account_id}:user/moto"
        user_id = f"AROA{key}:{session.name}" if session else key
        return ActionResult({"UserId": user_id, "Account": account_id, "Arn": arn})

    def error(self, error: ApiError) -> TYPE_RESPONSE:
        """Return the response for an error, in the query protocol."""
        body = _ERROR.format(code=escape(error.code), message=escape(error.message))
        return error.status, {"Content-Type": "text/xml"}, body

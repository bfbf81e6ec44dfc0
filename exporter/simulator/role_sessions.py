"""Sessions of roles with temporary credentials, as STS creates them."""

import secrets
from itertools import count
from typing import NamedTuple

from exporter.simulator.account import DEFAULT_ACCOUNT
from exporter.simulator.errors import ApiError


class RoleSession(NamedTuple):
    """A session of an assumed role. `expires` is in seconds since 1970."""

    access_key: str
    secret_key: str
    token: str
    role_arn: str
    name: str
    expires: float

    @property
    def account_id(self) -> str:
        """The account of the role."""
        return account_of(self.role_arn)

    @property
    def arn(self) -> str:
        """The ARN of the session."""
        role = self.role_arn.rpartition("/")[2]
        return f"arn:aws:sts::{self.account_id}:assumed-role/{role}/{self.name}"


class RoleSessions:
    """All sessions. Other credentials than theirs are those of the default account."""

    def __init__(self) -> None:
        self._sessions: dict[str, RoleSession] = {}
        self._numbers = count()

    def start(self, role_arn: str, name: str, expires: float) -> RoleSession:
        """Start a session of a role."""
        access_key = f"ASIA{next(self._numbers):016X}"
        secret_key, token = secrets.token_urlsafe(30), secrets.token_urlsafe(200)
        session = RoleSession(access_key, secret_key, token, role_arn, name, expires)
        self._sessions[access_key] = session
        return session

    def get(self, access_key: str) -> RoleSession | None:
        """Return the session of an access key; None if the key is not temporary."""
        return self._sessions.get(access_key)

    def account_id(self, access_key: str) -> str:
        """Return the account whose access key this is."""
        session = self.get(access_key)
        return session.account_id if session else DEFAULT_ACCOUNT

    def check(self, access_key: str, token: str | None, now: float) -> None:
        """Raise ApiError if the credentials have expired at `now` or do not belong together."""
        session = self.get(access_key)
        if session is not None and token != session.token:
            message = "The security token included in the request is invalid."
            raise ApiError("UnrecognizedClientException", 403, message)
        if session is not None and now >= session.expires:
            message = "The security token included in the request is expired"
            raise ApiError("ExpiredTokenException", 403, message)


def account_of(role_arn: str) -> str:
    """Return the account id in the ARN of a role."""
    return role_arn.split(":")[4]

"""Which credentials a target has, and whose they are."""

from dataclasses import dataclass
from functools import partial

from exporter.aws.errors import malformed
from exporter.aws.target_client import TargetClient

SHORTEST_KEY_ID = 16  # characters of a real key; the end of a shorter text would reveal too much of it

SOURCES = {
    "env": "environment",
    "shared-credentials-file": "credentials file",
    "config-file": "configuration file",
    "custom-process": "credential process",
    "assume-role": "role of a profile",
    "assume-role-with-web-identity": "web identity",
    "sso": "SSO",
    "login": "console login",
    "container-role": "container",
    "iam-role": "instance role",
    "explicit": "program",
}
"""Readable names of botocore's credential providers."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Where credentials come from.

    Attributes:
        source: where the credential chain found them (`environment`, `instance role`).
        key_end: the last four characters of the access key ID; empty if it is not a real one.
    """

    source: str
    key_end: str

    def __str__(self) -> str:
        return f"{self.source}, access key ...{self.key_end}" if self.key_end else self.source


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller's identity: account ID, and ARN of a user or of a role session."""

    account_id: str
    arn: str


class TargetIdentity(TargetClient):
    """Makes the calls of one target, and says which identity it uses."""

    def credentials(self) -> Credentials:
        """Find the credentials of the target's profile, which assume its role if it has one.

        Raises:
            AwsError: they could not be found.
        """
        own = self._profile.credentials.get()
        key_end = own.access_key[-4:] if len(own.access_key) >= SHORTEST_KEY_ID else ""
        return Credentials(SOURCES.get(own.method, own.method), key_end)

    def assume_role(self) -> None:
        """Assume the target's role.

        Raises:
            AwsError: STS refused the call or could not be reached, or the response is malformed.
        """
        self.cached_credentials.get()

    def caller(self, region: str) -> Caller:
        """Ask STS for the identity of the credentials.

        Raises:
            AwsError: STS refused the call or could not be reached, or the response is malformed.
        """
        sts = partial(self._profile.client, "sts", region)
        answer = self._signed_call(self.cached_credentials, sts, "GetCallerIdentity", {})
        if not answer.get("Account"):
            raise malformed("GetCallerIdentity", "the response has no Account")
        return Caller(str(answer["Account"]), str(answer.get("Arn") or ""))

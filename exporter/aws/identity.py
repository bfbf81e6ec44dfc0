"""Which credentials a target has, and who AWS says that is."""

from dataclasses import dataclass
from functools import partial

from exporter.aws.errors import malformed
from exporter.aws.target_client import TargetClient

SHORTEST_KEY_ID = 16  # characters, as AWS makes them; the end of a shorter text would tell too much of it

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
"""What people call the places where botocore finds credentials."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Credentials that were found.

    Attributes:
        source: where the default chain found them (`environment`, `instance role`).
        key_end: the last four characters of the access key id; empty when it is none of AWS.
    """

    source: str
    key_end: str

    def __str__(self) -> str:
        return f"{self.source}, access key ...{self.key_end}" if self.key_end else self.source


@dataclass(frozen=True, slots=True)
class Caller:
    """Who AWS says that asks: twelve digits, and the ARN of a user or of a role's session."""

    account_id: str
    arn: str


class TargetIdentity(TargetClient):
    """The way into one target, which also tells whose way it is."""

    def credentials(self) -> Credentials:
        """Find the target's credentials, those that assume its role where it has one.

        Raises:
            AwsError: there are none, or they cannot be had.
        """
        own = self._profile.credentials.get()
        key_end = own.access_key[-4:] if len(own.access_key) >= SHORTEST_KEY_ID else ""
        return Credentials(SOURCES.get(own.method, own.method), key_end)

    def assume_role(self) -> None:
        """Assume the target's role.

        Raises:
            AwsError: STS refused, could not be reached, or what came is not its answer.
        """
        self._credentials.get()

    def caller(self, region: str) -> Caller:
        """Ask STS who the credentials belong to.

        Raises:
            AwsError: STS refused, could not be reached, or what came is not its answer.
        """
        sts = partial(self._profile.client, "sts", region)
        answer = self._signed_call(self._credentials, sts, "GetCallerIdentity", {})
        if not answer.get("Account"):
            raise malformed("GetCallerIdentity", "an answer without Account")
        return Caller(str(answer["Account"]), str(answer.get("Arn") or ""))

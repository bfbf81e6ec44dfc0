"""Which values of the environment, the AWS configuration files and the calls themselves are secret."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from botocore.credentials import Credentials
from botocore.session import Session

from exporter.runtime import Secrets, user_info

_SECRET_NAMES = (
    "accesskeyid",
    "secret",
    "token",
    "password",
    "assertion",
    "externalid",
    "starturl",
    "credentialprocess",
    "relativeuri",  # of a container's credentials, which are available to anyone who knows it
)
_NO_SECRETS = ("file", "type", "expiration")
_TOKEN_OPERATIONS = ("sts.AssumeRoleWithWebIdentity", "sso", "sso-oidc", "signin")


def in_environment(variables: Mapping[str, str]) -> Iterator[str]:
    """Return the secret values of the environment: AWS variables, and user and password of proxies."""
    for name, value in variables.items():
        if name.upper().endswith("_PROXY"):
            yield from user_info(value)
        elif name.startswith("AWS_"):
            yield from _secret_values({name: value})


def keep_secrets_of_profiles(session: Session, secrets: Secrets) -> None:
    """Mask the secrets in the AWS configuration files.

    Raises:
        BotoCoreError: they cannot be read.
    """
    secrets.keep("profiles", *_secret_values(session.full_config))


def keep_tokens_of(session: Session, owner: str, secrets: Secrets) -> None:
    """Mask the tokens with which a session requests credentials, each time."""
    for operation in _TOKEN_OPERATIONS:
        session.register(f"before-parameter-build.{operation}", partial(_keep_parameters, secrets, owner))


def keep_keys(secrets: Secrets, credentials: Credentials) -> None:
    """Mask credentials that are about to be used, unless they are the client's placeholder."""
    if credentials.method != "explicit":
        keys = credentials.access_key, credentials.secret_key, credentials.token or ""
        secrets.keep_while_used(credentials, *keys)


def _keep_parameters(secrets: Secrets, owner: str, params: Mapping[str, Any], **_: Any) -> None:
    secrets.keep(owner, *_secret_values(params))


def _secret_values(settings: Mapping[str, Any]) -> Iterator[str]:
    """Return the values of settings with secret names, and user and password of URLs, at any depth."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _secret_values(value)
        elif isinstance(value, str) and _is_secret(name):
            yield value
        elif isinstance(value, str) and "://" in value:
            yield from user_info(value)


def _is_secret(name: str) -> bool:
    plain = name.lower().replace("_", "").replace("-", "")
    return any(part in plain for part in _SECRET_NAMES) and not plain.endswith(_NO_SECRETS)

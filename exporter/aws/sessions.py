"""botocore sessions: one per AWS profile, with the default credential chain and shared service models."""

import os
from collections.abc import Callable
from contextlib import suppress
from itertools import product

from botocore.exceptions import RefreshWithMFAUnsupportedError
from botocore.loaders import Loader, create_loader
from botocore.session import Session

from exporter.aws.known_secrets import keep_secrets_of_profiles, keep_tokens_of
from exporter.runtime import Secrets

OpenSession = Callable[[str | None], Session]
"""Opens a new botocore session for a profile, or for the default credential chain."""


def shared_loader() -> Loader:
    """Create a loader of service models for all sessions: a loader per session needs ten times the memory.

    The models that clients need are loaded here. When the clients of many targets are created at the same
    time, each thread would otherwise load them again and look at thousands of files, which takes half a
    minute for a hundred targets.
    """
    # A session would create it from its profile, which may not exist.
    loader: Loader = create_loader(os.environ.get("AWS_DATA_PATH"))
    with suppress(Exception):  # a damaged model: each call that needs it fails with the same reason
        for service, model in product(("backup", "sts"), ("service-2", "endpoint-rule-set-1")):
            loader.load_service_model(service, model, api_version=None)  # the same call that a client makes
        for data in ("endpoints", "partitions", "sdk-default-configuration"):
            loader.load_data(data)
    return loader


def default_session(profile: str | None, loader: Loader, secrets: Secrets | None = None) -> Session:
    """Open a session for a profile, or for the default credential chain.

    Secrets in the AWS configuration files, and the tokens with which the chain requests credentials, are
    added to `secrets`. Files and profiles that cannot be read do not raise an error yet.
    """
    session = Session(profile=profile)
    session.register_component("data_loader", loader)
    # botocore itself reads only AWS_DEFAULT_REGION; containers and other SDKs set AWS_REGION.
    if region := os.environ.get("AWS_REGION"):
        session.set_config_variable("region", region)
    secrets = secrets or Secrets()
    keep_tokens_of(session, f"profile {profile}", secrets)
    with suppress(Exception):  # the first call to AWS fails with the same reason
        keep_secrets_of_profiles(session, secrets)
        _disable_mfa_prompt(session)
    return session


def _disable_mfa_prompt(session: Session) -> None:
    """Raise an error where a profile requires an MFA code, instead of waiting for input."""
    provider = session.get_component("credential_provider").get_provider("assume-role")
    provider._prompter = _refuse_mfa  # noqa: SLF001 - botocore has no public setting


def _refuse_mfa(_: str) -> str:
    raise RefreshWithMFAUnsupportedError

"""Credentials and clients: one session for each target, one client for each of its Regions."""

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from itertools import product
from typing import Any, Protocol

import boto3
import botocore.session
from botocore.config import Config as ClientConfig
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import BotoCoreError, NoCredentialsError
from botocore.loaders import Loader
from botocore.session import Session as BotocoreSession

from exporter import __version__
from exporter.aws.deadline import Call, Deadlines
from exporter.aws.faults import from_boto
from exporter.aws.rows import read_answer
from exporter.config import Api, Target

OpenSession = Callable[[Target], BotocoreSession]

SIDE_BY_SIDE = 32  # jobs that are described at the same time, of all targets together
CONNECTIONS = SIDE_BY_SIDE + 8  # those, the lists of each kind, and what is asked in the background
ROLE_SESSION_NAME = "aws-backup-exporter"


class Client(Protocol):
    """What is used of a boto3 client."""

    def __getattr__(self, operation: str) -> Callable[..., Mapping[str, Any]]: ...


def shared_loader() -> Loader:
    """Make a loader of service models for all sessions: a session with its own costs ten times the memory.

    It has read what clients need. Where the clients of many targets are made at the same time, each thread
    would read it anew, and look at thousands of files: with a hundred targets for half a minute.
    """
    loader: Loader = BotocoreSession().get_component("data_loader")
    for service, model in product(("backup", "sts"), ("service-2", "endpoint-rule-set-1")):
        loader.load_service_model(service, model, api_version=None)  # the very call that a client makes
    for data in ("endpoints", "partitions", "sdk-default-configuration"):
        loader.load_data(data)
    return loader


def default_session(target: Target, loader: Loader) -> BotocoreSession:
    """Open a session on the default credential chain, or on the target's profile."""
    session = botocore.session.Session(profile=target.profile)
    session.register_component("data_loader", loader)
    # botocore itself knows AWS_DEFAULT_REGION only; containers and other SDKs say AWS_REGION.
    if region := os.environ.get("AWS_REGION"):
        session.set_config_variable("region", region)
    return session


def regions_of(target: Target, open_session: OpenSession) -> tuple[str, ...]:
    """The target's Regions, else the one of the default chain, else one without a name."""
    if target.regions:
        return target.regions
    try:
        return (open_session(target).get_config_variable("region") or "",)
    except BotoCoreError:
        return ("",)  # asking AWS will fail for the same reason and say so


class Access:
    """The way into one target: its credentials, and a client for each Region, made when first needed.

    Args:
        target: whose credentials, role and endpoint to use.
        api: time-outs.
        open_session: gives a new botocore session for the target.
        deadlines: ends calls that take too long.
    """

    def __init__(self, target: Target, api: Api, open_session: OpenSession, deadlines: Deadlines) -> None:
        self._target = target
        self._open_session = open_session
        self._deadlines = deadlines
        self._seconds_per_call = api.connect_timeout + api.read_timeout
        self._config = ClientConfig(
            connect_timeout=api.connect_timeout,
            read_timeout=api.read_timeout,
            retries={"total_max_attempts": 1, "mode": "standard"},
            max_pool_connections=CONNECTIONS,
            user_agent_extra=f"aws-backup-exporter/{__version__}",
        )
        self._session: boto3.Session | None = None
        self._clients: dict[str, Client] = {}
        self._lock = threading.Lock()  # clients may be shared between threads, sessions may not

    def client(self, region: str) -> Client:
        """Give the client for a Region.

        Raises:
            AwsError: there are no usable credentials, or no such Region.
        """
        with self._lock:
            if region not in self._clients:
                try:
                    self._clients[region] = self._make_client(region)
                except Exception as error:
                    self._session = None
                    raise from_boto("CreateClient", error) from error
            return self._clients[region]

    def within_deadline(self) -> AbstractContextManager[Call]:
        """End the calls in the block when the time-outs have passed, however fast AWS sends its bytes."""
        return self._deadlines.within(self._seconds_per_call)

    def renew(self) -> None:
        """Forget credentials and clients, so that new ones are read when next needed."""
        with self._lock:
            self._session = None
            self._clients.clear()

    def _new_session(self) -> BotocoreSession:
        session = self._open_session(self._target)
        session.set_default_client_config(self._config)  # else SSO and web identity wait for minutes
        return session

    def _make_client(self, region: str) -> Client:
        if self._session is None:
            session = self._new_session()
            if self._target.role_arn:
                self._assume(self._target.role_arn, session, region)
            self._session = boto3.Session(botocore_session=session)
        client = self._session.client(
            "backup",
            region_name=region or None,
            endpoint_url=self._target.endpoint_url,
        )
        self._deadlines.apply_to(client)
        client.meta.events.register("before-parse.backup", read_answer)
        made: Client = client
        return made

    def _assume(self, role_arn: str, session: BotocoreSession, region: str) -> None:
        own_credentials = session.get_component("credential_provider").load_credentials()
        if own_credentials is None:
            raise NoCredentialsError
        fetcher = AssumeRoleCredentialFetcher(
            client_creator=self._sts_creator(session, region),
            source_credentials=own_credentials,
            role_arn=role_arn,
            extra_args=self._role_arguments(),
        )
        session.register_component("credential_provider", CredentialResolver([_AssumedRole(fetcher)]))

    def _sts_creator(self, session: BotocoreSession, region: str) -> Callable[..., Any]:
        def create(service: str, **arguments: Any) -> Any:
            client = session.create_client(service, region_name=region or None, **arguments)
            self._deadlines.apply_to(client)
            return client

        return create

    def _role_arguments(self) -> dict[str, str]:
        arguments = {"RoleSessionName": ROLE_SESSION_NAME}
        if self._target.external_id:
            arguments["ExternalId"] = self._target.external_id.get_secret_value()
        return arguments


class _AssumedRole(CredentialProvider):
    """Credentials of an assumed role; they renew themselves before they expire."""

    METHOD = "assume-role"

    def __init__(self, fetcher: AssumeRoleCredentialFetcher) -> None:
        super().__init__()
        self._fetcher = fetcher

    def load(self) -> DeferredRefreshableCredentials:
        return DeferredRefreshableCredentials(
            method=self.METHOD, refresh_using=self._fetcher.fetch_credentials
        )

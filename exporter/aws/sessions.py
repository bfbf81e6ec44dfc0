"""Sessions and clients, which all targets share, and the credentials of each target, which sign its calls.

A client knows no credentials: each call is handed those that sign it. So a thousand roles need one client for
each Region, not a thousand.
"""

import json
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from itertools import product
from typing import Any, Protocol
from weakref import WeakValueDictionary
from zlib import crc32

from botocore import xform_name
from botocore.config import Config as ClientConfig
from botocore.credentials import Credentials
from botocore.exceptions import NoCredentialsError, RefreshWithMFAUnsupportedError
from botocore.loaders import Loader, create_loader
from botocore.session import Session

from exporter import __version__
from exporter.aws.cpu_turns import Turns
from exporter.aws.credentials import Lease, LeasedCredentials
from exporter.aws.deadlines import Call, Deadlines
from exporter.aws.errors import from_boto, malformed, timed_out
from exporter.aws.known_secrets import keep_secrets_of_profiles, keep_tokens_of
from exporter.aws.parsing import read_answer
from exporter.aws.surrogates import replace_lone_surrogates
from exporter.config import Api, Target
from exporter.runtime import Secrets

OpenSession = Callable[[str | None], Session]
"""Opens a new botocore session on a profile, or on the default credential chain."""

Answer = Mapping[str, Any]

SIDE_BY_SIDE = 32  # jobs that are described at the same time, of all targets together
CONNECTIONS = 1000  # that a client keeps open at most: so many calls may be under way when AWS hangs
ROLE_SESSION_NAME = "aws-backup-exporter"

CHECKED_EVERY = 1.0  # seconds between two looks at whether botocore wants to renew what it found
CHECK_OVERDUE = 60.0  # seconds for which that may fail; botocore begins ten minutes before the end
RENEWED_FROM, RENEWED_UNTIL = 0.6, 0.8  # of the life of a role's credentials; each role at its own time
MARGIN = 60.0  # seconds before they expire: what is signed with them has to arrive

_SIGNED_BY = "_signed_by"  # the parameter that hands a call its credentials
_NOBODY = "none"  # whose key a client has: if a call were not handed its credentials, AWS would refuse it
_NOT_OF_CLIENTS = (
    "aws_",
    "credential_",
    "duration_seconds",
    "external_id",
    "login_session",
    "mfa_serial",
    "region",
    "role_",
    "source_profile",
    "sso_",
    "web_identity_",
)
"""How those settings of a profile begin that a client does not hang on: its Region is named in any case."""


class Client(Protocol):
    """What is used of a botocore client."""

    def __getattr__(self, operation: str) -> Callable[..., Answer]: ...


def shared_loader() -> Loader:
    """Make a loader of service models for all sessions: a session with its own costs ten times the memory.

    It has read what clients need. Where the clients of many targets are made at the same time, each thread
    would read it anew, and look at thousands of files: with a hundred targets for half a minute.
    """
    # A session would make it from its profile, which may not exist.
    loader: Loader = create_loader(os.environ.get("AWS_DATA_PATH"))
    with suppress(Exception):  # a damaged model: whoever needs it will fail for the same reason and say so
        for service, model in product(("backup", "sts"), ("service-2", "endpoint-rule-set-1")):
            loader.load_service_model(service, model, api_version=None)  # the very call that a client makes
        for data in ("endpoints", "partitions", "sdk-default-configuration"):
            loader.load_data(data)
    return loader


def default_session(profile: str | None, loader: Loader, secrets: Secrets | None = None) -> Session:
    """Open a session on a profile, or on the default credential chain.

    What is secret in the AWS configuration files, and what the chain asks for credentials with, becomes known
    to `secrets`. Files and profiles that cannot be read raise nothing yet.
    """
    session = Session(profile=profile)
    session.register_component("data_loader", loader)
    # botocore itself knows AWS_DEFAULT_REGION only; containers and other SDKs say AWS_REGION.
    if region := os.environ.get("AWS_REGION"):
        session.set_config_variable("region", region)
    secrets = secrets or Secrets()
    keep_tokens_of(session, f"profile {profile}", secrets)
    with suppress(Exception):  # asking AWS will fail for the same reason and say so
        keep_secrets_of_profiles(session, secrets)
        _ask_nobody(session)
    return session


def _ask_nobody(session: Session) -> None:
    """Fail where a profile wants a code of a person, in place of waiting for somebody to type it."""
    provider = session.get_component("credential_provider").get_provider("assume-role")
    provider._prompter = _no_code  # noqa: SLF001 - botocore gives no other way


def _no_code(_: str) -> str:
    raise RefreshWithMFAUnsupportedError


class Clients:
    """The clients in use: one for all who ask the same service in the same Region with the same settings.

    It lives as long as somebody uses it.

    Attributes:
        turns: whose turn it is to compute.
    """

    def __init__(self) -> None:
        self.turns = Turns()
        self._made: WeakValueDictionary[object, Any] = WeakValueDictionary()
        self._making = threading.Lock()

    def __len__(self) -> int:
        return len(self._made)

    def get(self, session: Session, service: str, region: str, endpoint_url: str | None) -> Client:
        """Give the client for a service in a Region, with the settings of the session's profile."""
        with self._making:
            key = service, region, endpoint_url, _settings(session)
            client: Any = self._made.get(key)
            if client is None:
                client = session.create_client(
                    service,
                    region_name=region or None,
                    endpoint_url=endpoint_url,
                    aws_access_key_id=_NOBODY,
                    aws_secret_access_key=_NOBODY,
                )
                self._made[key] = client
            made: Client = client
            return made


class Profiles:
    """The AWS profiles that the targets of one configuration use; those who use the same one share it.

    Args:
        api: time-outs.
        open_session: gives a new botocore session for a profile.
        clients: those in use.
        deadlines: ends calls that take too long.
        clock: seconds since 1970.
        steady: seconds on a monotonic clock.
        learn: told of all credentials before they are used, again each time that they are renewed.
    """

    def __init__(
        self,
        api: Api,
        open_session: OpenSession,
        clients: Clients,
        *,
        deadlines: Deadlines,
        clock: Callable[[], float],
        steady: Callable[[], float],
        learn: Callable[[Credentials], None] = lambda _: None,
    ) -> None:
        self.clients = clients
        self.clock = clock
        self._deadlines = deadlines
        self._api = api
        self._open_session = open_session
        self._steady = steady
        self._learn = learn
        self._profiles: dict[str | None, Profile] = {}
        self._reader: Session | None = None
        self._lock = threading.Lock()  # sessions are opened one at a time, so that others get to compute

    def get(self, name: str | None) -> "Profile":
        """Give a profile; without a name, the default credential chain."""
        with self._lock:
            if name not in self._profiles:
                self._profiles[name] = Profile(name, self)
            return self._profiles[name]

    def region_of(self, name: str | None) -> str:
        """The Region of a profile or of the environment; empty when none is set or the profile is unknown."""
        try:
            with self._lock:
                reader = self._reading()
                reader.set_config_variable("profile", name)
                return str(reader.get_config_variable("region") or "")
        except Exception:  # a profile, a file or a setting that botocore cannot use
            return ""  # asking AWS will fail for the same reason and say so

    def regions_with(self, service: str) -> tuple[str, ...]:
        """The Regions of which this version of the SDK knows that they offer a service, if any."""
        with self._lock, suppress(Exception):  # damaged models: asking AWS fails for the same reason
            reader = self._reading()
            partitions = reader.get_available_partitions()
            return tuple(
                region for one in partitions for region in reader.get_available_regions(service, one)
            )
        return ()

    def open(self, name: str | None) -> Session:
        """Open a new session; every client is made from one of these, also those of the credential chain."""
        with self._lock:
            session = self._open_session(name)
            session.set_default_client_config(_client_config(self._api))
            events: Any = session.get_component("event_emitter")  # each client has those of its session
            events.register("creating-client-class", self._let_calls_end)
            events.register("provide-client-params", _sign_by_parameter)
            events.register("before-send", self.clients.turns.waits)
            for answered in ("before-parse", "before-parse.backup"):  # the most specific come first
                events.register(answered, self._deadlines.answered)
                events.register(answered, self.clients.turns.goes_on)
            events.register("before-parse.backup", replace_lone_surrogates)
            events.register("before-parse.backup", read_answer)
            return session

    def within_deadline(self) -> AbstractContextManager[Call]:
        """End the calls in the block when the time-outs have passed, however fast AWS sends its bytes."""
        return self._deadlines.within(self._api.connect_timeout + self._api.read_timeout)

    def leased(self, fetch: Callable[[bool], Lease]) -> LeasedCredentials:
        """Give credentials that are fetched so."""
        return LeasedCredentials(fetch, self._steady, self._learn)

    def _let_calls_end(self, base_classes: list[type], **_: object) -> None:
        """Let a client's calls end at their deadline; a handler of botocore's `creating-client-class`."""
        deadlines = self._deadlines

        class WithDeadlines:
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                super().__init__(*args, **kwargs)
                deadlines.apply_to(self)

        base_classes.insert(0, WithDeadlines)

    def _reading(self) -> Session:
        """One session reads the files for all profiles: with hundreds of them that takes a while."""
        if self._reader is None:
            self._reader = self._open_session(None)
        return self._reader


class Profile:
    """One AWS profile: its clients, and the credentials that its chain finds.

    Attributes:
        credentials: those of the chain.
    """

    def __init__(self, name: str | None, profiles: Profiles) -> None:
        self._name = name
        self._profiles = profiles
        self._session: Session | None = None
        self._credentials: Credentials | None = None
        self._clients: dict[tuple[str, str, str | None], Client] = {}
        self._lock = threading.RLock()  # clients may be shared between threads, sessions may not
        self.credentials = profiles.leased(self._find)

    def client(self, service: str, region: str, endpoint_url: str | None = None) -> Client:
        """Give the client for a service in a Region, to make calls that are handed their credentials.

        Raises:
            AwsError: the profile's settings do not do, or there is no such Region.
        """
        wanted = service, region, endpoint_url
        if client := self._clients.get(wanted):
            return client
        try:
            with self._lock:
                client = self._clients[wanted] = self._profiles.clients.get(self._opened(), *wanted)
                return client
        except Exception as error:
            if self._credentials:
                self.credentials.refuse(self._credentials)  # what is wrong may be put right in the files
            raise from_boto("CreateClient", error) from error

    def _opened(self) -> Session:
        if self._session is None:
            self._session = self._profiles.open(self._name)
        return self._session

    def _find(self, anew: bool) -> Lease:
        """Let botocore look for credentials, or renew what it found, where that is due."""
        try:
            with self._lock, self._profiles.within_deadline():
                if anew:
                    self._session = None
                found = self._opened().get_credentials()
                if found is None:
                    raise NoCredentialsError
                keys = found.get_frozen_credentials()
        except Exception as error:
            raise from_boto("GetCredentials", error) from error
        if self._credentials is None or self._credentials.get_frozen_credentials() != keys:
            self._credentials = Credentials(
                str(keys.access_key), str(keys.secret_key), keys.token, found.method, keys.account_id
            )
        return Lease(self._credentials, CHECKED_EVERY, CHECK_OVERDUE)


class Access:
    """The way into one target: its credentials, and the clients that it shares with others.

    Args:
        target: whose profile, role and endpoint to use.
        region: where its role is assumed.
        profiles: those in use.
    """

    def __init__(self, target: Target, region: str, profiles: Profiles) -> None:
        self._target = target
        self._profile = profiles.get(target.profile)
        self._profiles = profiles
        self._turns = profiles.clients.turns
        self._region = region
        self._credentials = profiles.leased(self._assume) if target.role_arn else self._profile.credentials

    def call(self, region: str, operation: str, **asked: Any) -> Answer:
        """Make one call to AWS Backup.

        Args:
            region: in which Region.
            operation: as AWS spells it.
            asked: the call's parameters.

        Raises:
            AwsError: there are no usable credentials, AWS refused or could not be reached.
        """
        client = partial(self._profile.client, "backup", region, self._target.endpoint_url)
        return self._signed(self._credentials, client, operation, asked)

    def _signed(
        self,
        credentials: LeasedCredentials,
        client: Callable[[], Client],
        operation: str,
        asked: Mapping[str, Any],
    ) -> Answer:
        """Make a call that is signed with these credentials; those that AWS refuses are fetched anew.

        Raises:
            AwsError: there are no credentials, AWS refused or could not be reached.
        """
        signed_by, made = credentials.get(), client()
        with self._turns.taken(), self._profiles.within_deadline() as call:
            try:
                answer: Answer = getattr(made, xform_name(operation))(**asked, **{_SIGNED_BY: signed_by})
            except Exception as error:
                if call.expired:
                    raise timed_out(operation) from None
                fault = from_boto(operation, error)
                if fault.is_about_credentials:
                    credentials.refuse(signed_by)
                raise fault from error
        if call.expired:
            raise timed_out(operation)
        return answer

    def _assume(self, _anew: bool) -> Lease:
        role_arn, external_id = self._target.role_arn or "", self._target.external_id
        asked = {"RoleArn": role_arn, "RoleSessionName": ROLE_SESSION_NAME}
        if external_id:
            asked["ExternalId"] = external_id.get_secret_value()
        sts = partial(self._profile.client, "sts", self._region)
        answer = self._signed(self._profile.credentials, sts, "AssumeRole", asked)
        given = answer.get("Credentials") or {}
        try:
            credentials = Credentials(
                given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], "assume-role"
            )
            life = (given["Expiration"] - _date(answer, self._profiles.clock)).total_seconds()
        except (KeyError, TypeError):
            raise malformed("AssumeRole", "an answer without credentials") from None
        own_time = crc32(role_arn.encode()) / 2**32
        fresh = RENEWED_FROM + (RENEWED_UNTIL - RENEWED_FROM) * own_time
        return Lease(credentials, fresh * life, max(fresh * life, life - MARGIN))


def regions_of(target: Target, profiles: Profiles) -> tuple[str, ...]:
    """The target's Regions, else that of its profile or of the environment, else one without a name."""
    return target.regions or (profiles.region_of(target.profile),)


def _sign_by_parameter(params: Mapping[str, Any], context: dict[str, Any], **_: object) -> Any:
    """Take the credentials out of a call's parameters; a handler of botocore's `provide-client-params`."""
    if _SIGNED_BY not in params:
        return None  # a call of the credential chain, by a client with credentials of its own
    context["signing"] = {"request_credentials": params[_SIGNED_BY]}
    return {name: value for name, value in params.items() if name != _SIGNED_BY}


def _client_config(api: Api) -> ClientConfig:
    return ClientConfig(
        connect_timeout=api.connect_timeout,
        read_timeout=api.read_timeout,
        retries={"total_max_attempts": 1, "mode": "standard"},
        max_pool_connections=CONNECTIONS,
        user_agent_extra=f"aws-backup-exporter/{__version__}",
    )


def _settings(session: Session) -> str:
    """Write down all that a client takes from the session, beside the environment."""
    config: Any = session.get_default_client_config()
    scoped = session.get_scoped_config()
    about_clients = {name: value for name, value in scoped.items() if not name.startswith(_NOT_OF_CLIENTS)}
    services = session.full_config.get("services", {}).get(scoped.get("services"))
    return json.dumps([config.connect_timeout, config.read_timeout, about_clients, services], sort_keys=True)


def _date(answer: Answer, clock: Callable[[], float]) -> datetime:
    """When AWS answered, by its own clock where it tells."""
    try:
        return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
    except (KeyError, TypeError, ValueError):
        return datetime.fromtimestamp(clock(), UTC)

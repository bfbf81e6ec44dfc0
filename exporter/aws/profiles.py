"""The AWS profiles that targets use: their sessions, settings and credentials."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Any

from botocore.credentials import Credentials
from botocore.exceptions import NoCredentialsError
from botocore.session import Session

from exporter.aws.client_cache import Client, Clients, client_config, use_given_credentials
from exporter.aws.credentials import CachedCredentials, FetchedCredentials
from exporter.aws.deadlines import Call, Deadlines
from exporter.aws.errors import from_boto
from exporter.aws.lone_surrogates import replace_lone_surrogates
from exporter.aws.sessions import OpenSession
from exporter.config import Api, Target

CHECK_INTERVAL = 1.0  # seconds between two checks whether botocore has renewed the credentials of its chain
CHECK_GRACE = 60.0  # seconds for which a check may fail; botocore renews ten minutes before the expiry


class Profiles:
    """The AWS profiles that the targets of one configuration use; targets with the same profile share it.

    Args:
        api: time-outs.
        open_session: opens a new botocore session for a profile.
        clients: the clients in use.
        deadlines: ends calls that take too long.
        clock: seconds since 1970.
        steady: seconds on a monotonic clock.
        on_new_credentials: called with all credentials before they are used, and when they are renewed.
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
        on_new_credentials: Callable[[Credentials], None] = lambda _: None,
    ) -> None:
        self.clients = clients
        self.clock = clock
        self._deadlines = deadlines
        self._api = api
        self._open_session = open_session
        self._steady = steady
        self._on_new_credentials = on_new_credentials
        self._profiles: dict[str | None, Profile] = {}
        self._settings_session: Session | None = None
        self._lock = threading.Lock()  # opens one session at a time, so that other threads get CPU time

    def get(self, name: str | None) -> "Profile":
        """Return a profile; without a name, the default credential chain."""
        with self._lock:
            if name not in self._profiles:
                self._profiles[name] = Profile(name, self)
            return self._profiles[name]

    def region_of(self, name: str | None) -> str:
        """The Region of a profile or of the environment; empty when none is set or the profile is unknown."""
        try:
            with self._lock:
                session = self._session_for_settings()
                session.set_config_variable("profile", name)
                return str(session.get_config_variable("region") or "")
        except Exception:  # a profile, a file or a setting that botocore cannot use
            return ""  # the first call to AWS fails with the same reason

    def regions_with(self, service: str) -> tuple[str, ...]:
        """The Regions that offer a service, as far as this version of the SDK knows."""
        with self._lock, suppress(Exception):  # damaged models: the first call to AWS fails likewise
            session = self._session_for_settings()
            partitions = session.get_available_partitions()
            return tuple(
                region for one in partitions for region in session.get_available_regions(service, one)
            )
        return ()

    def open(self, name: str | None) -> Session:
        """Open a new session; all clients come from such sessions, those of the credential chain too."""
        with self._lock:
            session = self._open_session(name)
            session.set_default_client_config(client_config(self._api))
            events: Any = session.get_component("event_emitter")  # each client inherits its session's events
            events.register("creating-client-class", self._add_deadlines)
            events.register("provide-client-params", use_given_credentials)
            events.register("before-send", self.clients.cpu_limiter.release)
            events.register("before-parse", self._deadlines.answered)
            events.register("before-parse", self.clients.cpu_limiter.reacquire)
            for service in ("organizations", "resource-groups-tagging-api"):
                events.register(f"before-parse.{service}", replace_lone_surrogates)
            return session

    def client(self, session: Session, service: str, region: str, endpoint_url: str | None) -> Client:
        """Return the client for a service in a Region, with the settings of the session's profile."""
        return self.clients.get(session, self._deadlines, service, region, endpoint_url)

    def within_deadline(self) -> AbstractContextManager[Call]:
        """End the calls in the block when the time-outs have passed, however fast AWS sends its bytes."""
        return self._deadlines.within(self._api.connect_timeout + self._api.read_timeout)

    def cached(self, fetch: Callable[[bool], FetchedCredentials]) -> CachedCredentials:
        """Cache the credentials that a function fetches."""
        return CachedCredentials(fetch, self._steady, self._on_new_credentials)

    def _add_deadlines(self, base_classes: list[type], **_: object) -> None:
        """Make a client's calls end at their deadline; a handler of botocore's `creating-client-class`."""
        deadlines = self._deadlines

        class WithDeadlines:
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                super().__init__(*args, **kwargs)
                deadlines.apply_to(self)

        base_classes.insert(0, WithDeadlines)

    def _session_for_settings(self) -> Session:
        """Return the session that reads the files for all profiles: hundreds of sessions would be slow."""
        if self._settings_session is None:
            self._settings_session = self._open_session(None)
        return self._settings_session


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
        self._lock = threading.RLock()  # threads may share clients, but not sessions
        self.credentials = profiles.cached(self._fetch)

    def client(self, service: str, region: str, endpoint_url: str | None = None) -> Client:
        """Return the client for a service in a Region; its calls have to be given credentials.

        Raises:
            AwsError: the profile's settings are invalid, or there is no such Region.
        """
        key = service, region, endpoint_url
        if client := self._clients.get(key):
            return client
        try:
            with self._lock:
                client = self._clients[key] = self._profiles.client(self._open_session(), *key)
                return client
        except Exception as error:
            if self._credentials:
                self.credentials.mark_rejected(self._credentials)  # the files may be corrected meanwhile
            raise from_boto("CreateClient", error) from error

    def _open_session(self) -> Session:
        if self._session is None:
            self._session = self._profiles.open(self._name)
        return self._session

    def _fetch(self, start_over: bool) -> FetchedCredentials:
        """Let botocore find credentials, or renew those it found, when that is due."""
        try:
            with self._lock, self._profiles.within_deadline():
                if start_over:
                    self._session = None
                found = self._open_session().get_credentials()
                if found is None:
                    raise NoCredentialsError
                keys = found.get_frozen_credentials()
        except Exception as error:
            raise from_boto("GetCredentials", error) from error
        if self._credentials is None or self._credentials.get_frozen_credentials() != keys:
            self._credentials = Credentials(
                str(keys.access_key), str(keys.secret_key), keys.token, found.method, keys.account_id
            )
        return FetchedCredentials(self._credentials, CHECK_INTERVAL, CHECK_GRACE)


def regions_of(target: Target, profiles: Profiles) -> tuple[str, ...]:
    """The target's Regions, else that of its profile or of the environment, else one without a name."""
    return target.regions or (profiles.region_of(target.profile),)

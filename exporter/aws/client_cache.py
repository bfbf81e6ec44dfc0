"""botocore clients, shared by all targets with the same Region, endpoint and settings.

A client has no credentials: each call passes those that sign it. So a thousand roles in one Region share one
client.
"""

import json
import threading
from collections.abc import Mapping
from typing import Any, Protocol
from weakref import WeakValueDictionary

from botocore import xform_name
from botocore.config import Config as ClientConfig
from botocore.credentials import Credentials
from botocore.session import Session

from exporter import __version__
from exporter.aws.backup_client import BackupClient
from exporter.aws.cpu_limiter import CpuLimiter
from exporter.aws.deadlines import Deadlines
from exporter.aws.services import AWS_BACKUP
from exporter.config import Api
from exporter.model import Answer

MAX_CONNECTIONS = 1000  # open connections per client: as many calls may be in progress when AWS hangs

_SIGNED_BY = "_signed_by"  # the call parameter that holds the credentials
_PLACEHOLDER = "none"  # the client's own key: AWS refuses a call that is not given credentials
_NOT_CLIENT_SETTINGS = (
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
"""Prefixes of profile settings that do not affect a client; its Region is always given."""


class Client(Protocol):
    """Makes calls of one service in one Region."""

    def call(self, operation: str, parameters: Mapping[str, Any], credentials: Credentials) -> Answer:
        """Make one call, signed with these credentials."""


class BotocoreClient:
    """Makes calls with a botocore client whose session handles `use_given_credentials`."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def call(self, operation: str, parameters: Mapping[str, Any], credentials: Credentials) -> Answer:
        """Make one call.

        Raises:
            BotoCoreError, ClientError: as the botocore client.
        """
        method = getattr(self._client, xform_name(operation))
        answer: Answer = method(**parameters, **{_SIGNED_BY: credentials})
        return answer


class Clients:
    """The clients in use: one for each combination of service, Region, endpoint and settings.

    A client is released when nothing uses it any more.

    Attributes:
        cpu_limiter: limits the CPU-bound work of all calls.
    """

    def __init__(self) -> None:
        self.cpu_limiter = CpuLimiter()
        self._clients: WeakValueDictionary[object, Client] = WeakValueDictionary()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._clients)

    def get(
        self, session: Session, deadlines: Deadlines, service: str, region: str, endpoint_url: str | None
    ) -> Client:
        """Return the client for a service in a Region, with the settings of the session's profile."""
        with self._lock:
            key = service, region, endpoint_url, _settings(session)
            client = self._clients.get(key)
            if client is None:
                botocore_client = session.create_client(
                    service,
                    region_name=region or None,
                    endpoint_url=endpoint_url,
                    aws_access_key_id=_PLACEHOLDER,
                    aws_secret_access_key=_PLACEHOLDER,
                )
                client = self._clients[key] = self._wrap(botocore_client, service, deadlines)
            return client

    def _wrap(self, client: Any, service: str, deadlines: Deadlines) -> Client:
        if service == AWS_BACKUP.name:
            return BackupClient(client, cpu_limiter=self.cpu_limiter, deadlines=deadlines)
        return BotocoreClient(client)


def client_config(api: Api) -> ClientConfig:
    """Return the settings of every client: time-outs, and no retries of botocore's own."""
    return ClientConfig(
        connect_timeout=api.connect_timeout,
        read_timeout=api.read_timeout,
        retries={"total_max_attempts": 1, "mode": "standard"},
        max_pool_connections=MAX_CONNECTIONS,
        user_agent_extra=f"aws-backup-exporter/{__version__}",
    )


def use_given_credentials(params: Mapping[str, Any], context: dict[str, Any], **_: object) -> Any:
    """Sign a call with the credentials among its parameters; a handler of `provide-client-params`."""
    if _SIGNED_BY not in params:
        return None  # a call of the credential chain, by a client with credentials of its own
    context["signing"] = {"request_credentials": params[_SIGNED_BY]}
    return {name: value for name, value in params.items() if name != _SIGNED_BY}


def _settings(session: Session) -> str:
    """Serialize everything that a client takes from the session, apart from the environment."""
    config: Any = session.get_default_client_config()
    scoped = session.get_scoped_config()
    relevant = {name: value for name, value in scoped.items() if not name.startswith(_NOT_CLIENT_SETTINGS)}
    services = session.full_config.get("services", {}).get(scoped.get("services"))
    return json.dumps([config.connect_timeout, config.read_timeout, relevant, services], sort_keys=True)

"""Calls AWS Backup over the connections of a botocore client.

botocore resolves the endpoint, opens connections with its proxies and certificates, and reads error
responses. Requests are built, signed and sent here, and other responses are read here, because botocore needs
0.6 milliseconds of CPU time more for that, which is too much for thousands of calls a minute.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from botocore.awsrequest import AWSPreparedRequest, HeadersDict
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.parsers import create_parser

from exporter.aws.cpu_limiter import CpuLimiter
from exporter.aws.deadlines import Deadlines
from exporter.aws.lone_surrogates import without_lone_surrogates
from exporter.aws.open_connections import OpenConnections
from exporter.aws.parsing import read_body
from exporter.aws.rest_json import GetOperation
from exporter.aws.signature import Signer
from exporter.model import Answer

_PROBE, _PROBE_PATH = "describe_region_settings", "/account-settings"  # an operation without parameters
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """Where to send requests.

    Attributes:
        origin: scheme and host.
        base_path: what precedes the path of an operation.
        signer: signs requests for this endpoint.
    """

    origin: str
    base_path: str
    signer: Signer

    @classmethod
    def of(cls, client: Any) -> "_Endpoint":
        """Ask botocore for the endpoint and for the scope of signatures, by presigning a URL.

        Raises:
            BotoCoreError: there is no such endpoint.
        """
        url = urlsplit(client.generate_presigned_url(_PROBE))
        [scope] = parse_qs(url.query)["X-Amz-Credential"]
        _, _, region, service, _ = scope.rsplit("/", 4)
        host = url.netloc.rpartition("@")[2].lower()
        signer = Signer(host.removesuffix(_DEFAULT_PORTS.get(url.scheme, "")), region, service)
        return cls(f"{url.scheme}://{url.netloc}", url.path.removesuffix(_PROBE_PATH), signer)


class BackupClient:
    """Calls AWS Backup in one Region. Thread-safe.

    Args:
        client: the botocore client of the Region; its credentials are not used.
        cpu_limiter: released while a call waits for AWS.
        deadlines: told when a response has arrived.
        clock: seconds since 1970, for signatures.
    """

    def __init__(
        self,
        client: Any,
        *,
        cpu_limiter: CpuLimiter,
        deadlines: Deadlines,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._model = client.meta.service_model
        self._session = client._endpoint.http_session  # noqa: SLF001 - botocore has no public API
        self._user_agent = client.meta.config.user_agent
        self._parser = create_parser(self._model.resolved_protocol)
        self._cpu_limiter = cpu_limiter
        self._deadlines = deadlines
        self._clock = clock
        self._endpoint: _Endpoint | None = None
        self._open_connections: OpenConnections | None = None
        self._operations: dict[str, GetOperation] = {}

    def call(self, operation: str, parameters: Mapping[str, Any], credentials: Credentials) -> Answer:
        """Make one call.

        Args:
            operation: as AWS spells it.
            parameters: the call's parameters, as AWS spells them.
            credentials: sign the call.

        Raises:
            BotoCoreError, ClientError: as a call of the botocore client.
        """
        model = self._operations.get(operation)
        if model is None:
            model = self._operations[operation] = GetOperation.of(self._model.operation_model(operation))
        endpoint = self._endpoint
        if endpoint is None:
            endpoint = self._endpoint = _Endpoint.of(self._client)
        path, query = model.target(parameters)
        path = endpoint.base_path + path
        headers = endpoint.signer.headers(path, query, credentials, self._clock())
        headers["user-agent"] = self._user_agent
        self._cpu_limiter.release()
        response = self._send(endpoint, f"{path}?{query}" if query else path, headers)
        self._deadlines.answered()  # before the CPU limiter: parsing may take long on a busy machine
        self._cpu_limiter.reacquire()
        return self._read(operation, model, response)

    def _send(self, endpoint: _Endpoint, target: str, headers: Any) -> Any:
        if self._open_connections and (response := self._open_connections.get(target, headers)):
            return response
        url: Any = endpoint.origin + target
        answer = self._session.send(AWSPreparedRequest("GET", url, headers, body=None, stream_output=False))
        if self._open_connections is None:  # not before: botocore reports what is wrong with the endpoint
            self._open_connections = OpenConnections(
                self._session, endpoint.origin, endpoint.signer.host, self._deadlines
            )
        return answer

    def _read(self, name: str, operation: GetOperation, response: Any) -> Answer:
        status, body = response.status_code, response.content
        answer = read_body(body, operation.output) if status == 200 else None
        if answer is not None:
            headers = {header.lower(): value for header, value in response.headers.items()}
            return answer | {"ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers}}
        parsed: Any = self._parser.parse(
            {
                "status_code": status,
                "headers": HeadersDict(response.headers),
                "body": without_lone_surrogates(body),
            },
            operation.output,
        )
        if status >= 300:
            raise ClientError(parsed, name)
        other: Answer = parsed
        return other

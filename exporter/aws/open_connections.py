"""Sends GET requests over the connections that a botocore client has open already.

botocore opens the connections, with proxies and certificates. It takes 0.25 milliseconds of CPU time to send
a request and read the response, which is too much for thousands of calls a minute. A plain response, as AWS
sends it, takes a quarter of that here; all others are left to botocore.
"""

import re
import socket
from collections.abc import Mapping
from typing import Any, NamedTuple

from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from exporter.aws.deadlines import Deadlines

CHUNK = 65_536  # bytes to receive at a time
LONGEST_HEAD = 65_536  # bytes of status and headers

_END_OF_HEAD = b"\r\n\r\n"
_STATUS_LINE = re.compile(r"HTTP/1\.1 ([2-5][0-9]{2})( [\t -~]*)?")
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*([\t -~]*)")
_LENGTH = re.compile(r"[0-9]{1,12}")
_CONTROL = re.compile(r"[\0-\x1f\x7f]")
_WITHOUT_BODY = ("204", "304")
_REUSABLE = {"": True, "keep-alive": True, "close": False}  # by the Connection header


class Response(NamedTuple):
    """A response.

    Attributes:
        status_code: the status.
        headers: by their names in lower case.
        content: the body; as much of it as arrived if the connection was closed early, as botocore does it.
    """

    status_code: int
    headers: Mapping[str, str]
    content: bytes


class OpenConnections:
    """The open connections to one endpoint. Thread-safe.

    Args:
        session: the HTTP session of the botocore client, which opens the connections.
        origin: scheme and host of the endpoint.
        host: the value of the Host header.
        deadlines: told which connection a call uses.
    """

    def __init__(self, session: Any, origin: str, host: str, deadlines: Deadlines) -> None:
        # Connections through a proxy are in pools of their own.
        self._pool = session._manager.connection_from_url(origin)  # noqa: SLF001 - botocore has no public API
        self._origin = origin
        self._headers = {"Host": host, "Accept-Encoding": "identity"}
        self._deadlines = deadlines
        self._is_usable = all(hasattr(self._pool, name) for name in ("_get_conn", "_put_conn"))

    def get(self, target: str, headers: Mapping[str, str]) -> Response | None:
        """Send a GET request. Returns None if botocore has to send it.

        That is the case if no connection is open, and from the first response on that is not plain: botocore
        has to repeat that request as well.

        Args:
            target: the encoded path and query string.
            headers: those besides Host.

        Raises:
            ReadTimeoutError, ConnectionClosedError: as botocore raises them.
        """
        request = _encode_request(target, {**self._headers, **headers}) if self._is_usable else None
        if request is None:
            return None
        connection = self._pool._get_conn()  # noqa: SLF001 - `urlopen` does everything else, too
        is_reusable = False
        try:
            if connection.sock is None:
                return None
            self._deadlines.use(connection)
            response, is_reusable = _exchange(connection.sock, request)
        except TimeoutError as error:
            raise ReadTimeoutError(endpoint_url=self._origin, error=error) from error
        except OSError as error:
            raise ConnectionClosedError(endpoint_url=self._origin, error=error) from error
        finally:
            if not is_reusable:
                connection.close()
            self._pool._put_conn(connection)  # noqa: SLF001 - as above
        if response is None:
            self._is_usable = False
        return response


def _encode_request(target: str, headers: Mapping[str, str]) -> bytes | None:
    """Return the request; None if it must not be sent, so that botocore reports that."""
    lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if any(_CONTROL.search(line) for line in lines):
        return None
    try:
        return "\r\n".join([*lines, "", ""]).encode("ascii")
    except UnicodeEncodeError:
        return None


def _exchange(sock: socket.socket, request: bytes) -> tuple[Response | None, bool]:
    """Send a request and receive the response. Returns it, and whether the connection can be used again.

    The response is None if it is not plain: not HTTP/1.1, not ASCII, without a body or without its length.

    Raises:
        TimeoutError: nothing arrived in time.
        OSError: the connection was closed.
    """
    sock.sendall(request)
    received = sock.recv(CHUNK)
    while _END_OF_HEAD not in received and len(received) < LONGEST_HEAD:
        if not (more := sock.recv(CHUNK)):
            raise ConnectionResetError("the connection was closed before the response")
        received += more
    head, _, body = received.partition(_END_OF_HEAD)
    status, headers = _read_head(head.decode("latin-1"))
    length = _LENGTH.fullmatch(headers.get("content-length", ""))
    is_reusable = _REUSABLE.get(headers.get("connection", "").lower())
    if status is None or length is None or is_reusable is None or "transfer-encoding" in headers:
        return None, False
    parts, missing = [body], int(length[0]) - len(body)
    while missing > 0 and (part := sock.recv(min(missing, CHUNK))):
        parts.append(part)
        missing -= len(part)
    return Response(status, headers, b"".join(parts)[: int(length[0])]), is_reusable and missing == 0


def _read_head(head: str) -> tuple[int | None, Mapping[str, str]]:
    """Return status and headers; as status None if the head is not plain, or no body follows it."""
    first, *lines = head.split("\r\n")
    headers: dict[str, str] = {}
    for line in lines:
        header = _HEADER.fullmatch(line)
        if header is None:
            return None, headers
        name, value = header[1].lower(), header[2]
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    status = _STATUS_LINE.fullmatch(first)
    return int(status[1]) if status and status[1] not in _WITHOUT_BODY else None, headers

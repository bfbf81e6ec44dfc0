"""The faults of AWS: rejected signatures, and accounts that hang, respond slowly or deny."""

import json
import re
import select
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from threading import Event
from typing import TYPE_CHECKING, Any

from moto.iam.models import get_account_id_from

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

TOLERATED = timedelta(minutes=5)  # by which AWS lets a signature's date differ from its own time
BYTE_EVERY = 1.0  # seconds between two bytes of an answer that drips
LOOK_EVERY = 1.0  # seconds between two looks at whether a client still waits

_CREDENTIAL = re.compile(r"Credential=([^/]+)/\d+/[^/]+/([^/]+)/aws4_request")
_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class Fault:
    """The faults of an account.

    Attributes:
        way: `hang` (no answer), `drip` (one byte a second) or `deny` (AccessDeniedException).
        paths: the requests it happens to, as a regular expression that their paths match.
    """

    way: str
    paths: str = ""


class Faults:
    """The application as its clients see it, account by account."""

    def __init__(self, application: "WSGIApplication", down: Event) -> None:
        self.refused = 0
        self._application = application
        self._down = down
        self._faults: dict[str, Sequence[Fault]] = {}

    def set(self, account_id: str, faults: Sequence[Fault]) -> None:
        """Set the faults of an account."""
        self._faults[account_id] = faults

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request; each answer tells the true time."""
        start_response = _dated(start_response)
        key_id, service = _signer(environ)
        if reason := _wrong_date(environ):
            self.refused += 1
            return _refusal(service, reason)(environ, start_response)
        fault = self._fault_of(key_id, environ["PATH_INFO"]) if service == "backup" else None
        if fault is None:
            return self._application(environ, start_response)
        return self._break(fault, environ, start_response)

    def _fault_of(self, key_id: str, path: str) -> Fault | None:
        faults = self._faults.get(get_account_id_from(key_id), ())
        return next((fault for fault in faults if re.match(fault.paths, path)), None)

    def _break(
        self, fault: Fault, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        if fault.way == "deny":
            return _denied()(environ, start_response)
        if fault.way == "drip":
            return self._slowly(b"".join(self._application(environ, start_response)))
        connection: socket.socket = environ["werkzeug.socket"]
        while not self._down.wait(LOOK_EVERY) and not _gone(connection):
            pass
        raise ConnectionAbortedError("nobody waits any longer")

    def _slowly(self, body: bytes) -> Iterator[bytes]:
        for place in range(len(body)):
            if self._down.wait(BYTE_EVERY):
                return
            yield body[place : place + 1]


def _dated(start_response: "StartResponse") -> "StartResponse":
    def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
        others = [(name, text) for name, text in headers if name.lower() != "date"]
        return start_response(status, [*others, ("Date", formatdate(usegmt=True))], *more)

    return start


def _signer(environ: "WSGIEnvironment") -> tuple[str, str]:
    """Return by whose access key and for which service a request is signed."""
    found = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    return (found[1], found[2]) if found else ("", "")


def _wrong_date(environ: "WSGIEnvironment") -> str:
    """Say what AWS says of a signature whose date is too far from the true time; nothing of others."""
    stamp = environ.get("HTTP_X_AMZ_DATE")
    if stamp is None:
        return ""
    signed, now = datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC), datetime.now(UTC)
    earliest, latest = now - TOLERATED, now + TOLERATED
    if signed < earliest:
        expired = f"Signature expired: {stamp} is now earlier than {earliest:{_STAMP}}"
        return f"{expired} ({now:{_STAMP}} - 5 min.)"
    if signed > latest:
        early = f"Signature not yet current: {stamp} is still later than {latest:{_STAMP}}"
        return f"{early} ({now:{_STAMP}} + 5 min.)"
    return ""


def _refusal(service: str, reason: str) -> "WSGIApplication":
    if service == "sts":
        error = f"<Type>Sender</Type><Code>SignatureDoesNotMatch</Code><Message>{reason}</Message>"
        return _answer("text/xml", f"<ErrorResponse><Error>{error}</Error></ErrorResponse>")
    return _error("InvalidSignatureException", reason)


def _denied() -> "WSGIApplication":
    return _error("AccessDeniedException", "User is not authorized to perform this operation")


def _error(code: str, message: str) -> "WSGIApplication":
    return _answer("application/json", json.dumps({"message": message}), {"x-amzn-ErrorType": code})


def _answer(content_type: str, body: str, headers: Mapping[str, str] | None = None) -> "WSGIApplication":
    data = body.encode()

    def answer(_: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        all_headers = {"Content-Type": content_type, "Content-Length": str(len(data)), **(headers or {})}
        start_response("403 Forbidden", list(all_headers.items()))
        return [data]

    return answer


def _gone(connection: socket.socket) -> bool:
    readable, _, _ = select.select([connection], [], [], 0)
    try:
        return bool(readable) and not connection.recv(1, socket.MSG_PEEK)
    except OSError:
        return True

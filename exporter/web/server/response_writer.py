"""One response: runs the ASGI application for a request, and sends its messages as HTTP with h11."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import h11
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message

log = logging.getLogger(__name__)

REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}


class ClientGoneError(OSError):
    """The client has disconnected. ASGI requires an OSError."""


class ResponseWriter:
    """The response to one request.

    The body of the request is discarded, because no endpoint needs it; an application that reads it gets an
    error.

    Args:
        common: the part of the ASGI scope that all requests on the connection share.
        request: the request.
        http: the state of the connection; formats the response.
        transport: sends it.
        writable: set while no sent data waits for the client to receive it.

    Attributes:
        complete: whether the application has sent the whole response.
    """

    def __init__(
        self,
        common: dict[str, Any],
        request: h11.Request,
        http: h11.Connection,
        transport: asyncio.Transport,
        writable: asyncio.Event,
    ) -> None:
        path, _, query = request.target.partition(b"?")
        self._scope = common | {
            "http_version": request.http_version.decode(),
            "method": request.method.decode(),
            "path": unquote(path.decode()),
            "raw_path": path,
            "query_string": query,
            "headers": list(request.headers),
            "state": {},
        }
        self._http = http
        self._transport = transport
        self._writable = writable
        self._head = b""
        self.complete = False

    async def make(self, app: ASGIApp, completed: Callable[[], None]) -> None:
        """Run the application, and log its errors.

        Args:
            app: the application.
            completed: called when the response is complete.
        """
        self._completed = completed
        try:
            await app(self._scope, _receive, self._send)
            if not self.complete:
                raise RuntimeError("the application returned before its response was complete")
        except ClientGoneError:
            return
        except Exception:
            log.exception("Request failed")
            if not self.complete:
                await self._fail()

    async def _fail(self) -> None:
        """Respond with 500 if the response has not started; otherwise close, so that it is incomplete."""
        if self._http.our_state is h11.SEND_RESPONSE:
            response = PlainTextResponse("Internal Server Error", 500, {"Connection": "close"})
            with suppress(ClientGoneError):
                await response(self._scope, _receive, self._send)
        else:
            self._transport.close()

    async def _send(self, message: Message) -> None:
        """Send a message, after the client has received the previous ones.

        Raises:
            ClientGoneError: the connection is closed.
        """
        await self._writable.wait()
        if self._transport.is_closing():
            raise ClientGoneError
        if message["type"] == "http.response.start":
            self._head = self._http.send(_response(message))  # sent with the first part of the body
            return
        body = b"" if self._scope["method"] == "HEAD" else message.get("body", b"")
        data = self._head + self._http.send(h11.Data(data=body))
        self._head = b""
        if message.get("more_body"):
            self._transport.write(data)
            await asyncio.sleep(0)  # other clients get their turn, and a disconnect is noticed
        else:
            self._transport.write(data + self._http.send(h11.EndOfMessage()))
            self.complete = True
            self._completed()


async def _receive() -> Message:
    raise RuntimeError("the server discards the bodies of requests")


def _response(start: Message) -> h11.Response:
    date = (b"date", formatdate(usegmt=True).encode())
    return h11.Response(
        status_code=start["status"],
        headers=[date, *start.get("headers", ())],
        reason=REASONS.get(start["status"], b""),
    )

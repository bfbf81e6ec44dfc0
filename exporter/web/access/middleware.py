"""ASGI middleware for all paths: rate limit, basic authentication and response headers."""

import time
from collections.abc import Callable, Mapping
from math import ceil

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.config.web import RateLimit, WebConfig
from exporter.web.access.passwords import BusyError, Passwords, read_credentials
from exporter.web.access.web_config_watcher import WebConfigWatcher

CHALLENGE = 'Basic realm="aws-backup-exporter", charset="UTF-8"'


class AccessMiddleware:
    """Passes requests to an application if the web configuration allows it.

    Args:
        app: the application.
        watcher: provides the current web configuration.
        passwords: checks passwords.
        clock: seconds on a monotonic clock.
    """

    def __init__(
        self,
        app: ASGIApp,
        watcher: WebConfigWatcher,
        *,
        passwords: Passwords | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._watcher = watcher
        self._passwords = passwords or Passwords()
        self._clock = clock
        self._bucket = Bucket(RateLimit(), clock())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reject a request or pass it to the application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        config = self._watcher.config
        rejection = self._check_rate(config.rate_limit) or await self._authenticate(config, scope)
        await (rejection or self._app)(scope, receive, with_headers(send, config.http_server_config.headers))

    def _check_rate(self, limit: RateLimit) -> Response | None:
        now = self._clock()
        if limit != self._bucket.limit:
            self._bucket = Bucket(limit, now)
        if self._bucket.take(now):
            return None
        headers = {"Retry-After": str(ceil(limit.interval))}
        return PlainTextResponse(
            "Too many requests: rate_limit is exceeded; try again later.\n", 429, headers
        )

    async def _authenticate(self, config: WebConfig, scope: Scope) -> Response | None:
        if not config.basic_auth_users:
            return None
        given = read_credentials(_authorization(scope))
        address = scope["client"][0] if scope.get("client") else ""
        try:
            if given and await self._passwords.verify(config.basic_auth_users, given, address):
                return None
        except BusyError:
            text = "Too many password checks are pending; try again later.\n"
            return PlainTextResponse(text, 503, {"Retry-After": "1"})
        text = "Unauthorized: the user name or password is missing or wrong.\n"
        return PlainTextResponse(text, 401, {"WWW-Authenticate": CHALLENGE})


class Bucket:
    """A token bucket: one token is added every interval, up to the size of the burst.

    Attributes:
        limit: the interval and the burst.
    """

    def __init__(self, limit: RateLimit, now: float) -> None:
        self.limit = limit
        self._tokens = float(limit.burst)
        self._at = now

    def take(self, now: float) -> bool:
        """Take a token if there is one; without an interval there is no limit."""
        if not self.limit.interval:
            return True
        self._tokens = min(self.limit.burst, self._tokens + (now - self._at) / self.limit.interval)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def with_headers(send: Send, headers: Mapping[str, str]) -> Send:
    """Add headers to every response; they replace headers of the same name."""
    extra = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    names = {name for name, _ in extra}

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start" and extra:
            others = [pair for pair in message.get("headers", ()) if pair[0].lower() not in names]
            message = {**message, "headers": [*others, *extra]}
        await send(message)

    return send_with_headers


def _authorization(scope: Scope) -> bytes:
    return next((value for name, value in scope["headers"] if name == b"authorization"), b"")

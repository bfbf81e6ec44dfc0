"""The routes: what each path answers."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from exporter import __version__
from exporter.config import Config, ConfigError, to_yaml
from exporter.exposition import Exposition, Form
from exporter.ledger import Ledger
from exporter.model import Reload, Scope
from exporter.runtime import Secrets
from exporter.web.content_negotiation import content_type, gzip_accepted
from exporter.web.scrape_timeout import TIMEOUT_HEADER, Deadline
from exporter.web.server import StreamingExposition
from exporter.web.service_discovery import PROBE_PATH, UnknownScopeError, choose, service_discovery
from exporter.web.status import answer, status_of

RELOAD_PATIENCE = 10.0  # seconds that an answer waits for a reload; reading alone is given up earlier


class Refreshes(Protocol):
    """Whoever refreshes what is published."""

    def refresh(self, only: Scope | None = None) -> Future[None]:
        """Begin to refresh everything or one scope; returns what to wait for."""


class Exporter(Protocol):
    """What is served of the exporter for one configuration."""

    @property
    def config(self) -> Config:
        """The configuration."""

    @property
    def ledgers(self) -> Sequence[Ledger]:
        """What is known, of every target in every Region."""

    @property
    def refresher(self) -> Refreshes:
        """Begins refreshes."""

    @property
    def exposition(self) -> Exposition:
        """Writes what is known."""


class Reloader(Protocol):
    """Whoever knows the configuration in force."""

    @property
    def exporter(self) -> Exporter:
        """The exporter for the configuration in force."""

    @property
    def last_reload(self) -> Reload:
        """How the configuration was last read."""

    def begin_reload(self) -> Future[None]:
        """Begin to read the configuration again; returns what to wait for, ConfigError where that fails."""


class Site:
    """What each path answers.

    Args:
        telemetry_path: where the metrics of everything are.
        reloader: the configuration in force and the exporter for it.
        lifecycle: whether `/-/reload` may be used.
        clock: seconds since 1970.
        steady: seconds on a clock that never goes back.
        secrets: what to mask in texts.

    Attributes:
        stopping: once set, no scrape waits for AWS any longer.
    """

    def __init__(
        self,
        telemetry_path: str,
        reloader: Reloader,
        *,
        lifecycle: bool = False,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        secrets: Secrets | None = None,
    ) -> None:
        self._secrets = secrets or Secrets()
        self.stopping = asyncio.Event()
        self._telemetry_path = telemetry_path
        self._reloader = reloader
        self._lifecycle = lifecycle
        self._clock = clock
        self._started = clock()
        self._steady = steady
        self._deadline = Deadline(steady)

    def app(self) -> Starlette:
        """Make the ASGI application."""
        pages = {
            "/": self._status,
            self._telemetry_path: self._metrics,
            PROBE_PATH: self._probe,
            "/targets": self._targets,
            "/config": self._config,
            "/-/healthy": self._healthy,
            "/-/ready": self._ready,
        }
        reload = Route(
            "/-/reload",
            self._reload if self._lifecycle else self._no_reload,
            methods=["POST", "PUT"] if self._lifecycle else ["GET", "POST", "PUT"],
        )
        app = Starlette(routes=[*(Route(path, endpoint) for path, endpoint in pages.items()), reload])
        app.router.redirect_slashes = False
        return app

    async def _metrics(self, request: Request) -> Response:
        return await self._expose(request, self._reloader.exporter, None)

    async def _probe(self, request: Request) -> Response:
        exporter, asked = self._reloader.exporter, request.query_params
        try:
            scope = choose(_scopes(exporter), asked.get("target", ""), asked.get("region", ""))
        except UnknownScopeError as error:
            return PlainTextResponse(f"{error}\n", status_code=400)
        return await self._expose(request, exporter, scope)

    async def _expose(self, request: Request, exporter: Exporter, scope: Scope | None) -> Response:
        scopes = 1 if scope else len(exporter.ledgers)
        patience = self._deadline.patience(_header(request, TIMEOUT_HEADER), scope, scopes)
        ends = self._steady() + patience
        # Not in the event loop: to begin the refreshes of a thousand scopes takes a while.
        refresh = await run_in_threadpool(exporter.refresher.refresh, scope)
        await _wait_for(refresh, self.stopping, within=ends - self._steady())
        kind = content_type(_header(request, "Accept"))
        form = Form(openmetrics=kind.startswith("application/openmetrics-text"), gzip=True)
        names = frozenset(request.query_params.getlist("name[]"))
        with self._deadline.writing(scope):
            parts = await run_in_threadpool(exporter.exposition.parts, form, scope=scope, names=names)
        return StreamingExposition(parts, kind, gzip=gzip_accepted(_header(request, "Accept-Encoding")))

    async def _targets(self, request: Request) -> Response:
        scopes, url = _scopes(self._reloader.exporter), request.url
        return JSONResponse(service_discovery(scopes, url.netloc, tls=url.scheme == "https"))

    async def _config(self, _: Request) -> Response:
        return PlainTextResponse(self._secrets.mask(to_yaml(self._reloader.exporter.config)))

    async def _reload(self, _: Request) -> Response:
        reload = self._reloader.begin_reload()
        await _wait_for(reload, self.stopping, within=RELOAD_PATIENCE)
        if not reload.done():
            return PlainTextResponse(
                "The configuration is not in force yet, the one before is; the log says when that changes.\n",
                status_code=500,
            )
        try:
            reload.result()
        except ConfigError as error:
            text = f"The configuration is refused, the one before stays in force:\n{error}\n"
            return PlainTextResponse(self._secrets.mask(text), status_code=500)
        return PlainTextResponse("The configuration is in force.\n")

    async def _no_reload(self, _: Request) -> Response:
        return PlainTextResponse(
            "Reloading over HTTP is switched off; start with --web.enable-lifecycle, or send SIGHUP.\n",
            status_code=403,
        )

    async def _healthy(self, _: Request) -> Response:
        return PlainTextResponse("AWS Backup exporter is healthy.\n")

    async def _ready(self, _: Request) -> Response:
        return PlainTextResponse("AWS Backup exporter is ready.\n")

    async def _status(self, request: Request) -> Response:
        gzip = gzip_accepted(_header(request, "Accept-Encoding"))
        return await run_in_threadpool(self._status_answer, gzip=gzip)

    def _status_answer(self, *, gzip: bool) -> Response:
        exporter = self._reloader.exporter
        status = status_of(
            exporter.ledgers,
            now=self._clock(),
            started=self._started,
            version=__version__,
            reload=self._reloader.last_reload,
            config=exporter.config,
            metrics_path=self._telemetry_path,
            secrets=self._secrets,
        )
        return answer(status, gzip=gzip)


def _scopes(exporter: Exporter) -> list[Scope]:
    return [ledger.scope for ledger in exporter.ledgers]


def _header(request: Request, name: str) -> str:
    """Give a header as one text, also when a client sent it in several lines."""
    return ",".join(request.headers.getlist(name))


async def _wait_for(future: Future[None], stopping: asyncio.Event, *, within: float) -> None:
    waited: list[asyncio.Future[Any]] = [asyncio.wrap_future(future), asyncio.create_task(stopping.wait())]
    await asyncio.wait(waited, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    for one in waited:
        if not one.cancel() and not one.cancelled():
            one.exception()  # else asyncio logs that nobody asked for it

"""The routes of the HTTP server and their handlers."""

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
from exporter.refresh import ScrapeRefreshes
from exporter.runtime import Secrets
from exporter.web.content_negotiation import content_type, gzip_accepted
from exporter.web.scrape_timeout import TIMEOUT_HEADER, Deadline
from exporter.web.server import StreamingExposition
from exporter.web.service_discovery import PROBE_PATH, UnknownScopeError, find_scope, service_discovery
from exporter.web.shards import Shards, assigned
from exporter.web.status import status_of, status_response

IDLE_WAIT = 1.0  # seconds that a scrape waits for the refreshes of scopes in which nothing happens
RELOAD_TIMEOUT = 10.0  # seconds that a response waits for a reload; longer than the timeout for reading


class Refresher(Protocol):
    """Refreshes the published data."""

    def refresh(self, only: Scope | None = None) -> ScrapeRefreshes:
        """Start to refresh everything or one scope."""


class Exporter(Protocol):
    """The parts of the exporter that the HTTP endpoints use."""

    @property
    def config(self) -> Config:
        """The configuration."""

    @property
    def scopes(self) -> Sequence[Scope]:
        """The targets and Regions."""

    @property
    def ledgers(self) -> Sequence[Ledger]:
        """The collected data of every target and Region, and of other accounts of organizations."""

    @property
    def refresher(self) -> Refresher:
        """Starts refreshes."""

    @property
    def exposition(self) -> Exposition:
        """Writes the metrics."""


class Reloader(Protocol):
    """Holds the current configuration and reloads it."""

    @property
    def exporter(self) -> Exporter:
        """The exporter for the current configuration."""

    @property
    def last_reload(self) -> Reload:
        """The result of the last reload."""

    def begin_reload(self) -> Future[None]:
        """Start a reload; return a future that is done afterwards and raises ConfigError on failure."""


class Site:
    """The HTTP endpoints.

    Args:
        telemetry_path: path of the metrics of all targets.
        reloader: the current configuration and the exporter for it.
        lifecycle: whether `/-/reload` is enabled.
        shards: the exporters that share the targets; by default, this one has them all.
        clock: seconds since 1970.
        steady: seconds on a monotonic clock.
        secrets: values to mask in text.

    Attributes:
        stopping: when set, scrapes no longer wait for AWS.
    """

    def __init__(
        self,
        telemetry_path: str,
        reloader: Reloader,
        *,
        lifecycle: bool = False,
        shards: Shards | None = None,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        secrets: Secrets | None = None,
    ) -> None:
        self._secrets = secrets or Secrets()
        self.stopping = asyncio.Event()
        self._telemetry_path = telemetry_path
        self._reloader = reloader
        self._lifecycle = lifecycle
        self._shards = shards or Shards()
        self._clock = clock
        self._started = clock()
        self._steady = steady
        self._deadline = Deadline(steady)

    def app(self) -> Starlette:
        """Create the ASGI application."""
        handlers = {
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
            self._reload if self._lifecycle else self._reload_disabled,
            methods=["POST", "PUT"] if self._lifecycle else ["GET", "POST", "PUT"],
        )
        app = Starlette(routes=[*(Route(path, endpoint) for path, endpoint in handlers.items()), reload])
        app.router.redirect_slashes = False
        return app

    async def _metrics(self, request: Request) -> Response:
        return await self._expose(request, self._reloader.exporter, None)

    async def _probe(self, request: Request) -> Response:
        exporter, query = self._reloader.exporter, request.query_params
        try:
            scope = find_scope(exporter.scopes, query.get("target", ""), query.get("region", ""))
        except UnknownScopeError as error:
            return PlainTextResponse(f"{error}\n", status_code=400)
        return await self._expose(request, exporter, scope)

    async def _expose(self, request: Request, exporter: Exporter, scope: Scope | None) -> Response:
        names = frozenset(request.query_params.getlist("name[]"))
        if exporter.exposition.shows_scopes(names):
            await self._refresh(request, exporter, scope)
        media_type = content_type(_header(request, "Accept"))
        form = Form(openmetrics=media_type.startswith("application/openmetrics-text"), gzip=True)
        with self._deadline.writing(scope):
            parts = await run_in_threadpool(exporter.exposition.parts, form, scope=scope, names=names)
        return StreamingExposition(parts, media_type, gzip=gzip_accepted(_header(request, "Accept-Encoding")))

    async def _refresh(self, request: Request, exporter: Exporter, scope: Scope | None) -> None:
        """Refresh what is due, and wait for it as long as the scrape may."""
        scopes = 1 if scope else len(exporter.scopes)
        max_wait = self._deadline.max_wait(_header(request, TIMEOUT_HEADER), scope, scopes)
        wait_until = self._steady() + max_wait
        # Not in the event loop: starting the refreshes of a thousand scopes takes a while.
        refreshes = await run_in_threadpool(exporter.refresher.refresh, scope)
        await _wait_for(refreshes.all, self.stopping, within=min(IDLE_WAIT, wait_until - self._steady()))
        await _wait_for(refreshes.active, self.stopping, within=wait_until - self._steady())

    async def _targets(self, request: Request) -> Response:
        scopes, url = self._reloader.exporter.scopes, request.url
        exporters = await self._shards.available() or (url.netloc,)
        groups = service_discovery(
            scopes, lambda scope: assigned(scope, exporters), tls=url.scheme == "https"
        )
        return JSONResponse(groups)

    async def _config(self, _: Request) -> Response:
        return PlainTextResponse(self._secrets.mask(to_yaml(self._reloader.exporter.config)))

    async def _reload(self, _: Request) -> Response:
        reload = self._reloader.begin_reload()
        await _wait_for(reload, self.stopping, within=RELOAD_TIMEOUT)
        if not reload.done():
            return PlainTextResponse(
                "The reload is still running, with the previous configuration in use; see the log for its "
                "result.\n",
                status_code=500,
            )
        try:
            reload.result()
        except ConfigError as error:
            text = f"Failed to reload the configuration; the previous one stays in use:\n{error}\n"
            return PlainTextResponse(self._secrets.mask(text), status_code=500)
        return PlainTextResponse("The configuration was reloaded.\n")

    async def _reload_disabled(self, _: Request) -> Response:
        return PlainTextResponse(
            "The lifecycle API is disabled; start the exporter with --web.enable-lifecycle or send SIGHUP.\n",
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
        return status_response(status, gzip=gzip)


def _header(request: Request, name: str) -> str:
    """Return the values of a header joined by commas, as if sent in one line."""
    return ",".join(request.headers.getlist(name))


async def _wait_for(future: Future[None], stopping: asyncio.Event, *, within: float) -> None:
    futures: list[asyncio.Future[Any]] = [asyncio.wrap_future(future), asyncio.create_task(stopping.wait())]
    await asyncio.wait(futures, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    for waited in futures:
        if not waited.cancel() and not waited.cancelled():
            waited.exception()  # otherwise asyncio logs that the exception was never retrieved

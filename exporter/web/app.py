"""The routes: what each path answers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Future
from html import escape
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from exporter import __version__
from exporter.exposition import Exposition, Form
from exporter.web.negotiation import content_type, gzip_accepted

DEFAULT_TIMEOUT = 10.0  # Prometheus's own default, in seconds
TIMEOUT_HEADER = "X-Prometheus-Scrape-Timeout-Seconds"
CHUNK = 256 * 1024  # bytes
MARGIN = 0.5  # seconds before the time-out by which an answer is on its way


class Refreshes(Protocol):
    """Whoever refreshes what is published."""

    def refresh(self) -> Sequence[Future[None]]:
        """Begin to refresh; returns what to wait for."""


def make_app(telemetry_path: str, refreshes: Refreshes, exposition: Exposition) -> Starlette:
    """Make the ASGI application; once its `state.stopping` is set, no scrape waits for AWS any longer."""
    stopping = asyncio.Event()

    async def metrics(request: Request) -> Response:
        await _wait_for_all(refreshes.refresh(), stopping, within=_patience(request))
        kind = content_type(_header(request, "Accept"))
        form = Form(
            openmetrics=kind.startswith("application/openmetrics-text"),
            gzip=gzip_accepted(_header(request, "Accept-Encoding")),
        )
        names = frozenset(request.query_params.getlist("name[]"))
        parts = await run_in_threadpool(exposition.parts, form, names=names)
        headers = {
            "Content-Type": kind,
            "Content-Length": str(sum(map(len, parts))),
            "Vary": "Accept, Accept-Encoding",
        }
        if form.gzip:
            headers["Content-Encoding"] = "gzip"
        return StreamingResponse(_in_chunks(parts), headers=headers)

    async def healthy(_: Request) -> Response:
        return PlainTextResponse("AWS Backup exporter is healthy.\n")

    async def ready(_: Request) -> Response:
        return PlainTextResponse("AWS Backup exporter is ready.\n")

    async def landing(_: Request) -> Response:
        return HTMLResponse(
            _LANDING.format(version=escape(__version__), path=escape(telemetry_path, quote=True))
        )

    app = Starlette(
        routes=[
            Route("/", landing),
            Route(telemetry_path, metrics),
            Route("/-/healthy", healthy),
            Route("/-/ready", ready),
        ]
    )
    app.router.redirect_slashes = False
    app.state.stopping = stopping
    return app


_LANDING = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>AWS Backup exporter</title></head>
<body><h1>AWS Backup exporter</h1><p>Version {version}</p><p><a href="{path}">Metrics</a></p></body></html>
"""


async def _in_chunks(parts: Sequence[bytes]) -> AsyncIterator[bytes]:
    """Hand on parts in chunks worth sending: one chunk for most, never one great copy of a large body."""
    start, size = 0, 0
    for end, part in enumerate(parts, start=1):
        size += len(part)
        if size >= CHUNK or end == len(parts):
            yield b"".join(parts[start:end])
            start, size = end, 0


def _header(request: Request, name: str) -> str:
    """Give a header as one text, also when a client sent it in several lines."""
    return ",".join(request.headers.getlist(name))


def _patience(request: Request) -> float:
    """How many seconds a scrape may wait for AWS, from the time-out that Prometheus announces."""
    try:
        timeout = float(request.headers.get(TIMEOUT_HEADER, ""))
    except ValueError:
        timeout = DEFAULT_TIMEOUT
    if not 0 < timeout < float("inf"):
        timeout = DEFAULT_TIMEOUT
    return max(timeout - MARGIN, timeout / 2)


async def _wait_for_all(futures: Sequence[Future[None]], stopping: asyncio.Event, *, within: float) -> None:
    refreshed: asyncio.Future[Any] = asyncio.gather(
        *map(asyncio.wrap_future, futures), return_exceptions=True
    )
    told_to_stop = asyncio.create_task(stopping.wait())
    await asyncio.wait([refreshed, told_to_stop], timeout=within, return_when=asyncio.FIRST_COMPLETED)
    told_to_stop.cancel()

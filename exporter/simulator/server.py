"""Serves the simulated accounts over HTTP, for any AWS client with their endpoint URL."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from socket import SHUT_RDWR
from threading import Thread
from typing import TYPE_CHECKING, Any

from moto.core.request import Request
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from exporter.simulator.account import DEFAULT_ACCOUNT, Account
from exporter.simulator.backend import Simulation

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Server:
    """A running server with its address and accounts."""

    def __init__(self, simulation: Simulation, port: int) -> None:
        self.simulation = simulation
        self.endpoint_url = f"http://127.0.0.1:{port}"

    def account(self, region: str, account_id: str = DEFAULT_ACCOUNT) -> Account:
        """Return the engine of an account in a Region."""
        return self.simulation.account(region, account_id)


class _Request(Request):
    from_wsgi_server = True


class _QuietHandler(MotoRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - the name in werkzeug
        """Log nothing: the account records its calls."""

    def send_response(self, code: int, message: str | None = None) -> None:
        """Omit the date of the machine: the account has its own clock."""
        self.send_response_only(code, message)

    def connection_dropped(self, error: BaseException, environ: Any = None) -> None:
        """Close the connection, also if the simulation is what failed it."""
        self.close_connection = True


class _Dispatcher(DomainDispatcherApplication):
    """Remembers the service of each host: moto would look through its own folder for every request."""

    def __init__(self, create_app: Callable[[Any], Any]) -> None:
        super().__init__(create_app)
        self._services: dict[str | None, Any] = {}

    def get_backend_for_host(self, host: str | None) -> Any:
        """Return the service of a host; None if there is none."""
        if host not in self._services:
            self._services[host] = super().get_backend_for_host(host)
        return self._services[host]


@contextmanager
def serve(
    make: Callable[[str, str], Account] | Simulation,
    port: int = 0,
    *,
    middleware: Callable[["WSGIApplication"], "WSGIApplication"] = lambda application: application,
) -> Iterator[Server]:
    """Serve simulated accounts on 127.0.0.1 until the block ends; port 0 is any free one.

    AWS Backup, AWS Organizations, STS and the Resource Groups Tagging API are those of the simulation, all
    other services are moto's. `make` gives the Account of an account id and a Region when a request first
    needs it. `middleware` wraps their WSGI application.
    """
    simulation = make if isinstance(make, Simulation) else Simulation(make)
    application = middleware(_application(simulation))
    server = make_server("127.0.0.1", port, application, threaded=True, request_handler=_QuietHandler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield Server(simulation, server.server_port)
    finally:
        with suppress(OSError):  # not every system can
            server.socket.shutdown(SHUT_RDWR)  # wakes the thread, which would wait for the next poll
        server.shutdown()
        thread.join()
        server.server_close()


def _application(simulation: Simulation) -> "WSGIApplication":
    def application_of(service: Any) -> Any:
        if service not in simulation.responses:
            return create_backend_app(service)
        return partial(_respond, partial(simulation.handle, service))

    return _Dispatcher(application_of)


def _respond(
    handle: Callable[[Request], Any], environ: "WSGIEnvironment", start_response: "StartResponse"
) -> Iterable[bytes]:
    status, headers, body = handle(_Request(environ))
    return Response(body, status, headers)(environ, start_response)

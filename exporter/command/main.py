"""The command: wiring, signals, exit codes."""

import asyncio
import logging
import os
import platform
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from importlib.metadata import version

from exporter import __version__
from exporter.assembly import Assembler, Exporter, Reloader, World, real_world
from exporter.aws import in_environment
from exporter.command import logs
from exporter.command.arguments import Options, parse
from exporter.command.streams import CannotWriteError, write_error, write_out
from exporter.config import Config, ConfigError, default, load_file, to_yaml
from exporter.doctor import as_json, as_text, examine
from exporter.exposition import Form, Telemetry
from exporter.runtime import Secrets, give_back
from exporter.web import Site
from exporter.web.access import AccessMiddleware, WebConfigWatcher
from exporter.web.server import (
    CannotListenError,
    Server,
    addresses,
    listen,
    make_server,
    raise_open_files_limit,
    reachable_at,
)

log = logging.getLogger("exporter")

DONE, FAILED, WRONG_USE = 0, 1, 2
ENDS = (signal.SIGTERM, signal.SIGINT)
TIDY_EVERY = 10.0  # seconds
TURN = 0.0005  # seconds after which a thread lets another compute; ten times that makes scrapes wait too long


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code.

    Raises:
        CannotWriteError: what was asked for cannot be written to standard output.
    """
    options = parse(arguments)
    secrets = Secrets(in_environment(os.environ))
    logs.configure(options.log_level, options.log_format, secrets=secrets)
    if options.version:
        write_out(_version())
        return DONE
    try:
        return _run(options, secrets)
    except CannotWriteError:
        raise
    except Exception as error:
        log.debug("failed", exc_info=error)
        said = " ".join(f"{type(error).__name__}: {error}".split())
        write_error(secrets.clean(f"aws-backup-exporter: failed: {said}"))
        return FAILED


def _run(options: Options, secrets: Secrets) -> int:
    with ExitStack() as stack:
        try:
            read, world = (
                _demo(stack) if options.demo else (partial(_read, options, secrets), real_world(secrets))
            )
            watcher = WebConfigWatcher(options.web_config_file, world.clock, secrets)
            if options.config_check:
                write_out(to_yaml(read()))
                return DONE
            if options.command == "doctor":
                return _doctor(read(), world, options)
            telemetry = Telemetry()
            reloader = Reloader(
                read,
                Assembler(telemetry, world),
                read_along=watcher.reread,
                telemetry=telemetry,
                clock=world.clock,
            )
        except ConfigError as error:
            write_error(secrets.mask(str(error)))
            return WRONG_USE
        except MissingExtraError as error:
            write_error(f"aws-backup-exporter: {error}")
            return WRONG_USE
        if options.once:
            return _once(reloader.exporter)
        site = Site(
            options.web_telemetry_path,
            reloader,
            lifecycle=options.web_enable_lifecycle,
            secrets=secrets,
            clock=world.clock,
        )
        return _serve(reloader, site, watcher, options)


class MissingExtraError(Exception):
    """Something was asked for that is not installed."""


def _read(options: Options, secrets: Secrets) -> Config:
    config = load_file(options.config_file) if options.config_file else default()
    external_ids = [target.external_id.get_secret_value() for target in config.targets if target.external_id]
    secrets.keep("configuration", *external_ids, shown=to_yaml(config))
    return config


def _demo(stack: ExitStack) -> tuple[Callable[[], Config], World]:
    try:
        from exporter.command.demo import demo_account
    except ModuleNotFoundError as error:
        message = f"--demo needs {error.name}: pip install 'aws-backup-exporter[demo]'"
        raise MissingExtraError(message) from error
    config, world = stack.enter_context(demo_account())
    return lambda: config, world


def _doctor(config: Config, world: World, options: Options) -> int:
    report = examine(config, world)
    write_out((as_json if options.json else as_text)(report, world.secrets))
    return DONE if report.healthy else FAILED


def _once(exporter: Exporter) -> int:
    exporter.refresher.refresh_completely()
    write_out(exporter.exposition.write(Form()))
    got_through = all(health.up for ledger in exporter.ledgers for health in ledger.health().values())
    exporter.refresher.stop()
    return DONE if got_through else FAILED


def _serve(reloader: Reloader, site: Site, watcher: WebConfigWatcher, options: Options) -> int:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})  # it waits until the server can take it
    sys.setswitchinterval(TURN)
    raise_open_files_limit()
    try:
        sockets = [listen(address) for address in options.web_listen_address]
    except CannotListenError as error:
        write_error(f"aws-backup-exporter: {error}")
        return FAILED
    refresher = reloader.exporter.refresher
    threading.Thread(target=refresher.start, name="start", daemon=True).start()  # many targets take a while
    watcher.watch()
    server = make_server(AccessMiddleware(site.app(), watcher), watcher)
    say_where = partial(_say_where, sockets, options, tls=bool(watcher.config.tls))
    asyncio.run(_serve_until_told(server, site, reloader, sockets, say_where))
    refresher.stop()
    log.info("stopped")
    return DONE


async def _serve_until_told(
    server: Server,
    site: Site,
    reloader: Reloader,
    sockets: Sequence[socket.socket],
    say_where: Callable[[], None],
) -> None:
    def stop() -> None:
        server.should_exit = True
        site.stopping.set()

    loop = asyncio.get_running_loop()
    for signal_number in ENDS:
        loop.add_signal_handler(signal_number, stop)
    loop.add_signal_handler(signal.SIGHUP, reloader.begin_reload)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    say_where()
    tidying = asyncio.create_task(_keep_tidy())
    await server.serve(sockets=list(sockets))
    tidying.cancel()
    for signal_number in ENDS:
        loop.remove_signal_handler(signal_number)
        signal.signal(signal_number, signal.SIG_IGN)  # a second one need not end what has ended


async def _keep_tidy() -> None:
    while True:
        await asyncio.sleep(TIDY_EVERY)
        give_back()


def _say_where(sockets: Sequence[socket.socket], options: Options, *, tls: bool) -> None:
    where = {"addresses": ", ".join(addresses(sockets)), "tls": tls}
    log.info("listening", extra={"version": __version__, **where})
    if options.demo:
        url = f"{'https' if tls else 'http'}://{reachable_at(sockets[0])}"
        with suppress(CannotWriteError):  # the log has the address too
            write_out(
                f"A simulated AWS Backup account, and the exporter on it. Ctrl-C stops both.\n"
                f"  Status   {url}/\n"
                f"  Metrics  {url}{options.web_telemetry_path}\n"
            )


def _version() -> str:
    return (
        f"aws-backup-exporter {__version__} "
        f"(Python {platform.python_version()}, boto3 {version('boto3')}, {platform.system().lower()})\n"
    )

"""The command's main function: wiring, signals and exit codes."""

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
from exporter.assembly import Assembler, ConfigWatcher, Dependencies, Reloader, default_dependencies
from exporter.aws import in_environment
from exporter.command import logs
from exporter.command.arguments import Options, parse
from exporter.command.service import Service
from exporter.command.streams import CannotWriteError, write_error, write_out
from exporter.config import Config, ConfigError, default, load_file, to_yaml
from exporter.doctor import as_json, as_text, examine
from exporter.exposition import Form, Telemetry
from exporter.runtime import (
    Secrets,
    ServiceManager,
    collect_garbage,
    limit_garbage_collection,
    trim_memory,
)
from exporter.web import Shards, Site
from exporter.web.access import AccessMiddleware, WebConfigWatcher
from exporter.web.server import (
    CannotListenError,
    Server,
    addresses,
    listen,
    local_address,
    make_server,
    raise_open_files_limit,
)

log = logging.getLogger("exporter")

SUCCESS, FAILED, USAGE_ERROR = 0, 1, 2
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_DEMOS = {
    "account": "a simulated AWS Backup account",
    "organization": "a simulated AWS organization with twelve accounts",
}
MEMORY_INTERVAL = 10.0  # seconds between two attempts to free memory
COLLECTION_PAUSE = 4000.0  # pause after a full garbage collection, as a multiple of the CPU time it took
SWITCH_INTERVAL = 0.0005  # seconds; with Python's default, ten times that, scrapes wait too long for the GIL


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Raises:
        CannotWriteError: standard output cannot be written.
    """
    options = parse(arguments)
    secrets = Secrets(in_environment(os.environ))
    logs.configure(options.log_level, options.log_format, secrets=secrets)
    if options.version:
        write_out(_version())
        return SUCCESS
    try:
        return _run(options, secrets)
    except CannotWriteError:
        raise
    except Exception as error:
        log.debug("Command failed", exc_info=error)
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        write_error(secrets.clean(f"aws-backup-exporter: failed: {reason}"))
        return FAILED


def _run(options: Options, secrets: Secrets) -> int:
    with ExitStack() as stack:
        try:
            read, dependencies = (
                _demo(options.demo, stack)
                if options.demo
                else (partial(_read, options, secrets), default_dependencies(secrets))
            )
            watcher = WebConfigWatcher(options.web_config_file, dependencies.clock, secrets)
            if options.config_check:
                write_out(to_yaml(read()))
                return SUCCESS
            if options.command == "doctor":
                return _doctor(read(), dependencies, options)
            telemetry = Telemetry()
            config_watcher = ConfigWatcher(options.config_file, read, dependencies.clock)
            reloader = Reloader(
                config_watcher.read,
                Assembler(telemetry, dependencies, on_demand=options.refresh_on_demand),
                reload_web_config=watcher.reread,
                telemetry=telemetry,
                clock=dependencies.clock,
            )
        except ConfigError as error:
            write_error(secrets.mask(str(error)))
            return USAGE_ERROR
        except MissingExtraError as error:
            write_error(f"aws-backup-exporter: {error}")
            return USAGE_ERROR
        if options.once:
            return _once(reloader)
        site = Site(
            options.web_telemetry_path,
            reloader,
            lifecycle=options.web_enable_lifecycle,
            shards=Shards(options.web_shard_address),
            secrets=secrets,
            clock=dependencies.clock,
        )
        watch = partial(
            config_watcher.watch, reloader, options.config_auto_reload_interval, dependencies.sleep
        )
        service = Service(
            ServiceManager(os.environ),
            begin_reload=reloader.begin_reload,
            is_responsive=lambda: reloader.exporter.refresher.is_responsive(),
            secrets=secrets,
        )
        return _serve(reloader, site, watcher, options, service, watch)


class MissingExtraError(Exception):
    """An option needs an optional dependency that is not installed."""


def _read(options: Options, secrets: Secrets) -> Config:
    config = load_file(options.config_file) if options.config_file else default()
    external_ids = [secret for target in config.targets for secret in target.external_ids]
    secrets.keep("configuration", *external_ids, shown=to_yaml(config))
    return config


def _demo(name: str, stack: ExitStack) -> tuple[Callable[[], Config], Dependencies]:
    try:
        from exporter.command.demo import demo_account, demo_organization
    except ModuleNotFoundError as error:
        message = f"--demo requires {error.name}; run: pip install 'aws-backup-exporter[demo]'"
        raise MissingExtraError(message) from error
    demo = {"account": demo_account, "organization": demo_organization}[name]
    config, dependencies = stack.enter_context(demo())
    return lambda: config, dependencies


def _doctor(config: Config, dependencies: Dependencies, options: Options) -> int:
    report = examine(config, dependencies)
    write_out((as_json if options.json else as_text)(report, dependencies.secrets))
    return SUCCESS if report.healthy else FAILED


def _once(reloader: Reloader) -> int:
    exporter = reloader.exporter
    exporter.refresher.refresh_completely()
    if any(target.organization for target in exporter.config.targets):
        read = exporter.scopes
        reloader.rebuild()
        exporter = reloader.exporter
        exporter.refresher.refresh_completely(without=read)
    write_out(exporter.exposition.write(Form()))
    all_up = all(health.up for ledger in exporter.ledgers for health in ledger.health().values())
    exporter.stop()
    return SUCCESS if all_up else FAILED


def _serve(
    reloader: Reloader,
    site: Site,
    watcher: WebConfigWatcher,
    options: Options,
    service: Service,
    watch_config: Callable[[], None],
) -> int:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})  # delivered once the server can handle it
    sys.setswitchinterval(SWITCH_INTERVAL)
    limit_garbage_collection()
    raise_open_files_limit()
    try:
        sockets = [listen(address) for address in options.web_listen_address]
    except CannotListenError as error:
        write_error(f"aws-backup-exporter: {error}")
        return FAILED
    start = reloader.exporter.refresher.start  # slow with many targets
    threading.Thread(target=start, name="start", daemon=True).start()
    watcher.watch()
    watch_config()
    server = make_server(AccessMiddleware(site.app(), watcher), watcher)
    announce = partial(_announce, sockets, options, tls=bool(watcher.config.tls))
    asyncio.run(_serve_until_stopped(server, site, service, sockets, announce))
    reloader.exporter.stop()
    log.info("Stopped")
    return SUCCESS


async def _serve_until_stopped(
    server: Server,
    site: Site,
    service: Service,
    sockets: Sequence[socket.socket],
    announce: Callable[[], None],
) -> None:
    def stop() -> None:
        service.stopping()
        server.stop()
        site.stopping.set()

    loop = asyncio.get_running_loop()
    for signal_number in STOP_SIGNALS:
        loop.add_signal_handler(signal_number, stop)
    loop.add_signal_handler(signal.SIGHUP, service.reload)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    announce()
    service.ready(f"Listening on {', '.join(addresses(sockets))}")
    tasks = [asyncio.create_task(_free_memory_regularly()), asyncio.create_task(service.keep_alive())]
    await server.serve(sockets=list(sockets))
    for task in tasks:
        task.cancel()
    for signal_number in STOP_SIGNALS:
        loop.remove_signal_handler(signal_number)
        signal.signal(signal_number, signal.SIG_IGN)  # ignore a second signal while stopping


async def _free_memory_regularly() -> None:
    """Collect garbage and trim memory. With very many objects, garbage is collected less often."""
    now = asyncio.get_running_loop().time
    collect_at = now()
    while True:
        await asyncio.sleep(MEMORY_INTERVAL)
        if now() >= collect_at:
            collect_at = now() + COLLECTION_PAUSE * collect_garbage()
        trim_memory()


def _announce(sockets: Sequence[socket.socket], options: Options, *, tls: bool) -> None:
    details = {"addresses": ", ".join(addresses(sockets)), "tls": tls}
    log.info("Listening on", extra={"version": __version__, **details})
    if options.demo:
        url = f"{'https' if tls else 'http'}://{local_address(sockets[0])}"
        with suppress(CannotWriteError):  # the log has the address too
            write_out(
                f"The exporter runs against {_DEMOS[options.demo]}. Press Ctrl-C to stop both.\n"
                f"  Status   {url}/\n"
                f"  Metrics  {url}{options.web_telemetry_path}\n"
            )


def _version() -> str:
    return (
        f"aws-backup-exporter {__version__} "
        f"(Python {platform.python_version()}, boto3 {version('boto3')}, {platform.system().lower()})\n"
    )

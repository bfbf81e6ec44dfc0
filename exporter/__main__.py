"""The command: arguments, wiring, signals, exit codes."""

import argparse
import asyncio
import logging
import os
import platform
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.metadata import version

from exporter import __version__, logs
from exporter.assembly import Exporter, World, assemble, real_world
from exporter.config import Config, ConfigError, default, load_file, to_yaml
from exporter.exposition import Form
from exporter.telemetry import Telemetry
from exporter.web.app import Site
from exporter.web.server import (
    CannotListenError,
    NoAddressError,
    addresses,
    host_and_port,
    listen,
    make_server,
)

log = logging.getLogger("exporter")

DONE, FAILED, WRONG_USE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    logs.configure(options.log_level, options.log_format)
    if options.version:
        print(_version())
        return DONE
    with ExitStack() as stack:
        try:
            config, world = _demo(stack) if options.demo else (_read(options.config_file), real_world())
        except ConfigError as error:
            print(error, file=sys.stderr)
            return WRONG_USE
        except MissingExtraError as error:
            print(f"aws-backup-exporter: {error}", file=sys.stderr)
            return WRONG_USE
        if options.config_check:
            print(to_yaml(config), end="")
            return DONE
        telemetry = Telemetry()
        telemetry.configuration_read(world.clock())
        exporter = assemble(config, telemetry, world)
        return _once(exporter) if options.once else _serve(exporter, options)


class MissingExtraError(Exception):
    """Something was asked for that is not installed."""


def _read(path: str | None) -> Config:
    return load_file(path) if path else default()


def _demo(stack: ExitStack) -> tuple[Config, World]:
    try:
        from exporter.demo import demo_account
    except ModuleNotFoundError as error:
        message = f"--demo needs {error.name}: pip install 'aws-backup-exporter[demo]'"
        raise MissingExtraError(message) from error
    return stack.enter_context(demo_account())


def _once(exporter: Exporter) -> int:
    exporter.refresher.refresh_completely()
    sys.stdout.buffer.write(exporter.exposition.write(Form()))
    sys.stdout.flush()
    got_through = all(health.up for ledger in exporter.ledgers for health in ledger.health().values())
    exporter.refresher.stop()
    return DONE if got_through else FAILED


def _serve(exporter: Exporter, options: argparse.Namespace) -> int:
    try:
        sockets = [listen(address) for address in options.web_listen_address or [":10058"]]
    except CannotListenError as error:
        print(f"aws-backup-exporter: {error}", file=sys.stderr)
        return FAILED
    log.info("listening", extra={"version": __version__, "addresses": ", ".join(addresses(sockets))})
    if options.demo:
        _say_where(sockets, options.web_telemetry_path)
    exporter.refresher.start()
    site = Site(
        options.web_telemetry_path,
        exporter.refresher,
        exporter.exposition,
        scopes=[ledger.scope for ledger in exporter.ledgers],
        config_text=to_yaml(exporter.config),
    )
    asyncio.run(_serve_until_told(site, sockets))
    exporter.refresher.stop()
    log.info("stopped")
    return DONE


async def _serve_until_told(site: Site, sockets: Sequence[socket.socket]) -> None:
    server = make_server(site.app())

    def stop() -> None:
        server.should_exit = True
        site.stopping.set()

    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop)
    await server.serve(sockets=list(sockets))


def _say_where(sockets: Sequence[socket.socket], telemetry_path: str) -> None:
    port = sockets[0].getsockname()[1]
    print(
        f"A simulated AWS Backup account, and the exporter on it. Ctrl-C stops both.\n"
        f"  Status   http://localhost:{port}/\n"
        f"  Metrics  http://localhost:{port}{telemetry_path}",
        flush=True,
    )


def _version() -> str:
    return (
        f"aws-backup-exporter {__version__} "
        f"(Python {platform.python_version()}, boto3 {version('boto3')}, {platform.system().lower()})"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="aws-backup-exporter",
        description="Prometheus exporter for AWS Backup.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add(
        "--config.file",
        dest="config_file",
        metavar="PATH",
        help="configuration; without it one target, from the default AWS credential chain and Region",
    )
    add(
        "--config.check",
        dest="config_check",
        action="store_true",
        help="check the configuration, print it as it will be used, and exit",
    )
    add(
        "--web.listen-address",
        dest="web_listen_address",
        action="append",
        metavar="HOST:PORT",
        type=_address,
        help="where to listen (default :10058); may be repeated",
    )
    add(
        "--web.telemetry-path",
        dest="web_telemetry_path",
        default="/metrics",
        metavar="PATH",
        type=_path,
        help="where the metrics are (default /metrics)",
    )
    add("--log.level", dest="log_level", default="info", choices=logs.LEVELS)
    add("--log.format", dest="log_format", default="logfmt", choices=logs.FORMATS)
    add("--demo", action="store_true", help="run on a simulated AWS Backup account")
    add("--once", action="store_true", help="write the metrics to standard output, once, and exit")
    add("--version", action="store_true", help="print the version and exit")
    return parser


def _address(text: str) -> str:
    try:
        host_and_port(text)
    except NoAddressError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def _path(text: str) -> str:
    taken = ("/", "/probe", "/targets", "/config")
    if not text.startswith("/") or text in taken or text.startswith("/-/"):
        raise argparse.ArgumentTypeError(
            f"{text!r}: write a path of its own that begins with /, such as /metrics"
        )
    return text


def run() -> None:
    """Run the command and leave, without waiting for threads: one may be stuck in a call to AWS."""
    code = main()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    run()

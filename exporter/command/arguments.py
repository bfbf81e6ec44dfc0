"""The command-line options."""

import argparse
import re
from collections.abc import Callable, Sequence

from exporter.command import logs
from exporter.command.streams import write_out
from exporter.config import parse_duration
from exporter.web import DNS_PREFIX
from exporter.web.server import InvalidAddressError, host_and_port

DEFAULT_ADDRESS = ":10058"
MIN_RELOAD_INTERVAL = 1.0  # seconds

_PLAIN_PATH = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~!$&'()*+,;=:@-]+)+/?")
"""A path that needs no escaping in a URL and has no special meaning as a route."""


class Options(argparse.Namespace):
    """The parsed command line."""

    command: str | None
    config_file: str | None
    config_auto_reload_interval: float
    config_check: bool
    web_listen_address: list[str]
    web_telemetry_path: str
    web_config_file: str | None
    web_enable_lifecycle: bool
    refresh_on_demand: bool
    web_shard_address: list[str]
    log_level: str
    log_format: str
    demo: str | None
    json: bool
    once: bool
    version: bool


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Parse the command line. On an error, print the reason and exit with code 2."""
    parser = make_parser()
    options = parser.parse_args(arguments, namespace=Options())
    if options.json and not options.command:
        parser.error("--json is valid only with the doctor command")
    if options.command and (options.once or options.config_check):
        parser.error(f"{options.command} cannot be combined with --once or --config.check; remove the option")
    if options.config_auto_reload_interval and not options.config_file:
        parser.error("--config.auto-reload-interval is valid only with --config.file")
    options.web_listen_address = options.web_listen_address or [DEFAULT_ADDRESS]
    return options


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="aws-backup-exporter",
        description="Prometheus exporter for AWS Backup.",
        allow_abbrev=False,
        add_help=False,
    )
    for add_options in (_add_command, _add_configuration, _add_web, _add_refresh, _add_logs, _add_modes):
        add_options(parser.add_argument)
    return parser


def _add_command(add: Callable[..., object]) -> None:
    add("-h", "--help", action=_Help, nargs=0, help="show this help and exit")
    add(
        "command",
        nargs="?",
        choices=["doctor"],
        help="doctor: check credentials, permissions and the connection to AWS, report how to fix each "
        "problem, and exit",
    )


def _add_configuration(add: Callable[..., object]) -> None:
    add(
        "--config.file",
        dest="config_file",
        metavar="PATH",
        type=_file,
        help="configuration file (default: one target with the default AWS credential chain and Region)",
    )
    add(
        "--config.auto-reload-interval",
        dest="config_auto_reload_interval",
        default=0.0,
        metavar="DURATION",
        type=_interval,
        help="how often to check whether the configuration file changed, and to reload it then; 0s: only on "
        "SIGHUP or POST /-/reload (default: 0s)",
    )
    add(
        "--config.check",
        dest="config_check",
        action="store_true",
        help="validate the configuration, print it with defaults filled in, and exit",
    )


def _add_web(add: Callable[..., object]) -> None:
    add(
        "--web.listen-address",
        dest="web_listen_address",
        action="append",
        metavar="HOST:PORT",
        type=_address,
        help="address to listen on (default: :10058); repeat the option to listen on several",
    )
    add(
        "--web.telemetry-path",
        dest="web_telemetry_path",
        default="/metrics",
        metavar="PATH",
        type=_path,
        help="path under which to expose metrics (default: /metrics)",
    )
    add(
        "--web.config.file",
        dest="web_config_file",
        metavar="PATH",
        type=_file,
        help="web configuration file for TLS and authentication, in the format of the Prometheus exporter "
        "toolkit",
    )
    add(
        "--web.enable-lifecycle",
        dest="web_enable_lifecycle",
        action="store_true",
        help="enable POST /-/reload; SIGHUP always reloads the configuration",
    )


def _add_refresh(add: Callable[..., object]) -> None:
    add(
        "--refresh.on-demand",
        dest="refresh_on_demand",
        action="store_true",
        help="refresh a target and Region only while it is scraped: from its first scrape until it has not "
        "been scraped for 10 minutes; for several exporters that share one configuration",
    )
    add(
        "--web.shard-address",
        dest="web_shard_address",
        action="append",
        default=[],
        metavar="[dns+]HOST:PORT",
        type=_shard,
        help="address of one of several exporters that share one configuration; repeat the option for each. "
        "/targets distributes the targets over those that accept connections. dns+HOST:PORT stands for all "
        "IP addresses of the host",
    )


def _add_logs(add: Callable[..., object]) -> None:
    add(
        "--log.level",
        dest="log_level",
        default="info",
        choices=logs.LEVELS,
        help="log only messages of this level or above (default: info)",
    )
    add(
        "--log.format",
        dest="log_format",
        default="logfmt",
        choices=logs.FORMATS,
        help="format of log messages (default: logfmt)",
    )


def _add_modes(add: Callable[..., object]) -> None:
    add("--demo", action="store_const", const="account", help="run against a simulated AWS Backup account")
    add(
        "--demo.organization",
        dest="demo",
        action="store_const",
        const="organization",
        help="run against a simulated AWS organization with twelve accounts",
    )
    add("--json", action="store_true", help="with doctor: print the report as JSON")
    add("--once", action="store_true", help="write the metrics to standard output once and exit")
    add("--version", action="store_true", help="print the version and exit")


class _Help(argparse.Action):
    """Prints the help. Unlike argparse's own action, it reports when standard output cannot be written."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        write_out(parser.format_help())
        parser.exit()


def _address(text: str) -> str:
    try:
        host_and_port(text)
    except InvalidAddressError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def _interval(text: str) -> float:
    try:
        seconds = parse_duration(text, zero=True)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    if 0 < seconds < MIN_RELOAD_INTERVAL:
        raise argparse.ArgumentTypeError(f"expected 0s or at least {MIN_RELOAD_INTERVAL:g}s, got {text}")
    return seconds


def _shard(text: str) -> str:
    _address(text.removeprefix(DNS_PREFIX))
    if text.removeprefix(DNS_PREFIX).startswith(":"):
        raise argparse.ArgumentTypeError(
            f"{text!r} has no host; use HOST:PORT, as Prometheus reaches the exporter"
        )
    return text


def _path(text: str) -> str:
    reserved = ("/", "/probe", "/targets", "/config")
    if not _PLAIN_PATH.fullmatch(text) or text in reserved or text.startswith("/-/"):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a valid telemetry path; use a path that starts with / and is not used by "
            "another page, such as /metrics"
        )
    return text


def _file(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("the file name is empty; give a file name or omit the option")
    return text

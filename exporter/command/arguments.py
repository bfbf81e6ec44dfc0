"""The command line: what it may ask for."""

import argparse
import re
from collections.abc import Sequence

from exporter.command import logs
from exporter.command.streams import write_out
from exporter.web.server import NoAddressError, host_and_port

DEFAULT_ADDRESS = ":10058"

_PLAIN_PATH = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~!$&'()*+,;=:@-]+)+/?")
"""What needs no escapes in a URL, and has no meaning as a route."""


class Options(argparse.Namespace):
    """What the command line asks for."""

    command: str | None
    config_file: str | None
    config_check: bool
    web_listen_address: list[str]
    web_telemetry_path: str
    web_config_file: str | None
    web_enable_lifecycle: bool
    log_level: str
    log_format: str
    demo: bool
    json: bool
    once: bool
    version: bool


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line; what is wrong with it ends the process with exit code 2 and the reason."""
    parser = _parser()
    options = parser.parse_args(arguments, namespace=Options())
    if options.json and not options.command:
        parser.error("--json: goes with doctor")
    if options.command and (options.once or options.config_check):
        parser.error(f"{options.command}: goes without --once and --config.check")
    options.web_listen_address = options.web_listen_address or [DEFAULT_ADDRESS]
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="aws-backup-exporter",
        description="Prometheus exporter for AWS Backup.",
        allow_abbrev=False,
        add_help=False,
    )
    add = parser.add_argument
    add("-h", "--help", action=_Help, nargs=0, help="show this help and exit")
    add(
        "command",
        nargs="?",
        choices=["doctor"],
        help="doctor: check credentials, permissions and the way to AWS, say what to do, and exit",
    )
    add(
        "--config.file",
        dest="config_file",
        metavar="PATH",
        type=_file,
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
    add(
        "--web.config.file",
        dest="web_config_file",
        metavar="PATH",
        type=_file,
        help="TLS, passwords and the like, in the format that all Prometheus exporters share",
    )
    add(
        "--web.enable-lifecycle",
        dest="web_enable_lifecycle",
        action="store_true",
        help="let POST /-/reload read the configuration again; SIGHUP always does",
    )
    add("--log.level", dest="log_level", default="info", choices=logs.LEVELS)
    add("--log.format", dest="log_format", default="logfmt", choices=logs.FORMATS)
    add("--demo", action="store_true", help="run on a simulated AWS Backup account")
    add("--json", action="store_true", help="let doctor write JSON")
    add("--once", action="store_true", help="write the metrics to standard output, once, and exit")
    add("--version", action="store_true", help="print the version and exit")
    return parser


class _Help(argparse.Action):
    """Shows the help; argparse's own passes over what it cannot write."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        write_out(parser.format_help())
        parser.exit()


def _address(text: str) -> str:
    try:
        host_and_port(text)
    except NoAddressError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def _path(text: str) -> str:
    taken = ("/", "/probe", "/targets", "/config")
    if not _PLAIN_PATH.fullmatch(text) or text in taken or text.startswith("/-/"):
        raise argparse.ArgumentTypeError(
            f"{text!r}: write a path of its own that begins with /, such as /metrics"
        )
    return text


def _file(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("'': empty; name a file, or leave the option out")
    return text

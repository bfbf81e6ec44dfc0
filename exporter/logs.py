"""Logs as logfmt or JSON, one line an event, on standard error."""

import logging
import sys
from typing import TextIO

import structlog

FORMATS = ("logfmt", "json")
LEVELS = ("debug", "info", "warning", "error")

# botocore logs whole requests at debug, signatures and session tokens included; and when a role cannot be
# assumed, a traceback each time, beside the error that it raises.
_LOWEST = {
    "boto3": logging.WARNING,
    "botocore": logging.WARNING,
    "botocore.credentials": logging.ERROR,
    "urllib3": logging.WARNING,
    "uvicorn": logging.WARNING,
    "asyncio": logging.WARNING,
    "werkzeug": logging.WARNING,
    "moto": logging.WARNING,
}


def configure(level: str, form: str, stream: TextIO = sys.stderr) -> None:
    """Send all logs of the process to a stream.

    Args:
        level: one of LEVELS.
        form: one of FORMATS.
        stream: where to.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter(form))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name, lowest in _LOWEST.items():
        logging.getLogger(name).setLevel(lowest)


def _formatter(form: str) -> logging.Formatter:
    last: list[structlog.typing.Processor] = (
        [structlog.processors.JSONRenderer(default=str, ensure_ascii=False)]
        if form == "json"
        else [structlog.processors.LogfmtRenderer(key_order=["ts", "level", "msg"])]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.ExtraAdder(),
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
            structlog.processors.EventRenamer("msg"),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            *last,
        ],
    )

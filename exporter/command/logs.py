"""Logs as logfmt or JSON, one line an event, on standard error."""

import logging
import sys
from typing import TextIO

import structlog

from exporter.runtime import Secrets, clipped, printable

FORMATS = ("logfmt", "json")
LEVELS = ("debug", "info", "warning", "error")

LONGEST_VALUE = 1000  # characters; those of a traceback are not limited
_OURS, _TRACEBACK = "exporter", "exception"

# botocore logs whole requests at debug, signatures and session tokens included; and when a role cannot be
# assumed, a warning each time, beside the error that it raises. So does urllib3 for headers it cannot read.
_LOWEST = {
    "boto3": logging.WARNING,
    "botocore": logging.WARNING,
    "botocore.credentials": logging.ERROR,
    "botocore.tokens": logging.ERROR,
    "urllib3": logging.ERROR,
    "uvicorn": logging.WARNING,
    "asyncio": logging.WARNING,
    "werkzeug": logging.WARNING,
    "moto": logging.WARNING,
}


def configure(level: str, form: str, stream: TextIO = sys.stderr, secrets: Secrets | None = None) -> None:
    """Send all logs of the process to a stream.

    Args:
        level: one of LEVELS.
        form: one of FORMATS.
        stream: where to.
        secrets: what to mask.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter(form, secrets or Secrets()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name, lowest in _LOWEST.items():
        logging.getLogger(name).setLevel(lowest)


def _formatter(form: str, secrets: Secrets) -> logging.Formatter:
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
            _without_foreign_traceback,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _Clean(secrets),
            *last,
        ],
    )


def _without_foreign_traceback(
    _: object, __: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Name only the kind of an exception that a library tells of: a traceback is for what is wrong here."""
    if event.get("exc_info") and not event["_record"].name.startswith(_OURS):
        kind, *_rest = event.pop("exc_info")
        event["error"] = getattr(kind, "__name__", "")
    return event


class _Clean:
    """Makes texts fit to be shown: without secrets, control characters, and more than anybody reads."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def __call__(self, _: object, __: str, event: structlog.typing.EventDict) -> dict[str, object]:
        return {name: self._clean(name, value) for name, value in event.items()}

    def _clean(self, name: str, value: object) -> object:
        if value is None or isinstance(value, bool | int | float):
            return value
        # Line breaks are left to the formats, which escape them as they do.
        text = "\n".join(map(printable, self._secrets.mask(str(value)).split("\n")))
        return text if name == _TRACEBACK else clipped(text, LONGEST_VALUE)

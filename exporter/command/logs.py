"""Logging to standard error as logfmt or JSON, one line for each event."""

import logging
import sys
from typing import TextIO

import structlog

from exporter.runtime import Secrets, clipped, printable

FORMATS = ("logfmt", "json")
LEVELS = ("debug", "info", "warning", "error")

MAX_VALUE_LENGTH = 1000  # characters; a traceback is not limited
_OWN_LOGGER, _TRACEBACK = "exporter", "exception"

# At debug level, botocore logs whole requests, including signatures and session tokens. It also logs a
# warning each time a role cannot be assumed, besides raising an error; urllib3 does so for invalid headers.
_MIN_LEVELS = {
    "boto3": logging.WARNING,
    "botocore": logging.WARNING,
    "botocore.credentials": logging.ERROR,
    "botocore.tokens": logging.ERROR,
    "urllib3": logging.ERROR,
    "asyncio": logging.WARNING,
    "werkzeug": logging.WARNING,
    "moto": logging.WARNING,
}


def configure(level: str, form: str, stream: TextIO = sys.stderr, secrets: Secrets | None = None) -> None:
    """Send all log messages of the process to a stream.

    Args:
        level: one of LEVELS.
        form: one of FORMATS.
        stream: the stream to write to.
        secrets: values to mask.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter(form, secrets or Secrets()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name, min_level in _MIN_LEVELS.items():
        logging.getLogger(name).setLevel(min_level)


def _formatter(form: str, secrets: Secrets) -> logging.Formatter:
    renderer: list[structlog.typing.Processor] = (
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
            _drop_library_traceback,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _Sanitizer(secrets),
            *renderer,
        ],
    )


def _drop_library_traceback(
    _: object, __: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Replace the traceback that a library logs by the name of the exception; keep the exporter's own."""
    if event.get("exc_info") and not event["_record"].name.startswith(_OWN_LOGGER):
        exception_type, *_rest = event.pop("exc_info")
        event["error"] = getattr(exception_type, "__name__", "")
    return event


class _Sanitizer:
    """Masks secrets, escapes control characters and truncates long values."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def __call__(self, _: object, __: str, event: structlog.typing.EventDict) -> dict[str, object]:
        return {name: self._clean(name, value) for name, value in event.items()}

    def _clean(self, name: str, value: object) -> object:
        if value is None or isinstance(value, bool | int | float):
            return value
        # The renderer escapes line breaks.
        text = "\n".join(map(printable, self._secrets.mask(str(value)).split("\n")))
        return text if name == _TRACEBACK else clipped(text, MAX_VALUE_LENGTH)

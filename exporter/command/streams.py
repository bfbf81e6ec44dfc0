"""Standard input, output and error, whatever was made of them: closed, full, or of another encoding."""

import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import TextIO


class CannotWriteError(Exception):
    """Standard output cannot be written to; says why.

    Attributes:
        broken_pipe: whether that is because whoever read it has gone.
    """

    def __init__(self, error: OSError) -> None:
        super().__init__(f"cannot write to standard output: {error.strerror}")
        self.broken_pipe = isinstance(error, BrokenPipeError)


def prepare() -> None:
    """Keep the places of streams that are closed, and write UTF-8 whatever the locale is.

    Left alone, the place of a closed stream goes to the next file or connection that is opened, and so does
    what is then written to the stream.
    """
    for number, mode in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)):
        with suppress(OSError):  # no /dev/null: then there is nothing to put there
            _keep(number, mode)
    sys.stdout, sys.stderr = _utf8(sys.stdout, 1), _utf8(sys.stderr, 2)


def write_out(data: str | bytes) -> None:
    """Write all of it to standard output.

    Raises:
        CannotWriteError: it cannot be written.
    """
    rest = memoryview(data if isinstance(data, bytes) else data.encode(errors="backslashreplace"))
    try:
        while rest:
            rest = rest[os.write(sys.stdout.fileno(), rest) :]
    except OSError as error:
        raise CannotWriteError(error) from None


def write_error(text: str) -> None:
    """Write a line to standard error, if that can be written to."""
    with suppress(OSError):
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def _keep(number: int, mode: int) -> None:
    """Put /dev/null in the place of a closed stream: standard output still cannot be written to."""
    try:
        os.fstat(number)
    except OSError:
        os.set_inheritable(os.open(os.devnull, mode), True)  # the lowest number that is free


def _utf8(stream: TextIO | None, number: int) -> TextIO:
    if stream is None:  # what Python makes of one that is closed
        stream = open(number, "w", buffering=1, closefd=False)  # noqa: SIM115 - it stays open
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    return stream

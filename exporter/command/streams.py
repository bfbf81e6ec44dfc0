"""Standard input, output and error, even when they are closed, full or of another encoding."""

import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import TextIO


class CannotWriteError(Exception):
    """Standard output cannot be written; the message gives the reason.

    Attributes:
        broken_pipe: whether the reading end of the pipe was closed.
    """

    def __init__(self, error: OSError) -> None:
        super().__init__(f"cannot write to standard output: {error.strerror}")
        self.broken_pipe = isinstance(error, BrokenPipeError)


def prepare() -> None:
    """Reserve the file descriptors of closed streams, and write UTF-8 whatever the locale is.

    Otherwise the next file or connection to be opened would get the descriptor of the closed stream, and
    receive what is written to it.
    """
    for number, mode in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)):
        with suppress(OSError):  # there is no /dev/null
            _reserve(number, mode)
    sys.stdout, sys.stderr = _utf8(sys.stdout, 1), _utf8(sys.stderr, 2)


def write_out(data: str | bytes) -> None:
    """Write data to standard output completely.

    Raises:
        CannotWriteError: standard output cannot be written.
    """
    rest = memoryview(data if isinstance(data, bytes) else data.encode(errors="backslashreplace"))
    try:
        while rest:
            rest = rest[os.write(sys.stdout.fileno(), rest) :]
    except OSError as error:
        raise CannotWriteError(error) from None


def write_error(text: str) -> None:
    """Write a line to standard error; ignore failures."""
    with suppress(OSError):
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def _reserve(number: int, mode: int) -> None:
    """Open /dev/null on the descriptor of a closed stream; standard output stays unwritable."""
    try:
        os.fstat(number)
    except OSError:
        os.set_inheritable(os.open(os.devnull, mode), True)  # takes the lowest free descriptor


def _utf8(stream: TextIO | None, number: int) -> TextIO:
    if stream is None:  # Python's value for a closed stream
        stream = open(number, "w", buffering=1, closefd=False)  # noqa: SIM115 - stays open
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    return stream

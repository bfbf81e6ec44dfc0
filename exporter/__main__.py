"""Entry point of the command. It always ends with an exit code and never shows a traceback."""

import logging
import os
import signal
import sys
import threading
import warnings

from exporter.command import streams

log = logging.getLogger("exporter")

FAILED = 1


def run() -> None:
    """Run the command and exit without waiting for threads: one may be blocked in a call to AWS."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until the server runs, Ctrl-C ends the process at once
    streams.prepare()
    _suppress_tracebacks()
    try:
        code = _run()
    except streams.CannotWriteError as error:
        if error.broken_pipe:
            _exit_by_sigpipe()
        streams.write_error(f"aws-backup-exporter: {error}")
        code = FAILED
    except Exception as error:
        streams.write_error(f"aws-backup-exporter: failed: {_one_line(error)}")
        code = FAILED
    os._exit(code)


def _suppress_tracebacks() -> None:
    """Send what Python itself prints to the log, as one line, or drop it."""
    logging.raiseExceptions = False  # when the log cannot be written, do not write to standard error instead
    threading.excepthook = lambda args: log.error(
        "Thread failed", extra={"reason": _one_line(args.exc_value)}
    )
    sys.unraisablehook = lambda args: log.debug("Cleanup failed", exc_info=args.exc_value)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")


def _one_line(error: BaseException | None) -> str:
    log.debug("Command failed", exc_info=error)
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _run() -> int:
    try:
        from exporter.command.main import main

        return main()
    except SystemExit as error:  # raised by argparse
        return error.code if isinstance(error.code, int) else FAILED


def _exit_by_sigpipe() -> None:
    """End the process by SIGPIPE, which Python ignores by default; a shell then reports exit code 141."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGPIPE)


if __name__ == "__main__":
    run()

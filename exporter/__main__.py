"""Where the command begins and ends: whatever happens in between, no traceback, and an exit code."""

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
    """Run the command and leave, without waiting for threads: one may be stuck in a call to AWS."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends at once what is no server yet
    streams.prepare()
    _show_no_traceback()
    try:
        code = _run()
    except streams.CannotWriteError as error:
        if error.broken_pipe:
            _end_as_other_programs_do()
        streams.write_error(f"aws-backup-exporter: {error}")
        code = FAILED
    except Exception as error:
        streams.write_error(f"aws-backup-exporter: failed: {_in_one_line(error)}")
        code = FAILED
    os._exit(code)


def _show_no_traceback() -> None:
    """Have Python itself say what it says in a line of the log, or not at all."""
    logging.raiseExceptions = False  # a log that cannot be written is no reason to say so in its place
    threading.excepthook = lambda told: log.error(
        "a thread failed", extra={"reason": _in_one_line(told.exc_value)}
    )
    sys.unraisablehook = lambda told: log.debug("failed while cleaning up", exc_info=told.exc_value)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")


def _in_one_line(error: BaseException | None) -> str:
    log.debug("failed", exc_info=error)
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _run() -> int:
    try:
        from exporter.command.main import main

        return main()
    except SystemExit as error:  # argparse's way
        return error.code if isinstance(error.code, int) else FAILED


def _end_as_other_programs_do() -> None:
    """Die of the signal that Python keeps from us: a shell tells 141, and says nothing."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGPIPE)


if __name__ == "__main__":
    run()

"""A wall clock that can be set while the exporter runs: libfaketime, from Debian's package of that name.

The monotonic clock stays true, as the machine's does when somebody sets its time.

    python -m bench.soak.faketime ARGUMENTS

runs the exporter. Where libfaketime 0.9.10 does not fake the monotonic clock, it makes an error of each
`clock_nanosleep` on it, such as Python's `time.sleep`: so the exporter is given a sleep that waits on a lock.
"""

import os
import runpy
import subprocess
import sys
import time
from pathlib import Path
from threading import Event

MODULE = "bench.soak.faketime"
A_DAY = 86400


class NoFaketimeError(Exception):
    """libfaketime is not installed, or does not do what it is needed for."""


class Faketime:
    """The clock of the processes that have its environment.

    Args:
        folder: where to keep the file that tells the time.

    Raises:
        NoFaketimeError: libfaketime is not installed.
    """

    def __init__(self, folder: Path) -> None:
        self._library = _library()
        self._file = folder / "faketime"
        self.set(0)

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment."""
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }

    def set(self, ahead: int) -> None:
        """Let the clock be so many seconds ahead of the true time from now on."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{ahead:+d}\n")
        new.replace(self._file)

    def check(self) -> None:
        """Make sure that the wall clock follows the file and nothing else does.

        Raises:
            NoFaketimeError: it does not, or the monotonic clock and waits follow it too.
        """
        program = (
            f"from {MODULE} import sleep; import time; print(time.time(), flush=True); input();"
            "print(time.time(), time.monotonic(), flush=True); sleep(1); print(time.monotonic())"
        )
        with subprocess.Popen(
            [sys.executable, "-c", program],
            env=os.environ | self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as child:
            assert child.stdout
            before = float(child.stdout.readline())
            self.set(A_DAY)
            began = time.monotonic()
            out, _ = child.communicate("\n", timeout=60)
            ended = time.monotonic()
            self.set(0)
        after, *monotonic = map(float, out.split())
        if abs(after - before - A_DAY) > 60:
            raise NoFaketimeError("libfaketime does not set the clock of a running process")
        if not began <= monotonic[0] < monotonic[1] - 0.9 < ended:
            raise NoFaketimeError("libfaketime fakes the monotonic clock too")


def sleep(seconds: float) -> None:
    """Wait, by the monotonic clock."""
    Event().wait(seconds)


def _library() -> Path:
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    if not found:
        raise NoFaketimeError("the soak needs libfaketime; on Debian: apt-get install libfaketime")
    return found[0]


if __name__ == "__main__":
    time.sleep = sleep  # type: ignore[assignment] # on purpose
    runpy.run_module("exporter", run_name="__main__")

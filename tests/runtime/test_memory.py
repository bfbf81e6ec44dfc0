"""What is freed goes back to the system."""

import platform
import subprocess
import sys

import pytest

PROGRAM = """
from exporter.runtime.memory import trim_memory

def resident():
    with open("/proc/self/statm") as told:
        return int(told.read().split()[1]) * 4096

trim_memory()
before = resident()
size = 2000
held = [b"x" * size for _ in range(50_000)]
last = held.pop()
full = resident() - before
del held
kept = resident() - before
trim_memory()
print(full, kept, resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps what is freed")
def test_freed_memory_is_returned() -> None:
    """Memory that lies below something in use is kept when it is freed, and goes back when told to."""
    told = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True).stdout
    full, kept, left = map(int, told.split())

    assert full > 90e6
    assert kept > 90e6
    assert left < 10e6

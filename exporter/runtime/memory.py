"""Freed memory goes back to the system.

glibc keeps what was freed as long as anything in use lies above it: after a rush of clients, or a start with
many jobs, a process would look for ever as large as it once was.
"""

import ctypes


def trim_memory() -> None:
    """Give back what is free; does nothing where the C library is not glibc."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim:
        trim(0)

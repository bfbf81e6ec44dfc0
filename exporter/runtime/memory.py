"""Returns freed memory to the operating system.

glibc keeps freed memory as long as memory above it on the heap is in use. After a burst of clients, or a
start with many jobs, the resident size of the process would never shrink.
"""

import ctypes


def trim_memory() -> None:
    """Call `malloc_trim`; do nothing if the C library is not glibc."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim:
        trim(0)

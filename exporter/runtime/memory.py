"""Memory of the process: garbage collection, and memory that the operating system gets back."""

import ctypes
import gc
import time

YOUNG = 50_000  # new objects after which the youngest are collected; Python's default is 700
MIDDLE = 20  # such collections after which those that have survived one are collected; Python's default is 10
OLD = 1_000  # collections of those after which all objects are collected; Python's default is 10


def limit_garbage_collection() -> None:
    """Let Python hardly ever collect all objects by itself; `collect_garbage` does.

    It would do so every few scrapes, and stop the process for half a second once the jobs of a thousand
    accounts are known. There is little to find, as nearly everything is freed by reference counts.
    """
    gc.collect()
    gc.freeze()  # modules and the like are never freed
    gc.set_threshold(YOUNG, MIDDLE, OLD)


def collect_garbage() -> float:
    """Free all objects that nothing refers to. Returns the CPU time that it took, in seconds."""
    started = time.thread_time()
    gc.collect()
    return time.thread_time() - started


def trim_memory() -> None:
    """Return freed memory to the operating system with `malloc_trim`; do nothing without glibc.

    glibc keeps freed memory as long as memory above it on the heap is in use. After a burst of clients, or a
    start with many jobs, the resident size of the process would never shrink.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim:
        trim(0)

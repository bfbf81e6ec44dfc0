"""Memory of the process: garbage collection, and memory that the operating system gets back."""

import ctypes
import gc

YOUNG = 50_000  # new objects after which the youngest are collected; Python's default is 700
MIDDLE = 20  # such collections after which those that have survived one are collected; Python's default is 10
OLD = 1_000  # collections of those after which all objects are collected; Python's default is 10


def limit_garbage_collection() -> None:
    """Let the garbage collector hardly ever look at objects that have survived twice.

    Otherwise it stops the process for up to a second, each few scrapes, once the jobs of a thousand accounts
    are known. It finds nothing then: what the exporter forgets is mostly freed by reference counts.
    `collect_garbage` finds the rest.
    """
    gc.collect()
    gc.freeze()  # modules and the like are never freed
    gc.set_threshold(YOUNG, MIDDLE, OLD)


def collect_garbage() -> None:
    """Free everything that nothing refers to."""
    gc.collect()


def trim_memory() -> None:
    """Return freed memory to the operating system with `malloc_trim`; do nothing without glibc.

    glibc keeps freed memory as long as memory above it on the heap is in use. After a burst of clients, or a
    start with many jobs, the resident size of the process would never shrink.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim:
        trim(0)

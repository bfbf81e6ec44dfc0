"""What the exporter needs of its process: the time of day, worker threads, memory, and redaction.

It knows nothing of backups.
"""

from exporter.runtime.clock import (
    Clock,
)
from exporter.runtime.memory import (
    trim_memory,
)
from exporter.runtime.redaction import (
    Secrets,
    clipped,
    printable,
    user_info,
)
from exporter.runtime.worker_pool import (
    WorkerPool,
)

__all__ = ["Clock", "Secrets", "WorkerPool", "clipped", "printable", "trim_memory", "user_info"]

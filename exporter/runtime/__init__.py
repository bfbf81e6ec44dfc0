"""Process-level utilities: time, worker threads, memory and redaction of secrets.

It is independent of AWS Backup.
"""

from exporter.runtime.clock import (
    Clock,
)
from exporter.runtime.memory import (
    collect_garbage,
    limit_garbage_collection,
    trim_memory,
)
from exporter.runtime.phase import (
    own_interval,
    phase,
)
from exporter.runtime.redaction import (
    Secrets,
    clipped,
    printable,
    user_info,
)
from exporter.runtime.service_manager import (
    ServiceManager,
)
from exporter.runtime.worker_pool import (
    WorkerPool,
)

__all__ = [
    "Clock",
    "Secrets",
    "ServiceManager",
    "WorkerPool",
    "clipped",
    "collect_garbage",
    "limit_garbage_collection",
    "own_interval",
    "phase",
    "printable",
    "trim_memory",
    "user_info",
]

"""What to ask AWS on a refresh, within the request rate, and how to update the ledger.

There is one module for each subject.
"""

from exporter.collectors.duplicate_accounts import (
    published_already,
)
from exporter.collectors.jobs import (
    JobsCollector,
)
from exporter.collectors.malformed_values import (
    Omissions,
)
from exporter.collectors.plans import (
    PlansCollector,
)
from exporter.collectors.protocols import (
    MAX_WAIT,
    Collector,
    SlowCollector,
)
from exporter.collectors.resources import (
    ResourcesCollector,
)
from exporter.collectors.vaults import (
    VaultsCollector,
)

__all__ = [
    "MAX_WAIT",
    "Collector",
    "JobsCollector",
    "Omissions",
    "PlansCollector",
    "ResourcesCollector",
    "SlowCollector",
    "VaultsCollector",
    "published_already",
]

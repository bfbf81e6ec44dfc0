"""What to ask AWS on a refresh, within the request rate, and how to update the ledger.

There is one module for each subject.
"""

from exporter.collectors.duplicate_accounts import (
    published_already,
)
from exporter.collectors.frameworks import (
    FrameworksCollector,
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
from exporter.collectors.recovery_points import (
    RecoveryPointsCollector,
)
from exporter.collectors.resources import (
    ResourcesCollector,
)
from exporter.collectors.restore_testing import (
    RestoreTestingCollector,
)
from exporter.collectors.settings import (
    SettingsCollector,
)
from exporter.collectors.vaults import (
    VaultsCollector,
)

__all__ = [
    "MAX_WAIT",
    "Collector",
    "FrameworksCollector",
    "JobsCollector",
    "Omissions",
    "PlansCollector",
    "RecoveryPointsCollector",
    "ResourcesCollector",
    "RestoreTestingCollector",
    "SettingsCollector",
    "SlowCollector",
    "VaultsCollector",
    "published_already",
]

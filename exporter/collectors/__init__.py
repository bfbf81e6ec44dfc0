"""What to ask AWS on a refresh, within the request rate, and how to update the ledger.

There is one module for each subject.
"""

from exporter.collectors.accounts import (
    AccountsCollector,
)
from exporter.collectors.duplicate_accounts import (
    published_already,
)
from exporter.collectors.jobs import (
    JobsCollector,
)
from exporter.collectors.malformed_values import (
    Omissions,
)
from exporter.collectors.organization_jobs import (
    EVERY_ACCOUNT,
    OrganizationJobsCollector,
)
from exporter.collectors.organization_recorder import (
    AccountLedger,
    AccountLedgers,
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
from exporter.collectors.slow_collectors import (
    slow_collectors,
)

__all__ = [
    "EVERY_ACCOUNT",
    "MAX_WAIT",
    "AccountLedger",
    "AccountLedgers",
    "AccountsCollector",
    "Collector",
    "JobsCollector",
    "Omissions",
    "OrganizationJobsCollector",
    "RecoveryPointsCollector",
    "ResourcesCollector",
    "SlowCollector",
    "published_already",
    "slow_collectors",
]

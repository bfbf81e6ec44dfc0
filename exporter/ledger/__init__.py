"""The state of each target and Region: jobs, their counts, and the backups of each resource.

There is no I/O here, and the time is passed in.
"""

from exporter.ledger.account_owners import (
    AccountOwners,
)
from exporter.ledger.configured_job_ids import (
    ConfiguredIds,
)
from exporter.ledger.inventory import (
    Inventory,
)
from exporter.ledger.job_counts import (
    JobNumbers,
)
from exporter.ledger.job_store import (
    JobStore,
)
from exporter.ledger.ledger import (
    Ledger,
    Versions,
)
from exporter.ledger.limits import (
    MOST_CODES,
    MOST_KEYS,
    MOST_STATES,
    OTHER,
)
from exporter.ledger.resources import (
    Resources,
)

__all__ = [
    "MOST_CODES",
    "MOST_KEYS",
    "MOST_STATES",
    "OTHER",
    "AccountOwners",
    "ConfiguredIds",
    "Inventory",
    "JobNumbers",
    "JobStore",
    "Ledger",
    "Resources",
    "Versions",
]

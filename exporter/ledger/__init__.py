"""What is known of each target and Region: jobs, their counts, and the backups of each resource.

It is pure: no I/O, and the time is passed in.
"""

from exporter.ledger.configured_job_ids import (
    ConfiguredIds,
)
from exporter.ledger.jobs import (
    Book,
)
from exporter.ledger.ledger import (
    Ledger,
)
from exporter.ledger.limits import (
    MOST_CODES,
    MOST_STATES,
    OTHER,
)
from exporter.ledger.ownership import (
    Claims,
)
from exporter.ledger.resources import (
    Resources,
)

__all__ = ["MOST_CODES", "MOST_STATES", "OTHER", "Book", "Claims", "ConfiguredIds", "Ledger", "Resources"]

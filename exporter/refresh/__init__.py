"""When to ask AWS: runs the collectors of all targets and Regions, independently of each other.

Scrapes at the same time share a refresh.
"""

from exporter.refresh.credential_faults import (
    CredentialFaults,
)
from exporter.refresh.refresher import (
    Refresher,
    ScrapeRefreshes,
)
from exporter.refresh.scope_refresh import (
    ScopeRefresh,
)

__all__ = ["CredentialFaults", "Refresher", "ScopeRefresh", "ScrapeRefreshes"]

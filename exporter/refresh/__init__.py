"""When to ask AWS: each collector of each target and Region runs once at a time, apart from the others.

Scrapes that come at the same time share a refresh.
"""

from exporter.refresh.refresher import (
    Refresher,
)
from exporter.refresh.scope_refresh import (
    ScopeRefresh,
)

__all__ = ["Refresher", "ScopeRefresh"]

"""The HTTP endpoints.

The server is in `exporter.web.server`; authentication and TLS are in `exporter.web.access`.
"""

from exporter.web.routes import (
    Site,
)
from exporter.web.shards import (
    DNS_PREFIX,
    Shards,
)

__all__ = ["DNS_PREFIX", "Shards", "Site"]

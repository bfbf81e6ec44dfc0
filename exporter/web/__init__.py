"""The HTTP endpoints.

The server is in `exporter.web.server`; authentication and TLS are in `exporter.web.access`.
"""

from exporter.web.routes import (
    Site,
)

__all__ = ["Site"]

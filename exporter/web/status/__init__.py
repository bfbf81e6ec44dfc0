"""The status page: the condition of each target, for people.

It is computed from the ledgers and rendered as one HTML document.
"""

from exporter.web.status.html import (
    SECURITY_HEADERS,
    status_page,
    status_response,
)
from exporter.web.status.status import (
    Status,
    status_of,
)

__all__ = ["SECURITY_HEADERS", "Status", "status_of", "status_page", "status_response"]

"""The status page: how each target fares, for people.

It is read out of the ledgers, and written as one HTML document.
"""

from exporter.web.status.html import (
    SECURITY_HEADERS,
    answer,
    status_page,
)
from exporter.web.status.status import (
    Status,
    status_of,
)

__all__ = ["SECURITY_HEADERS", "Status", "answer", "status_of", "status_page"]

"""The status page: how the exporter fares, for people."""

from exporter.web.status.facts import Status, status_of
from exporter.web.status.page import SECURITY_HEADERS, answer, status_page

__all__ = ["SECURITY_HEADERS", "Status", "answer", "status_of", "status_page"]

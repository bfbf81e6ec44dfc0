"""Who may connect, as the web configuration says: TLS, client certificates, passwords and rate limit.

The file is read again when it changes.
"""

from exporter.web.access.middleware import (
    AccessMiddleware,
)
from exporter.web.access.web_config_watcher import (
    WebConfigWatcher,
)

__all__ = ["AccessMiddleware", "WebConfigWatcher"]

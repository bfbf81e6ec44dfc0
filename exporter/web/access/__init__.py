"""Access control as the web configuration defines it: TLS, client certificates, basic auth and rate limit.

The file is reloaded when it changes.
"""

from exporter.web.access.middleware import (
    AccessMiddleware,
)
from exporter.web.access.web_config_watcher import (
    WebConfigWatcher,
)

__all__ = ["AccessMiddleware", "WebConfigWatcher"]

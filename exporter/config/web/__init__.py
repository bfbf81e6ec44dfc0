"""Reads the file of `--web.config.file`, in the format of the Prometheus exporter-toolkit, as a `WebConfig`.

Certificates and keys are read and validated along with it.
"""

from exporter.config.web.certificates import (
    expiry,
    load_pair,
    trust,
)
from exporter.config.web.loading import (
    load_web_config,
)
from exporter.config.web.records import (
    HttpServer,
    RateLimit,
    TlsServer,
    WebConfig,
)
from exporter.config.web.values import (
    CURVES,
    SUITES,
    VERSIONS,
)

__all__ = [
    "CURVES",
    "SUITES",
    "VERSIONS",
    "HttpServer",
    "RateLimit",
    "TlsServer",
    "WebConfig",
    "expiry",
    "load_pair",
    "load_web_config",
    "trust",
]

"""The file of `--web.config.file`, in the format of Prometheus' exporter-toolkit: a frozen `WebConfig`.

Certificates and keys are read and checked with it.
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
    Stamp,
    stamp,
)

__all__ = [
    "CURVES",
    "SUITES",
    "VERSIONS",
    "HttpServer",
    "RateLimit",
    "Stamp",
    "TlsServer",
    "WebConfig",
    "expiry",
    "load_pair",
    "load_web_config",
    "stamp",
    "trust",
]

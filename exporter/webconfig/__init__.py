"""The file of `--web.config.file`, in the format of Prometheus' exporter-toolkit: a frozen `WebConfig`.

`load_web_config` reads one, certificates and keys included; `WebConfig()` is the one without a file: plain
HTTP for everybody. A setting that cannot be honoured is refused with the reason, never passed over.
"""

import os

from exporter.config.strict import read_file
from exporter.webconfig.records import HttpServer, RateLimit, TlsServer, WebConfig

__all__ = ["HttpServer", "RateLimit", "TlsServer", "WebConfig", "load_web_config"]


def load_web_config(path: str | os.PathLike[str]) -> WebConfig:
    """Read a web configuration file; raises ConfigError with all that is wrong with it and what it names."""
    return read_file(WebConfig, path)

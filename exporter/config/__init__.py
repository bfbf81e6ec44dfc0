"""Reads the YAML configuration as a frozen, validated `Config`; reports problems with file, line and key.

`exporter.config.web` does the same for the file of `--web.config.file`.
"""

from exporter.config.config import (
    Config,
)
from exporter.config.duration import (
    parse as parse_duration,
)
from exporter.config.errors import (
    ConfigError,
    Problem,
)
from exporter.config.fields import (
    COLLECTORS,
    RESERVED_LABELS,
    Collector,
)
from exporter.config.loading import (
    default,
    load,
    load_file,
    masked,
    to_yaml,
)
from exporter.config.organization import (
    Members,
    Organization,
)
from exporter.config.sections import (
    Api,
    Discovery,
    Expectation,
    Limits,
    ResourceInventory,
    Target,
)
from exporter.config.stamps import (
    SETTLE_TIME,
    Stamp,
    settled,
    stamp,
)
from exporter.config.suggestions import nearest

__all__ = [
    "COLLECTORS",
    "RESERVED_LABELS",
    "SETTLE_TIME",
    "Api",
    "Collector",
    "Config",
    "ConfigError",
    "Discovery",
    "Expectation",
    "Limits",
    "Members",
    "Organization",
    "Problem",
    "ResourceInventory",
    "Stamp",
    "Target",
    "default",
    "load",
    "load_file",
    "masked",
    "nearest",
    "parse_duration",
    "settled",
    "stamp",
    "to_yaml",
]

"""What the user wants: YAML to a frozen, validated `Config`, or to every problem with its file, line and key.

`exporter.config.web` reads the file of `--web.config.file` likewise.
"""

from exporter.config.config import (
    Config,
)
from exporter.config.errors import (
    ConfigError,
    Problem,
    nearest,
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
from exporter.config.sections import (
    Api,
    Discovery,
    Expectation,
    Limits,
    Target,
)

__all__ = [
    "COLLECTORS",
    "RESERVED_LABELS",
    "Api",
    "Collector",
    "Config",
    "ConfigError",
    "Discovery",
    "Expectation",
    "Limits",
    "Problem",
    "Target",
    "default",
    "load",
    "load_file",
    "masked",
    "nearest",
    "to_yaml",
]

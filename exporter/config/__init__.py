"""The configuration: YAML to a frozen, validated `Config`, or to every problem with its file, line and key.

`load_file` and `load` read one, `default` is the one without a file; `masked` and `to_yaml` show one without
its secrets. The records' fields carry the descriptions that docs/configuration.md is made from.
"""

from exporter.config.loading import default, load, load_file, masked, to_yaml
from exporter.config.problems import ConfigError, Problem
from exporter.config.records import Api, Discovery, Expectation, Limits, Target
from exporter.config.values import COLLECTORS, RESERVED_LABELS, Collector
from exporter.config.whole import Config

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
    "to_yaml",
]

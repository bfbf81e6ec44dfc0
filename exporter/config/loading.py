"""The exporter's own configuration: from a file, from text, from nothing; and back for people to read."""

import os
from typing import Any

import yaml

from exporter.config.config import Config
from exporter.config.validation import read_file, read_text


def default() -> Config:
    """Return the configuration that holds without a file: one target, with AWS's default chain."""
    return Config()


def load_file(path: str | os.PathLike[str]) -> Config:
    """Read a configuration file; raises ConfigError with all that is wrong with it."""
    return read_file(Config, path)


def load(text: str, filename: str) -> Config:
    """Read a configuration; `filename` is for the messages.

    Raises ConfigError with all that is wrong, in line order.
    """
    return read_text(Config, text, filename)


def masked(config: Config) -> dict[str, Any]:
    """Return the configuration as plain data for people: durations like `24h`, secrets as `<secret>`."""
    return config.model_dump(mode="json")


def to_yaml(config: Config) -> str:
    """Write the configuration as YAML, as `masked` shows it."""
    return yaml.safe_dump(masked(config), sort_keys=False, allow_unicode=True)

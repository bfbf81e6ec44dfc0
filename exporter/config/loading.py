"""Loads the configuration from a file or text, provides the default, and formats it as YAML."""

import os
from typing import Any

import yaml

from exporter.config.config import Config
from exporter.config.validation import read_file, read_text


def default() -> Config:
    """Return the configuration used without a file: one target with the default AWS credential chain."""
    return Config()


def load_file(path: str | os.PathLike[str]) -> Config:
    """Read a configuration file; raise ConfigError with all problems."""
    return read_file(Config, path)


def load(text: str, filename: str) -> Config:
    """Read a configuration from text; `filename` is used in messages.

    Raises:
        ConfigError: the configuration is invalid; holds all problems in line order.
    """
    return read_text(Config, text, filename)


def masked(config: Config) -> dict[str, Any]:
    """Return the configuration as plain data, with durations such as `24h` and secrets as `<secret>`."""
    return config.model_dump(mode="json")


def to_yaml(config: Config) -> str:
    """Format the configuration as YAML, with masked secrets."""
    return yaml.safe_dump(masked(config), sort_keys=False, allow_unicode=True)

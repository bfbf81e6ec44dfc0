"""Reads a web configuration file."""

import os

from exporter.config.validation import read_file
from exporter.config.web.records import WebConfig


def load_web_config(path: str | os.PathLike[str]) -> WebConfig:
    """Read a web configuration file and the files it names; raise ConfigError with all problems."""
    return read_file(WebConfig, path)

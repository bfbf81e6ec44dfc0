"""Builds the exporter for a configuration, and rebuilds it on a reload.

External resources, such as clocks and credentials, are passed in as `Dependencies`.
"""

from exporter.assembly.assembly import Assembler, Exporter
from exporter.assembly.config_watcher import ConfigWatcher
from exporter.assembly.dependencies import Dependencies, default_dependencies
from exporter.assembly.members import member_targets
from exporter.assembly.reload import Reloader

__all__ = [
    "Assembler",
    "ConfigWatcher",
    "Dependencies",
    "Exporter",
    "Reloader",
    "default_dependencies",
    "member_targets",
]

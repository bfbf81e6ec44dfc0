"""Puts the packages together for a configuration, and for the one that takes its place on a reload.

What the exporter takes from outside, time and credentials, comes in here as a `World`.
"""

from exporter.assembly.assembly import Assembler, Exporter, World, real_world
from exporter.assembly.reload import Reloader

__all__ = ["Assembler", "Exporter", "Reloader", "World", "real_world"]

"""Tells what stands between the exporter and AWS: credentials, permissions, the network, and what to do.

It lets the collectors ask once and reports what came of it.
"""

from exporter.doctor.checks import (
    examine,
)
from exporter.doctor.output import (
    as_json,
    as_text,
)
from exporter.doctor.report import (
    Report,
)

__all__ = ["Report", "as_json", "as_text", "examine"]

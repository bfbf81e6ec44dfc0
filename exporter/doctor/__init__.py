"""Checks access to AWS: credentials, identity, permissions and network, with a remedy for each problem.

It lets each collector call AWS once and reports the outcome.
"""

from exporter.doctor.checks import (
    examine,
)
from exporter.doctor.dry_run import (
    actions,
)
from exporter.doctor.organization import (
    organization_actions,
)
from exporter.doctor.output import (
    as_json,
    as_text,
)
from exporter.doctor.report import (
    Report,
)

__all__ = ["Report", "actions", "as_json", "as_text", "examine", "organization_actions"]

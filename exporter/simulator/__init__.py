"""Simulated AWS Backup accounts on moto, alone or in an organization, served over HTTP.

Only the demo and the tests use them.
"""

from exporter.simulator.account import (
    Account,
)
from exporter.simulator.backend import (
    Simulation,
)
from exporter.simulator.company import (
    fill,
)
from exporter.simulator.company_organization import (
    ROLE_NAME,
    found_organization,
)
from exporter.simulator.company_resources import (
    SITES,
)
from exporter.simulator.server import (
    serve,
)

__all__ = ["ROLE_NAME", "SITES", "Account", "Simulation", "fill", "found_organization", "serve"]

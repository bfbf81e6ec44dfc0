"""A simulated AWS Backup account on moto, served over HTTP.

Only the demo and the tests use it.
"""

from exporter.simulator.account import (
    Account,
)
from exporter.simulator.company import (
    fill,
)
from exporter.simulator.company_resources import (
    SITES,
)
from exporter.simulator.server import (
    serve,
)

__all__ = ["SITES", "Account", "fill", "serve"]

"""The state as metrics: names, types and HELP as data, and the text formats of Prometheus.

Lines are rendered when they change, and cached.
"""

from exporter.exposition.exposition import (
    Exposition,
    Form,
)
from exporter.exposition.scope_series import (
    ScopeSeries,
)
from exporter.exposition.self_metrics import (
    Telemetry,
)
from exporter.exposition.text_format import (
    encode,
)

__all__ = ["Exposition", "Form", "ScopeSeries", "Telemetry", "encode"]

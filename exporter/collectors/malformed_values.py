"""Malformed values in responses: counted each time, logged once per operation."""

import logging
from collections.abc import Sequence

from exporter.aws import LeftOut
from exporter.ledger import Ledger

log = logging.getLogger(__name__)


class Omissions:
    """Reports the malformed values of one scope. Thread-safe.

    Args:
        ledger: counts them.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def __call__(self, operation: str, left_out: Sequence[LeftOut]) -> None:
        """Report the values that were left out of a response."""
        if self._ledger.count_malformed(operation, len(left_out)):
            return
        scope, first = self._ledger.scope, left_out[0]
        details = {
            "target": scope.target,
            "aws_region": scope.region,
            "operation": operation,
            "place": first.place,
            "id": first.row_id,
            "reason": first.reason,
        }
        log.warning("Ignored a malformed value in a response; further ones are only counted", extra=details)

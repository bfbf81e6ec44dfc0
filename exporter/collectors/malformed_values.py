"""Tells of what could not be read of AWS's answers: counted each time, logged once for each operation."""

import logging
from collections.abc import Sequence

from exporter.aws import LeftOut
from exporter.ledger import Ledger

log = logging.getLogger(__name__)


class Omissions:
    """What could not be read in one scope. May be used from several threads.

    Args:
        ledger: counts.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def __call__(self, operation: str, left_out: Sequence[LeftOut]) -> None:
        """Take note of what could not be read of an operation's answer."""
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
        log.warning("left out a malformed value of an answer; further ones are only counted", extra=details)

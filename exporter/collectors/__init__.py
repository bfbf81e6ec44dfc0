"""The collectors: one subject a file, what to ask AWS on a refresh and what to enter in the ledger."""

from typing import Protocol


class Collector(Protocol):
    """What the refresh room knows of a collector.

    Attributes:
        name: its name in the configuration's `collectors` and in the label `collector`.
    """

    name: str

    def refresh(self) -> None:
        """Ask AWS what changed.

        Raises:
            AwsError: it did not get through; what came before that is in the ledger.
        """

    def catch_up(self) -> bool:
        """Take one more step through what was there before the start; False when nothing is left.

        Raises:
            AwsError: it did not get through; the next call tries the same step again.
        """

"""What metrics are made of: families, samples, and groups of samples with the same labels."""

from dataclasses import dataclass
from typing import NamedTuple

from exporter.ledger import Ledger
from exporter.model import Number

Labels = tuple[tuple[str, str], ...]

AWS_LABELS = ("aws_account_id", "aws_region")
SCOPE_LABELS = ("target", "aws_region")


@dataclass(frozen=True, slots=True)
class Family:
    """One metric.

    Attributes:
        name: as it is written in a query, with the `_total` of a counter.
        type: as Prometheus names it.
        help: one line; says the unit and the AWS field where there is one.
        labels: in addition to the target's static labels.
    """

    name: str
    type: str
    help: str
    labels: tuple[str, ...]


class Sample(NamedTuple):
    """One value of one family, with the labels it has in addition to those of its group."""

    family: str
    labels: Labels
    value: Number


class Group(NamedTuple):
    """Samples that share labels: all of one job, say. They change, appear and vanish together."""

    labels: Labels
    samples: tuple[Sample, ...]


def scope_labels(ledger: Ledger) -> Labels:
    """Give the labels of what the exporter tells about a scope."""
    return (("target", ledger.scope.target), ("aws_region", ledger.scope.region), *ledger.labels)


def aws_labels(ledger: Ledger, account_id: str) -> Labels:
    """Give the labels of what AWS tells in a scope."""
    return (
        ("aws_account_id", account_id or ledger.account_id),
        ("aws_region", ledger.scope.region),
        *ledger.labels,
    )

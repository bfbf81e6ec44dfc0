"""Metric families, samples, and groups of samples with common labels."""

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
        name: the name in queries; ends with `_total` for a counter.
        type: the Prometheus metric type, such as `gauge`.
        help: one line, with the unit and the AWS field if there is one.
        labels: in addition to the target's static labels.
    """

    name: str
    type: str
    help: str
    labels: tuple[str, ...]


class Sample(NamedTuple):
    """One value of a family, with its labels in addition to those of the group."""

    family: str
    labels: Labels
    value: Number


class Group(NamedTuple):
    """Samples with common labels, such as all samples of a job. They are added and removed together."""

    labels: Labels
    samples: tuple[Sample, ...]


def scope_labels(ledger: Ledger) -> Labels:
    """Return the labels of the exporter's own metrics about a scope."""
    return (("target", ledger.scope.target), ("aws_region", ledger.scope.region), *ledger.labels)


def aws_labels(ledger: Ledger, account_id: str) -> Labels:
    """Return the labels of metrics from AWS in a scope."""
    return (
        ("aws_account_id", account_id or ledger.account_id),
        ("aws_region", ledger.scope.region),
        *ledger.labels,
    )

"""Parse the Prometheus text format; each line once, because successive scrapes repeat most lines."""

from collections.abc import Iterator
from functools import lru_cache

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample


def parse_samples(text: str) -> Iterator[Sample]:
    """Yield the samples of an exposition. Raises ValueError."""
    for line in text.split("\n"):
        yield from _parse_line(line)


@lru_cache(maxsize=20_000)
def _parse_line(line: str) -> tuple[Sample, ...]:
    return tuple(sample for family in text_string_to_metric_families(line) for sample in family.samples)

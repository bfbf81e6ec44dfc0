"""A real Prometheus that has scraped nothing: it evaluates queries on samples that a file brought in."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from tests.e2e.http import ask
from tests.e2e.prometheus import serving
from tests.support.programs import require

ARN_LABEL = "resource_arn"
LONGEST_QUERY = 120.0  # seconds; Prometheus itself gives up after as many


class Found(NamedTuple):
    """A series of a range query: its labels, and the times at which there is a value."""

    labels: Mapping[str, str]
    times: tuple[float, ...]


class Past:
    """A running Prometheus."""

    def __init__(self, address: str) -> None:
        self._address = address

    def at(self, expression: str, time: float) -> list[str]:
        """Evaluate at one moment; gives the ARNs of the resources in the result, sorted."""
        result = self._ask("query", query=expression, time=f"{time:.3f}")
        return sorted(series["metric"][ARN_LABEL] for series in result)

    def between(self, expression: str, start: float, end: float, step: float) -> list[Found]:
        """Evaluate at each step from one moment to another."""
        result = self._ask("query_range", query=expression, start=f"{start:.3f}", end=f"{end:.3f}", step=step)
        return [Found(found["metric"], tuple(float(at) for at, _ in found["values"])) for found in result]

    def _ask(self, what: str, **parameters: object) -> Any:
        path = f"/api/v1/{what}?{urlencode(parameters)}"
        answer = ask(self._address, path, within=LONGEST_QUERY).json
        assert answer["status"] == "success", answer
        return answer["data"]["result"]


@contextmanager
def prometheus_of(openmetrics: Path, directory: Path, lookback: float) -> Iterator[Past]:
    """Serve the samples of a file until the block ends; each counts for `lookback` seconds."""
    program, promtool = require("prometheus"), require("promtool")
    data = directory / "data"
    # Blocks of two hours, as made without a limit, would be hundreds, each made from the whole file.
    blocks = (promtool, "tsdb", "create-blocks-from", "--max-block-duration=8760h", "openmetrics")
    made = subprocess.run((*blocks, openmetrics, data), capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    options = ("--storage.tsdb.retention.time=100y", f"--query.lookback-delta={lookback:.0f}s")
    with serving(program, directory, {}, *options) as address:
        yield Past(address)

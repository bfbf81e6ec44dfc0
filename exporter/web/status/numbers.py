"""The numbers of jobs and of AWS API calls on the status page."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from exporter.aws import AwsError
from exporter.model import Fault


@dataclass(frozen=True)
class Jobs:
    """Number of known jobs: active, finished, and finished without series because of limits.max_jobs."""

    active: int = 0
    finished: int = 0
    dropped: int = 0

    def __add__(self, other: "Jobs") -> "Jobs":
        return Jobs(self.active + other.active, self.finished + other.finished, self.dropped + other.dropped)


@dataclass(frozen=True)
class Calls:
    """Number of AWS API calls, including retries, by operation and result code (`ok` or an error code)."""

    by_operation_and_code: Mapping[tuple[str, str], int]

    @cached_property
    def total(self) -> int:
        """Number of all calls."""
        return sum(self.by_operation_and_code.values())

    @cached_property
    def throttled(self) -> int:
        """Number of calls that AWS throttled."""
        return sum(n for (_, code), n in self.by_operation_and_code.items() if _is_throttling(code))

    @cached_property
    def failed(self) -> dict[str, int]:
        """Number of failed calls by code, the most frequent first."""
        failed: Counter[str] = Counter()
        for (_, code), count in self.by_operation_and_code.items():
            if code != "ok":
                failed[code] += count
        return dict(failed.most_common())

    @cached_property
    def by_operation(self) -> dict[str, "Calls"]:
        """The calls of each operation, by name."""
        parts: dict[str, dict[tuple[str, str], int]] = {}
        for (operation, code), count in sorted(self.by_operation_and_code.items()):
            parts.setdefault(operation, {})[operation, code] = count
        return {operation: Calls(part) for operation, part in parts.items()}


def _is_throttling(code: str) -> bool:
    return AwsError(Fault(code, "", "")).is_throttling

"""What the doctor finds: plain records."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from exporter.aws import CONNECTION, CREDENTIALS, MALFORMED, TIMEOUT, AwsError, Caller, Credentials
from exporter.model import Fault, Scope


class Result(StrEnum):
    """How a check ended."""

    OK = "ok"
    DENIED = "denied"
    MISSING = "missing"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    THROTTLED = "throttled"
    UNKNOWN = "unknown"
    DUPLICATE = "duplicate"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        kind: `credentials`, `role`, `region`, `identity`, `permission`, `job` or `account`.
        name: what of that kind (`backup:ListBackupJobs`, a job id).
        result: how it ended.
        collector: which one needs it; empty when it is not one alone.
        detail: what was found.
        fault: what is wrong; None when all is well.
        needed: whether the exporter cannot do without.
    """

    kind: str
    name: str
    result: Result = Result.OK
    collector: str = ""
    detail: str = ""
    fault: Fault | None = None
    needed: bool = True

    @property
    def passed(self) -> bool:
        """Whether nothing needs to be done about it."""
        return self.fault is None or not self.needed


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found about one target in one Region; None where that could not be told."""

    scope: Scope
    credentials: Credentials | None
    caller: Caller | None
    checks: tuple[Check, ...]

    @property
    def healthy(self) -> bool:
        """Whether the exporter can do its work here."""
        return all(check.passed for check in self.checks)


@dataclass(frozen=True, slots=True)
class Report:
    """What was found about every target and Region of a configuration."""

    diagnoses: tuple[Diagnosis, ...]

    @property
    def healthy(self) -> bool:
        """Whether the exporter can do its work everywhere."""
        return all(diagnosis.healthy for diagnosis in self.diagnoses)

    def checks(self) -> Iterator[tuple[Scope, Check]]:
        """Every check, with where it was made."""
        return ((diagnosis.scope, check) for diagnosis in self.diagnoses for check in diagnosis.checks)


def result_of(error: AwsError) -> Result:
    """Sort an error by what is to be done about it."""
    code = error.fault.code
    if code.startswith("AccessDenied"):
        return Result.DENIED
    if code == CREDENTIALS:
        return Result.MISSING
    if error.is_about_credentials:
        return Result.REFUSED
    if error.is_throttling:
        return Result.THROTTLED
    return Result.UNREACHABLE if code in (TIMEOUT, CONNECTION, MALFORMED) else Result.FAILED

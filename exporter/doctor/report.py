"""The results of the doctor, as plain records."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from exporter.aws import CONNECTION, CREDENTIALS, MALFORMED, TIMEOUT, AwsError, Caller, Credentials
from exporter.model import Fault, Scope


class Result(StrEnum):
    """The result of a check."""

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
    """One check.

    Attributes:
        kind: `credentials`, `role`, `region`, `identity`, `permission`, `job` or `account`.
        name: what was checked, such as `backup:ListBackupJobs` or a job id.
        result: the result.
        collector: the collectors that need it, separated by commas; empty when it is not specific to them.
        detail: what the check found, such as the ARN of the caller.
        fault: the problem and its remedy; None when the check passed.
        needed: whether the exporter needs it to work.
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
        """Whether the check passed or is optional."""
        return self.fault is None or not self.needed


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The checks of one target in one Region. Credentials and caller are None when unknown."""

    scope: Scope
    credentials: Credentials | None
    caller: Caller | None
    checks: tuple[Check, ...]

    @property
    def healthy(self) -> bool:
        """Whether all required checks passed."""
        return all(check.passed for check in self.checks)


@dataclass(frozen=True, slots=True)
class Report:
    """The diagnoses of all targets and Regions of a configuration."""

    diagnoses: tuple[Diagnosis, ...]

    @property
    def healthy(self) -> bool:
        """Whether all required checks of all targets and Regions passed."""
        return all(diagnosis.healthy for diagnosis in self.diagnoses)

    def checks(self) -> Iterator[tuple[Scope, Check]]:
        """Return every check with its target and Region."""
        return ((diagnosis.scope, check) for diagnosis in self.diagnoses for check in diagnosis.checks)


def result_of(error: AwsError) -> Result:
    """Classify an error by how to fix it."""
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

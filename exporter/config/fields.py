"""The value types of a configuration; each rejects invalid values with a reason and a remedy."""

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    PlainSerializer,
    SecretStr,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from exporter.config import duration
from exporter.config.errors import Path, quoted, written
from exporter.model import KINDS, RESOURCE_TYPES

RESERVED_LABELS = frozenset(
    {
        "account_name",
        "account_status",
        "aws_account_id",
        "aws_region",
        "backup_options",
        "backup_type",
        "boto3_version",
        "code",
        "collector",
        "created_by_backup_job_id",
        "created_resource_arn",
        "deployment_status",
        "destination_recovery_point_arn",
        "destination_vault_arn",
        "encryption_key_type",
        "framework_name",
        "iam_role_arn",
        "is_parent",
        "job_id",
        "kind",
        "le",
        "malware_scanner",
        "message_category",
        "operation",
        "organizational_unit",
        "parent_job_id",
        "parent_resource_arn",
        "phase",
        "plan_id",
        "plan_name",
        "plan_version",
        "python_version",
        "recovery_point_arn",
        "resource_arn",
        "resource_name",
        "resource_type",
        "restore_testing_plan_arn",
        "restore_testing_plan_name",
        "rule_id",
        "rule_name",
        "scan_mode",
        "scan_result_status",
        "schedule",
        "source_recovery_point_arn",
        "source_vault_arn",
        "state",
        "status",
        "status_message",
        "storage_class",
        "target",
        "timezone",
        "validation_status",
        "vault_arn",
        "vault_name",
        "vault_state",
        "vault_type",
        "version",
    }
)
"""The labels of the exporter's own series; a static label with such a name would collide."""

_SCRAPE_LABELS = frozenset({"job", "instance"})
_T = TypeVar("_T", bound=Hashable)
_V = TypeVar("_V")
_Number = TypeVar("_Number", int, float)


@dataclass(frozen=True, slots=True)
class FromFile:
    """The validation context of a file, in which a bare number is not a duration; in Python it is seconds.

    Attributes:
        directory: the directory that relative paths refer to.
    """

    directory: FilePath


@dataclass(frozen=True, slots=True)
class Broken:
    """A violated rule: the path below the record, the message, and the path of the conflicting value."""

    path: Path
    message: str
    clash: Path | None = None


class FrozenMapping(Mapping[str, _V]):
    """An immutable, hashable mapping."""

    __slots__ = ("_items",)

    def __init__(self, values: Mapping[str, _V]) -> None:
        self._items = tuple(values.items())

    def __getitem__(self, name: str) -> _V:
        return dict(self._items)[name]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(frozenset(self._items))

    def __repr__(self) -> str:
        return repr(dict(self._items))


def enforce(broken: Iterable[Broken]) -> None:
    """Raise a pydantic ValidationError with all violated rules, if there are any."""
    errors: list[InitErrorDetails] = []
    for rule in broken:
        clash = f"; see {written(rule.clash)}" if rule.clash else ""
        context = {
            "message": rule.message,
            "clash": rule.clash,
            "below": len(rule.path),
            "text": rule.message + clash,
        }
        errors.append(
            {"type": PydanticCustomError("broken_rule", "{text}", context), "loc": rule.path, "input": None}
        )
    if errors:
        raise ValidationError.from_exception_data("configuration", errors)


def first_places(items: Iterable[_T]) -> Iterable[tuple[int, int, _T]]:
    """Yield (index, first index, item) for each duplicate item."""
    first: dict[_T, int] = {}
    for place, item in enumerate(items):
        if first.setdefault(item, place) != place:
            yield place, first[item], item


def _unique(items: tuple[_T, ...]) -> tuple[_T, ...]:
    enforce(
        Broken((place,), f"{quoted(str(item))} is a duplicate; remove one of them", (before,))
        for place, before, item in first_places(items)
    )
    return items


def _not_empty(items: tuple[_T, ...]) -> tuple[_T, ...]:
    if not items:
        raise ValueError("must not be empty; add at least one item or remove the key")
    return items


def _matching(pattern: str, expected: str) -> AfterValidator:
    """Accept text that matches the whole pattern; `expected` describes it, with an example."""
    syntax = re.compile(pattern)

    def check(text: str) -> str:
        if not syntax.fullmatch(text):
            raise ValueError(f"expected {expected}, got {quoted(text)}")
        return text

    return AfterValidator(check)


def within(most: _Number, of: Callable[[_Number], str], why: str) -> AfterValidator:
    """Accept positive numbers up to `most`; `of` formats a number, `why` explains the limit."""

    def check(number: _Number) -> _Number:
        if number <= 0:
            raise ValueError(f"must be greater than 0, got {of(number)}")
        return _at_most(most, number, of, why)

    return AfterValidator(check)


def at_most(most: _Number, of: Callable[[_Number], str], why: str) -> AfterValidator:
    """Accept numbers up to `most`; `of` formats a number, `why` explains the limit."""
    return AfterValidator(lambda number: _at_most(most, number, of, why))


def _at_most(most: _Number, number: _Number, of: Callable[[_Number], str], why: str) -> _Number:
    if number > most:
        raise ValueError(f"at most {of(most)}, got {of(number)}: {why}")
    return number


def _seconds(*, zero: bool) -> BeforeValidator:
    """Accept a duration as text or, in Python, in seconds; `zero` says whether it may be zero."""

    def convert(value: Any, info: ValidationInfo) -> float:
        if isinstance(value, str):
            return duration.parse(value, zero=zero)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or isinstance(info.context, FromFile):
            raise PydanticCustomError("duration_type", "expected a duration such as 24h or 1h30m")
        return duration.in_range(value, f"{value} s", zero=zero)

    return BeforeValidator(convert)


_SDK_HOST = re.compile(r"((?!-)[a-z0-9-]{1,63}(?<!-)\.)*(?!-)[a-z0-9-]{1,63}(?<!-)\.?|.*:.*")
"""Host names that botocore accepts; unlike elsewhere, no underscores. IPv6 addresses contain colons."""


def _endpoint(url: str) -> str:
    # Never show the URL itself: it may contain a password.
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
        parts = urlsplit("")
    if "@" in url:
        raise ValueError(
            "the URL contains a user name or password; remove it and configure credentials in a profile"
        )
    if not valid or parts.query or parts.fragment or not re.fullmatch(r"[!-~]+", url):
        raise ValueError("expected an http or https URL such as https://backup.example.com, without a query")
    if not _SDK_HOST.fullmatch(parts.hostname or ""):
        raise ValueError("the AWS SDK allows only letters, digits, - and . in a host name; use another name")
    return url


def _secret(secret: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[A-Za-z0-9_+=,.@:/-]{2,1224}", secret.get_secret_value()):
        raise ValueError("expected 2 to 1224 letters, digits and characters of _+=,.@:/- without spaces")
    return secret


def _label_name(name: str) -> str:
    if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", name):
        raise ValueError(
            "expected a label name such as team: letters, digits and _, not starting with a digit"
        )
    if name.startswith("__"):
        raise ValueError("label names that start with __ are reserved for Prometheus; choose another name")
    if name in RESERVED_LABELS:
        raise ValueError("the exporter uses this label itself; choose another name")
    if name in _SCRAPE_LABELS:
        raise ValueError("Prometheus sets this label on each scrape; choose another name")
    return name


Text = Annotated[str, _matching(r"\S(.*\S)?", "non-empty text without leading or trailing spaces")]
TargetName = Annotated[str, _matching(r"[A-Za-z0-9_-]+", "letters, digits, - and _ such as production")]
Region = Annotated[str, _matching(r"[a-z]{2,5}(-[a-z]+)+-[0-9]{1,2}", "an AWS Region such as eu-west-1")]
RoleArn = Annotated[
    str,
    _matching(
        r"arn:aws(-[a-z]+)*:iam::[0-9]{12}:role/([!-~]*/)?[A-Za-z0-9_+=,.@-]+",
        "a role's ARN such as arn:aws:iam::123456789012:role/aws-backup-exporter",
    ),
]
RoleName = Annotated[
    str,
    _matching(
        r"[A-Za-z0-9_+=,.@-]{1,64}",
        "a role's name such as aws-backup-exporter: at most 64 letters, digits and characters of _+=,.@- "
        "(no path, not an ARN)",
    ),
]
AccountId = Annotated[str, _matching(r"[0-9]{12}", "an account id of 12 digits such as 123456789012")]
OrganizationalUnitId = Annotated[
    str,
    _matching(
        r"ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}|r-[0-9a-z]{4,32}",
        "the id of an organizational unit such as ou-ab12-34cd56ef, or of a root such as r-ab12",
    ),
]
ResourceArn = Annotated[
    str,
    _matching(
        r"arn:aws(-[a-z]+)*:[a-z0-9-]+:[a-z0-9-]*:([0-9]{12})?:\S(.*\S)?",
        "a resource's ARN such as arn:aws:ec2:eu-west-1:123456789012:volume/vol-0abc",
    ),
]
JobId = Annotated[str, _matching(r"\S+", "a job id such as 1b2c3d4e-0f1a-2b3c-4d5e-6f7a8b9c0d1e")]
TagKey = Annotated[str, _matching(r"(?s:.{1,128})", "the key of a tag: 1 to 128 characters")]
TagValue = Annotated[str, _matching(r"(?s:.{0,256})", "the value of a tag: at most 256 characters")]
VaultName = Annotated[
    str, _matching(r"[A-Za-z0-9._/-]{1,255}", "a vault's name of letters, digits and -._/ (not an ARN)")
]
ResourceType = Annotated[
    str,
    _matching(
        r"(?! )[A-Za-z0-9._/()& -]{1,255}(?<! )",
        "a resource type such as EBS or SAP HANA on Amazon EC2 (not an ARN)",
    ),
]
EndpointUrl = Annotated[str, AfterValidator(_endpoint)]
_AS_DURATION = PlainSerializer(duration.text, return_type=str, when_used="always")
Duration = Annotated[float, _seconds(zero=False), _AS_DURATION]
DurationOrZero = Annotated[float, _seconds(zero=True), _AS_DURATION]
Secret = Annotated[
    SecretStr,
    AfterValidator(_secret),
    PlainSerializer(lambda _: "<secret>", return_type=str, when_used="always"),
]
Labels = Annotated[
    Mapping[Annotated[str, AfterValidator(_label_name)], str],
    AfterValidator(FrozenMapping),
    PlainSerializer(dict, return_type=dict[str, str], when_used="always"),
]
Tags = Annotated[
    Mapping[TagKey, TagValue],
    AfterValidator(FrozenMapping),
    PlainSerializer(dict, return_type=dict[str, str], when_used="always"),
]
INVENTORY = "inventory"
"""The collector that has a block of its own."""

COLLECTORS = (
    *(kind.collector for kind in KINDS),
    "resources",
    "vaults",
    "plans",
    "recovery_points",
    "settings",
    "restore_testing",
    "frameworks",
)
"""Those that `collectors` can list."""

if TYPE_CHECKING:
    Collector = str
    BackedUpType = str
else:
    Collector = Literal[COLLECTORS]  # includes each kind of job
    BackedUpType = Literal[RESOURCE_TYPES]

UNREPEATED = AfterValidator(_unique)
FILLED = AfterValidator(_not_empty)

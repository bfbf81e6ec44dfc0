"""The kinds of value a configuration holds: each a type that refuses what cannot be right, and says why."""

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
from exporter.model import KINDS

RESERVED_LABELS = frozenset(
    {
        "aws_account_id",
        "aws_region",
        "backup_options",
        "backup_type",
        "boto3_version",
        "code",
        "collector",
        "created_by_backup_job_id",
        "created_resource_arn",
        "destination_recovery_point_arn",
        "destination_vault_arn",
        "iam_role_arn",
        "is_parent",
        "job_id",
        "kind",
        "le",
        "message_category",
        "operation",
        "parent_job_id",
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
        "rule_id",
        "rule_name",
        "source_recovery_point_arn",
        "source_vault_arn",
        "state",
        "status_message",
        "target",
        "validation_status",
        "vault_arn",
        "vault_name",
        "version",
    }
)
"""The labels that the exporter's own series carry; a static label of that name would collide."""

_SCRAPE_LABELS = frozenset({"job", "instance"})
_T = TypeVar("_T", bound=Hashable)
_V = TypeVar("_V")
_Number = TypeVar("_Number", int, float)


@dataclass(frozen=True, slots=True)
class FromFile:
    """The validation context of a file, where a bare number is no duration; in Python it is seconds.

    Attributes:
        directory: what relative paths in it are relative to.
    """

    directory: FilePath


@dataclass(frozen=True, slots=True)
class Broken:
    """A broken rule: the value's path below the record, what to do, and the other value it clashes with."""

    path: Path
    message: str
    clash: Path | None = None


class FrozenMapping(Mapping[str, _V]):
    """Values by name that nobody can change, and that can be hashed and copied with their record."""

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
    """Raise pydantic's ValidationError, with every broken rule at its own place, if there is any."""
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
    """Return (place, first place, item) of each item that came before."""
    first: dict[_T, int] = {}
    for place, item in enumerate(items):
        if first.setdefault(item, place) != place:
            yield place, first[item], item


def _unrepeated(items: tuple[_T, ...]) -> tuple[_T, ...]:
    enforce(
        Broken((place,), f"{quoted(str(item))} is repeated; remove one of the two", (before,))
        for place, before, item in first_places(items)
    )
    return items


def _filled(items: tuple[_T, ...]) -> tuple[_T, ...]:
    if not items:
        raise ValueError("empty; name at least one, or leave the key out")
    return items


def _looks_like(pattern: str, expected: str) -> AfterValidator:
    """Accept text that matches the whole pattern; `expected` says what that is, with an example."""
    syntax = re.compile(pattern)

    def check(text: str) -> str:
        if not syntax.fullmatch(text):
            raise ValueError(f"expected {expected}, got {quoted(text)}")
        return text

    return AfterValidator(check)


def within(most: _Number, of: Callable[[_Number], str], why: str) -> AfterValidator:
    """Accept numbers that are positive and not above `most`; `of` writes one, `why` says why that is so."""

    def check(number: _Number) -> _Number:
        if number <= 0:
            raise ValueError(f"must be more than 0, got {of(number)}")
        if number > most:
            raise ValueError(f"at most {of(most)}, got {of(number)}: {why}")
        return number

    return AfterValidator(check)


def _seconds(value: Any, info: ValidationInfo) -> float:
    if isinstance(value, str):
        return duration.parse(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or isinstance(info.context, FromFile):
        raise PydanticCustomError("duration_type", "expected a duration such as 24h or 1h30m")
    if not 0 < value <= duration.LONGEST:
        raise ValueError(f"a duration must be more than 0 and at most 100 years, got {value} s")
    return float(value)


_SDK_HOST = re.compile(r"((?!-)[a-z0-9-]{1,63}(?<!-)\.)*(?!-)[a-z0-9-]{1,63}(?<!-)\.?|.*:.*")
"""What botocore takes: no underscore, which host names elsewhere may have. IPv6 addresses have colons."""


def _endpoint(url: str) -> str:
    # The URL itself is never shown: what is wrong with it may be a password.
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
        parts = urlsplit("")
    if "@" in url:
        raise ValueError(
            "the URL holds a user name or password; remove it, and give credentials with a profile"
        )
    if not sound or parts.query or parts.fragment or not re.fullmatch(r"[!-~]+", url):
        raise ValueError(
            "expected an http or https URL such as https://backup.example.com, and no query in it"
        )
    if not _SDK_HOST.fullmatch(parts.hostname or ""):
        raise ValueError("the AWS SDK takes a host of letters, digits, - and . only; give it such a name")
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
        raise ValueError("label names that start with __ belong to Prometheus; choose another")
    if name in RESERVED_LABELS:
        raise ValueError("the exporter's own series carry this label; choose another")
    if name in _SCRAPE_LABELS:
        raise ValueError("Prometheus sets this label when it scrapes; choose another")
    return name


Text = Annotated[str, _looks_like(r"\S(.*\S)?", "text that is not empty, without spaces around it")]
TargetName = Annotated[str, _looks_like(r"[A-Za-z0-9_-]+", "letters, digits, - and _ such as production")]
Region = Annotated[str, _looks_like(r"[a-z]{2,5}(-[a-z]+)+-[0-9]{1,2}", "an AWS Region such as eu-west-1")]
RoleArn = Annotated[
    str,
    _looks_like(
        r"arn:aws(-[a-z]+)*:iam::[0-9]{12}:role/([!-~]*/)?[A-Za-z0-9_+=,.@-]+",
        "a role's ARN such as arn:aws:iam::123456789012:role/aws-backup-exporter",
    ),
]
ResourceArn = Annotated[
    str,
    _looks_like(
        r"arn:aws(-[a-z]+)*:[a-z0-9-]+:[a-z0-9-]*:([0-9]{12})?:\S(.*\S)?",
        "a resource's ARN such as arn:aws:ec2:eu-west-1:123456789012:volume/vol-0abc",
    ),
]
JobId = Annotated[str, _looks_like(r"\S+", "a job id such as 1b2c3d4e-0f1a-2b3c-4d5e-6f7a8b9c0d1e")]
VaultName = Annotated[
    str, _looks_like(r"[A-Za-z0-9._/-]{1,255}", "a vault's name of letters, digits and -._/ (not an ARN)")
]
ResourceType = Annotated[
    str,
    _looks_like(
        r"(?! )[A-Za-z0-9._/()& -]{1,255}(?<! )",
        "a resource type such as EBS or SAP HANA on Amazon EC2 (not an ARN)",
    ),
]
EndpointUrl = Annotated[str, AfterValidator(_endpoint)]
Duration = Annotated[
    float, BeforeValidator(_seconds), PlainSerializer(duration.text, return_type=str, when_used="always")
]
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
if TYPE_CHECKING:
    Collector = str
else:
    Collector = Literal[COLLECTORS]  # a new kind of job brings its name along

UNREPEATED = AfterValidator(_unrepeated)
FILLED = AfterValidator(_filled)

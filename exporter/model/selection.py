"""Determines which resources a selection of a backup plan selects, as AWS Backup does at each run.

The rules are from the developer guide, "Select AWS services to backup" and "Assign resources with AWS CLI". A
resource is a candidate if its ARN matches one of Resources, or if it has one of the tags in ListOfTags.
NotResources and Conditions then narrow the candidates.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import filterfalse
from typing import Any

from exporter.model.arn_patterns import ArnPatterns, compile_wildcards
from exporter.model.job_fields import Answer, number
from exporter.model.resource_types import ARN_FORMS, ArnForm

ALWAYS_NEED_OPT_IN = frozenset({"Aurora", "DocumentDB", "Neptune", "FSx"})
"""Types that need opt-in even if a selection names the type or the resource."""

_OPERATORS = ("StringEquals", "StringLike", "StringNotEquals", "StringNotLike")
_TAG_KEY = "aws:ResourceTag/"
_NARROWING_PARTS = ("BackupSelection", "NotResources", "Conditions")
_PARTS = (*_NARROWING_PARTS, "Resources", "ListOfTags")


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on one tag of a resource.

    Attributes:
        operator: `StringEquals`, `StringLike`, `StringNotEquals` or `StringNotLike`.
        key: the key of the tag, without `aws:ResourceTag/`.
        value: the value of the tag; for the two Like operators, `*` matches any number of characters.
    """

    operator: str
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Selection:
    """A selection of a backup plan.

    Attributes:
        id, name: the ID and name of the selection.
        created: CreationDate in seconds since 1970; None if AWS does not report it.
        resources: ARN patterns, in which `*` matches any number of characters; a resource must match one.
        not_resources: ARN patterns; a resource must match none.
        tags: ListOfTags as keys and values; a resource with one of them is a candidate regardless of its ARN.
        conditions: conditions on tags; a resource must meet all of them.
        unreadable: paths of the parts of the response that could not be read (`Conditions.StringLike[0]`). If
            there are any, the selection may select more resources than `selects` returns.
        compiled: the compiled patterns, for `selects` and `opted_out_types`.
    """

    id: str
    name: str
    created: float | None
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    conditions: tuple[Condition, ...] = ()
    unreadable: tuple[str, ...] = ()
    compiled: "_Compiled" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Compile the patterns once, because `selects` is called for each resource."""
        object.__setattr__(self, "compiled", _Compiled.of(self))

    @classmethod
    def of(cls, answer: Answer, left_out: Iterable[str] = ()) -> "Selection":
        """Parse the response of GetBackupSelection.

        A malformed part never widens the selection: a malformed ARN, pattern or tag matches nothing, and a
        malformed exclusion or condition excludes everything. `unreadable` contains the malformed parts. A
        response without Resources, ListOfTags and Conditions, which AWS does not accept, counts as malformed.

        Args:
            answer: the complete response, with SelectionId and BackupSelection.
            left_out: paths of malformed values that the caller removed
                (`BackupSelection.NotResources`).
        """
        reading = _Reading(left_out)
        body = reading.body(answer)
        name = body.get("SelectionName")
        selection_id = answer.get("SelectionId")
        return cls(
            id=selection_id if isinstance(selection_id, str) else "",
            name=name if isinstance(name, str) else "",
            created=number(answer.get("CreationDate")),
            resources=reading.arns(body, "Resources"),
            not_resources=reading.arns(body, "NotResources"),
            tags=reading.tags(body),
            conditions=reading.conditions(body),
            unreadable=tuple(dict.fromkeys(reading.unreadable)),
        )

    @property
    def named_arns(self) -> tuple[str, ...]:
        """The full ARNs in Resources. NotResources and Conditions can still exclude them."""
        return tuple(arn for arn in self.resources if "*" not in arn)


def selects(
    selection: Selection,
    arn: str,
    resource_type: str,
    tags: Mapping[str, str],
    opt_in: Mapping[str, bool],
) -> bool:
    """Return whether a selection selects a resource.

    All comparisons are case-sensitive. A resource without the tag meets StringNotEquals and StringNotLike,
    but not StringEquals and StringLike. If a selection has only Conditions, every resource that meets them is
    selected.

    Resources of a type that is not opted in are not selected, unless Resources contains the resource or its
    type; the types in ALWAYS_NEED_OPT_IN are not selected even then. A type that is missing from the opt-in
    map counts as opted in, so that settings that could not be read do not make resources appear unprotected.

    Args:
        selection: the selection.
        arn: the ARN of the resource.
        resource_type: the type of the resource, as AWS Backup spells it.
        tags: the tags of the resource.
        opt_in: ResourceTypeOptInPreference of DescribeRegionSettings.
    """
    compiled = selection.compiled
    opted_in = opt_in.get(resource_type, True)
    if not opted_in and resource_type in ALWAYS_NEED_OPT_IN:
        return False
    found = (
        compiled.by_name.match(arn)
        or (opted_in and (compiled.broadly.match(arn) or compiled.everything))
        or (opted_in and not compiled.tags.isdisjoint(tags.items()))
    )
    return (
        found
        and not compiled.nothing
        and not compiled.excluded.match(arn)
        and all(check.holds(tags) for check in compiled.checks)
    )


def opted_out_types(
    selection: Selection, known_types: Collection[str], opt_in: Mapping[str, bool]
) -> tuple[str, ...]:
    """Return the types that a selection requests but does not select, because they are not opted in.

    Resources request the types of a service (`arn:aws:ec2:*`), and the types in ALWAYS_NEED_OPT_IN that they
    name. If types share an ARN form (`arn:aws:rds:*:*:cluster:*`), only the known ones are requested. `*` and
    tags request all known types. Types that NotResources excludes completely are not requested.

    Args:
        selection: the selection.
        known_types: the types of the known resources of the account.
        opt_in: ResourceTypeOptInPreference of DescribeRegionSettings.
    """
    compiled = selection.compiled
    asked = set(known_types) if selection.tags or compiled.everything else set()
    for pattern in selection.resources:
        asked.update(_types_asked_for(pattern, known_types))
    settled = compiled.excluded.whole_types() | (compiled.by_name.whole_types() - ALWAYS_NEED_OPT_IN)
    return tuple(sorted(name for name in asked - settled if not opt_in.get(name, True)))


def _types_asked_for(pattern: str, known_types: Collection[str]) -> set[str]:
    service = _service_of(pattern)
    if "*" in service:
        return set(known_types)
    named = [form for form in ARN_FORMS if _names(pattern, form)]
    forms = named or [form for form in ARN_FORMS if form.service == service]
    asked = {form.resource_type for form in forms if form.resource_type in known_types or not _shared(form)}
    return asked & ALWAYS_NEED_OPT_IN if named else asked


def _shared(form: ArnForm) -> bool:
    return sum((form.service, form.prefix) == (other.service, other.prefix) for other in ARN_FORMS) > 1


def _service_of(pattern: str) -> str:
    """Return the service in a pattern; `*` if there is none."""
    parts = pattern.split(":", 3)
    return parts[2] if len(parts) > 3 else "*"


def _names(pattern: str, form: ArnForm) -> bool:
    """Return whether a pattern contains a resource type in addition to the service."""
    service, *rest = pattern.split(":", 3)[2:] or [""]
    below = f":{rest[0]}" if rest else ""
    return service == form.service and (f":{form.prefix}" in below if form.prefix else below[:3] == ":::")


def _names_type(pattern: str) -> bool:
    return "*" not in pattern or any(_names(pattern, form) for form in ARN_FORMS)


@dataclass(frozen=True, slots=True)
class _Check:
    """A condition with a compiled pattern."""

    key: str
    matches: Callable[[str], object]
    negated: bool

    @classmethod
    def of(cls, condition: Condition) -> "_Check":
        like = condition.operator.endswith("Like")
        matches = compile_wildcards([condition.value]).fullmatch if like else condition.value.__eq__
        return cls(condition.key, matches, "Not" in condition.operator)

    def holds(self, tags: Mapping[str, str]) -> bool:
        value = tags.get(self.key)
        return (value is not None and bool(self.matches(value))) is not self.negated


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A compiled selection, to compare with many resources.

    Attributes:
        by_name: patterns with a resource or a resource type.
        broadly: the other patterns: a service, or broader.
        excluded: NotResources.
        tags: ListOfTags.
        checks: Conditions.
        everything: whether all resources that meet the conditions are selected.
        nothing: whether a part that narrows the selection is malformed, so that nothing is selected.
    """

    by_name: ArnPatterns
    broadly: ArnPatterns
    excluded: ArnPatterns
    tags: frozenset[tuple[str, str]]
    checks: tuple[_Check, ...]
    everything: bool
    nothing: bool

    @classmethod
    def of(cls, selection: Selection) -> "_Compiled":
        resources = selection.resources
        return cls(
            by_name=ArnPatterns(filter(_names_type, resources)),
            broadly=ArnPatterns(filterfalse(_names_type, resources)),
            excluded=ArnPatterns(selection.not_resources),
            tags=frozenset(selection.tags),
            checks=tuple(map(_Check.of, selection.conditions)),
            everything=bool(selection.conditions)
            and not (resources or selection.tags or selection.unreadable),
            nothing=any(path.startswith(_NARROWING_PARTS) for path in selection.unreadable),
        )


class _Reading:
    """Parses the parts of a response, and records the malformed ones."""

    def __init__(self, left_out: Iterable[str]) -> None:
        paths = (path.removeprefix("BackupSelection.") for path in left_out)
        self.unreadable = [path for path in paths if path.startswith(_PARTS)]

    def body(self, answer: Answer) -> Mapping[str, Any]:
        body = answer.get("BackupSelection")
        if not isinstance(body, Mapping) or not any(map(body.get, ("Resources", "ListOfTags", "Conditions"))):
            self.unreadable.append("BackupSelection")
        return body if isinstance(body, Mapping) else {}

    def arns(self, body: Mapping[str, Any], name: str) -> tuple[str, ...]:
        return tuple(arn for path, arn in self._rows(body.get(name), name) if self._is_text(path, arn))

    def tags(self, body: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
        rows = self._rows(body.get("ListOfTags"), "ListOfTags")
        return tuple(
            tag
            for path, row in rows
            if (tag := self._tag(path, row)) and self._is_string_equals(path, row.get("ConditionType"))
        )

    def conditions(self, body: Mapping[str, Any]) -> tuple[Condition, ...]:
        by_operator = body.get("Conditions")
        if by_operator is None:
            return ()
        if not isinstance(by_operator, Mapping):
            self.unreadable.append("Conditions")
            return ()
        self.unreadable.extend(
            f"Conditions.{name}" for name, rows in by_operator.items() if rows and name not in _OPERATORS
        )
        return tuple(
            Condition(operator, *tag)
            for operator in _OPERATORS
            for path, row in self._rows(by_operator.get(operator), f"Conditions.{operator}")
            if (tag := self._tag(path, row))
        )

    def _rows(self, rows: object, path: str) -> list[tuple[str, Any]]:
        if rows is not None and not isinstance(rows, list | tuple):
            self.unreadable.append(path)
        elif rows:
            return [(f"{path}[{index}]", row) for index, row in enumerate(rows)]
        return []

    def _tag(self, path: str, row: object) -> tuple[str, str] | None:
        fields = row if isinstance(row, Mapping) else {}
        key, value = fields.get("ConditionKey"), fields.get("ConditionValue")
        if isinstance(key, str) and key and isinstance(value, str):
            return key.removeprefix(_TAG_KEY), value
        self.unreadable.append(path)
        return None

    def _is_text(self, path: str, value: object) -> bool:
        if not (isinstance(value, str) and value):
            self.unreadable.append(path)
            return False
        return True

    def _is_string_equals(self, path: str, operator: object) -> bool:
        if not (isinstance(operator, str) and operator.upper() == "STRINGEQUALS"):
            self.unreadable.append(path)
            return False
        return True

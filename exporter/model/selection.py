"""Which resources a selection of a backup plan takes, as AWS Backup works it out at each run.

The rules are those of the developer guide, "Select AWS services to backup" and "Assign resources with AWS
CLI". A resource is a candidate when its ARN matches one of Resources, or when it has one of the tags in
ListOfTags: the two add up. NotResources and Conditions then narrow the candidates.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import filterfalse
from typing import Any

from exporter.model.arn_patterns import ArnPatterns, compile_wildcards
from exporter.model.job_kinds import Answer, number
from exporter.model.resource_types import ARN_FORMS, ArnForm

ALWAYS_NEED_OPT_IN = frozenset({"Aurora", "DocumentDB", "Neptune", "FSx"})
"""Types whose opt-in counts even for a selection that names the type or the resource."""

_OPERATORS = ("StringEquals", "StringLike", "StringNotEquals", "StringNotLike")
_TAG_KEY = "aws:ResourceTag/"
_NARROWING_PARTS = ("BackupSelection", "NotResources", "Conditions")
_PARTS = (*_NARROWING_PARTS, "Resources", "ListOfTags")


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on one tag of a resource.

    Attributes:
        operator: `StringEquals`, `StringLike`, `StringNotEquals` or `StringNotLike`.
        key: of the tag, without `aws:ResourceTag/`.
        value: of the tag; for the two Like operators, `*` stands for any number of characters.
    """

    operator: str
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Selection:
    """A selection of a backup plan.

    Attributes:
        id, name: as AWS gives them.
        created: CreationDate in seconds since 1970; None when AWS gave none.
        resources: ARNs, in which `*` stands for any number of characters; a resource must match one of them.
        not_resources: likewise; a resource must match none of them.
        tags: ListOfTags as keys and values; a resource with any of them is taken, whatever its ARN.
        conditions: a resource must meet all of them, whichever way it was found.
        unreadable: the parts of the answer that could not be read, as paths (`Conditions.StringLike[0]`).
            With any, the selection takes at least what `selects` says, but may take more.
        compiled: the patterns of these parts, for `selects` and `opted_out_types`.
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
        """Compile the patterns once; `selects` is called for each resource."""
        object.__setattr__(self, "compiled", _Compiled.of(self))

    @classmethod
    def of(cls, answer: Answer, left_out: Iterable[str] = ()) -> "Selection":
        """Read the answer of GetBackupSelection.

        A part that cannot be read never widens the selection, as an absent one would: an ARN, pattern or tag
        that cannot be read matches nothing, an exclusion or a condition that cannot be read excludes
        everything. `unreadable` names these parts. An answer with neither Resources, ListOfTags nor
        Conditions, which AWS does not accept, counts as one that cannot be read.

        Args:
            answer: the whole answer, with SelectionId and BackupSelection.
            left_out: paths of values that the caller removed because they could not be read
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
        """The resources that are named by their full ARN; NotResources and Conditions can exclude them."""
        return tuple(arn for arn in self.resources if "*" not in arn)


def selects(
    selection: Selection,
    arn: str,
    resource_type: str,
    tags: Mapping[str, str],
    opt_in: Mapping[str, bool],
) -> bool:
    """Tell whether a selection takes a resource.

    Upper and lower case matter everywhere. A resource without the tag meets StringNotEquals and
    StringNotLike, and neither of the other two operators. A selection with Conditions only takes all
    resources that meet them.

    A type that is not opted in is left out, unless Resources name the resource or its type; the types in
    ALWAYS_NEED_OPT_IN are left out even then. A type that the opt-in map does not name counts as opted in:
    only False says otherwise, and settings that could not be read must not make resources look unprotected.

    Args:
        selection: which one.
        arn: of the resource.
        resource_type: of the resource, as AWS Backup spells it.
        tags: of the resource.
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
    """Give the types that a selection asks for and that it misses because they are not opted in.

    A selection asks for the types whose service Resources name (`arn:aws:ec2:*`) and for the types in
    ALWAYS_NEED_OPT_IN that they name. Of types that share a form of ARN (`arn:aws:rds:*:*:cluster:*`) it asks
    for the known ones only. By `*` and by tags, it asks for all known types. It does not ask for types that
    NotResources exclude as a whole.

    Args:
        selection: which one.
        known_types: types of which the account has resources, as far as is known.
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
    """Give the service that a pattern names; `*` when it does not."""
    parts = pattern.split(":", 3)
    return parts[2] if len(parts) > 3 else "*"


def _names(pattern: str, form: ArnForm) -> bool:
    """Tell whether a pattern names a service and a resource type, not the service alone."""
    service, *rest = pattern.split(":", 3)[2:] or [""]
    below = f":{rest[0]}" if rest else ""
    return service == form.service and (f":{form.prefix}" in below if form.prefix else below[:3] == ":::")


def _names_type(pattern: str) -> bool:
    return "*" not in pattern or any(_names(pattern, form) for form in ARN_FORMS)


@dataclass(frozen=True, slots=True)
class _Check:
    """A condition whose pattern is compiled."""

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
    """What a selection means, ready to be compared with many resources.

    Attributes:
        by_name: patterns that name a resource or a resource type.
        broadly: the other patterns, by service or broader.
        excluded: NotResources.
        tags: ListOfTags.
        checks: Conditions.
        everything: whether all resources that meet the conditions are taken.
        nothing: whether a part that narrows the selection could not be read.
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
    """Reads the parts of an answer, and notes those that it cannot read."""

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

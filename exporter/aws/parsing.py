"""Answers of AWS Backup, read value by value: one that cannot be read costs none of the others.

botocore reads an answer as a whole or not at all, and leads every value through the service model, which
takes three times as long as reading the JSON. What comes out of a plain answer is the same, but for times:
they stay seconds since 1970.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from exporter.model import KINDS, Number

LEFT_OUT = "LeftOut"
"""The field of an answer that holds a LeftOut for each value that could not be read; absent without any."""

ROW_IDS: Mapping[str, str] = {
    **{kind.list_member: kind.id_member for kind in KINDS},
    "BackupPlansList": "BackupPlanId",
    "BackupSelectionsList": "SelectionId",
    "BackupVaultList": "BackupVaultName",
    "Frameworks": "FrameworkName",
    "RecoveryPoints": "RecoveryPointArn",
    "RestoreTestingPlans": "RestoreTestingPlanArn",
    "Results": "ResourceArn",
    "Rules": "RuleId",
    "ScheduledRunsPreview": "RuleId",
}
"""By the field that holds rows, the field without which a row is none."""

_IDS = tuple(dict.fromkeys(ROW_IDS.values()))
_TOKEN = "NextToken"  # noqa: S105 - one of a list
_DEEPEST = 32  # levels; AWS Backup's answers have five
_LONGEST_ID = 100  # characters of an id in a message

_TYPES: Mapping[str, frozenset[type]] = {
    "boolean": frozenset({bool}),
    "integer": frozenset({int}),
    "list": frozenset({list}),
    "long": frozenset({int}),
    "map": frozenset({dict}),
    "string": frozenset({str}),
    "structure": frozenset({dict}),
    "timestamp": frozenset({float, int}),
}
"""By the type of a field, how its value comes in plain JSON."""

_LONG = (-(2**63), 2**64)
_RANGES: Mapping[str, tuple[int, int]] = {
    "integer": _LONG,
    "long": _LONG,
    "timestamp": (0, 253_402_300_800),  # the year 10,000, where calendars end
}
"""By the type of a field, the least number and the first that is too large."""

_WORDS: Mapping[object, str] = {
    **dict.fromkeys(("boolean", bool), "true or false"),
    **dict.fromkeys(("integer", "long", int, float), "a number"),
    **dict.fromkeys(("list", list), "a list"),
    **dict.fromkeys(("map", "structure", dict), "an object"),
    **dict.fromkeys(("string", str), "a text"),
    "timestamp": "a point in time",
    type(None): "null",
}
"""What people call the types of fields, and those of JSON."""

_STRINGS_AND_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[{}\]]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A value of an answer that could not be read.

    Attributes:
        place: where it stood (`BackupJobs[3].CreatedBy`).
        reason: what is wrong with it.
        row_id: the id of the row or job that it is part of; empty when that has none.
    """

    place: str
    reason: str
    row_id: str


def read_answer(
    operation_model: Any,
    response_dict: dict[str, Any],
    customized_response_dict: dict[str, Any],
    **_: object,
) -> None:
    """Take over an answer that is a JSON object; anything else is left to botocore.

    A handler of botocore's event `before-parse`. Of what cannot be read, a field is absent, a row of a list
    None, and each has its entry under LEFT_OUT.
    """
    if response_dict["status_code"] != 200:
        return
    try:
        told = _parse(response_dict["body"])
    except ValueError:
        return
    if isinstance(told, dict):
        shape = operation_model.output_shape
        customized_response_dict.update(
            {name: told[name] for name in shape.members if name in told}
            if _are_plain([told], shape)
            else _read_bit_by_bit(told, shape)
        )
        response_dict["body"] = b""


def _parse(body: bytes) -> object:
    text = body.decode("utf-8-sig", errors="replace")
    try:
        return json.loads(text, parse_constant=_no_number)
    except RecursionError:
        text = _without_depths(text)
    except json.JSONDecodeError:
        raise
    except ValueError:
        """A whole number of more digits than Python reads."""
    return json.loads(text, parse_constant=_no_number, parse_int=_whole)


def _no_number(_: str) -> float:
    """Take NaN for infinity, which is out of every range."""
    return math.inf


def _whole(digits: str) -> Number:
    try:
        return int(digits)
    except ValueError:
        return math.inf


def _without_depths(text: str) -> str:
    """Empty what is nested deeper than any answer is; Python reads a thousand levels at most."""
    kept, depth, start = [], 0, 0
    for found in _STRINGS_AND_BRACKETS.finditer(text):
        if found[0] in "[{":
            depth += 1
            if depth == _DEEPEST:
                kept.append(text[start : found.end()])
        elif found[0] in "]}":
            if depth == _DEEPEST:
                start = found.start()
            depth -= 1
    return "".join((*kept, text[start:]))


def _are_plain(values: Sequence[Any], shape: Any, row_id: str | None = None) -> bool:
    """Whether all these values are what the service model says; a column at a time, since that is fast."""
    kind = shape.type_name
    if not _TYPES[kind].issuperset(map(type, values)):
        return False
    if kind == "structure":
        return (row_id is None or all(value.get(row_id) for value in values)) and all(
            _are_plain(_column(values, name), member, ROW_IDS.get(name))
            for name, member in shape.members.items()
        )
    if kind == "list":
        return _are_plain([*chain.from_iterable(values)], shape.member, row_id)
    if kind == "map":
        return _are_plain([*chain.from_iterable(value.values() for value in values)], shape.value)
    if kind in _RANGES and values:
        least, end = _RANGES[kind]
        return bool(least <= min(values) and max(values) < end)
    return True


def _column(rows: Sequence[Mapping[str, Any]], name: str) -> list[Any]:
    return [value for row in rows if (value := row.get(name)) is not None]


def _read_bit_by_bit(told: Mapping[str, Any], shape: Any) -> dict[str, Any]:
    reading = _Reading()
    answer: dict[str, Any] = reading.fields(told, shape, "", _id_of(told))
    if _TOKEN in told:
        answer[_TOKEN] = told[_TOKEN]  # one of another type must not end the list as if it were complete
    return answer | {LEFT_OUT: tuple(reading.left_out)}


class _Reading:
    """Reads the values of one answer, and takes note of those that it leaves out."""

    def __init__(self) -> None:
        self.left_out: list[LeftOut] = []

    def fields(self, told: Mapping[str, Any], shape: Any, place: str, row_id: str) -> dict[str, Any]:
        """Give the fields of a structure that can be read."""
        values = (
            (name, self._value(told.get(name), member, f"{place}.{name}".lstrip("."), row_id))
            for name, member in shape.members.items()
        )
        return {name: value for name, value in values if value is not None}

    def _value(self, told: Any, shape: Any, place: str, row_id: str) -> Any:
        """Give what can be read of a value; None when that is nothing."""
        if told is None:
            return None
        kind = shape.type_name
        if kind == "structure" and isinstance(told, dict):
            return self.fields(told, shape, place, row_id)
        if kind == "map" and isinstance(told, dict):
            values = ((key, self._value(value, shape.value, place, row_id)) for key, value in told.items())
            return {key: value for key, value in values if value is not None}
        if kind == "list" and isinstance(told, list):
            needed = ROW_IDS.get(place.rpartition(".")[2], "")
            return [
                self._row(row, shape.member, needed, f"{place}[{number}]", row_id)
                for number, row in enumerate(told)
            ]
        try:
            return _scalar(told, kind)
        except ValueError as error:
            self.left_out.append(LeftOut(place, str(error), row_id))
            return None

    def _row(self, told: Any, shape: Any, needed: str, place: str, list_id: str) -> Any:
        row_id = _id_of(told) or list_id
        if told is None:
            self.left_out.append(LeftOut(place, _mismatch(told, shape.type_name), row_id))
        elif needed and isinstance(told, dict) and not (told.get(needed) and isinstance(told[needed], str)):
            self.left_out.append(LeftOut(place, f"no {needed}", row_id))
        else:
            return self._value(told, shape, place, row_id)
        return None


def _id_of(told: object) -> str:
    """Give the id of a row or of a description, as far as it has one."""
    ids = (told.get(name) for name in _IDS) if isinstance(told, dict) else ()
    return next((name[:_LONGEST_ID] for name in ids if isinstance(name, str)), "")


def _scalar(told: Any, kind: str) -> Any:
    """Read a value that is no object and no list.

    Raises:
        ValueError: it is not what it should be.
    """
    if kind in _RANGES:
        number = told
        if type(told) is str:
            number = _number_in(told) if kind != "timestamp" else _time_in(told)
        if type(number) not in (int, float):
            raise ValueError(_mismatch(told, kind))
        least, end = _RANGES[kind]
        if not least <= number < end:
            raise ValueError(f"{_WORDS[kind]} out of range")
        return number
    if type(told) not in _TYPES[kind]:
        raise ValueError(_mismatch(told, kind))
    return told


def _number_in(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _time_in(text: str) -> float | None:
    """Read a time in seconds since 1970, or as ISO 8601 writes it."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _mismatch(told: object, kind: str) -> str:
    return f"{_WORDS[type(told)]} where {_WORDS[kind]} belongs"

"""Lists of jobs, taken from AWS's JSON as they are.

botocore leads every row through the service model, which takes three times as long as reading the JSON. What
comes out of a plain row is the same, but for times: they stay seconds since 1970.
"""

import json
from collections.abc import Mapping
from typing import Any

_PLAIN: Mapping[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "map": (dict,),
    "structure": (dict,),
    "timestamp": (float, int),
}
"""By the type of a field, how its value comes in JSON; texts stay what they are in any case."""


def take_plain_rows(
    operation_model: Any,
    response_dict: dict[str, Any],
    customized_response_dict: dict[str, Any],
    **_: object,
) -> None:
    """Take over a list's answer, when every row of it is plain; else it is left to botocore.

    A handler of botocore's event `before-parse`.
    """
    if response_dict["status_code"] != 200:
        return
    try:
        answer = json.loads(response_dict["body"])
    except ValueError:
        return
    if isinstance(answer, dict) and _is_plain(answer, operation_model.output_shape.members):
        customized_response_dict.update(answer)
        response_dict["body"] = b""


def _is_plain(answer: Mapping[str, Any], members: Mapping[str, Any]) -> bool:
    lists = {name: shape.member.members for name, shape in members.items() if shape.type_name == "list"}
    return all(_are_plain(answer.get(name), fields) for name, fields in lists.items())


def _are_plain(rows: object, fields: Mapping[str, Any]) -> bool:
    if not isinstance(rows, list) or not all(type(row) is dict for row in rows):
        return False
    wanted = {name: _PLAIN[shape.type_name] for name, shape in fields.items() if shape.type_name in _PLAIN}
    return all(type(row[name]) in types for name, types in wanted.items() for row in rows if name in row)

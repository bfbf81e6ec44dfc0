"""Texts of AWS's answers that UTF-8 cannot carry: JSON can escape a half of a surrogate pair alone."""

import re
from typing import Any

_ESCAPES = re.compile(
    rb"(\\[^u]|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)


def replace_lone_surrogates(response_dict: dict[str, Any], **_: object) -> None:
    """Put U+FFFD in the place of each, as a label has it: ids that differ in nothing else are one.

    A handler of botocore's event `before-parse`.
    """
    body = response_dict["body"]
    if isinstance(body, bytes) and (rb"\ud" in body or rb"\uD" in body):
        response_dict["body"] = _ESCAPES.sub(lambda found: found[1] or rb"\ufffd", body)

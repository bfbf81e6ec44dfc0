"""Lone surrogates in responses: JSON can escape half of a surrogate pair, which UTF-8 cannot encode."""

import re
from typing import Any

_ESCAPES = re.compile(
    rb"(\\[^u]|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)


def without_lone_surrogates(body: bytes) -> bytes:
    """Replace each lone surrogate with U+FFFD, as in labels: so IDs that become equal are one."""
    if rb"\u" in body and (rb"\ud" in body or rb"\uD" in body):
        return _ESCAPES.sub(lambda found: found[1] or rb"\ufffd", body)
    return body


def replace_lone_surrogates(response_dict: dict[str, Any], **_: object) -> None:
    """Replace each lone surrogate in a response; a handler of botocore's `before-parse`."""
    if isinstance(response_dict["body"], bytes):
        response_dict["body"] = without_lone_surrogates(response_dict["body"])

"""Texts of AWS's answers that UTF-8 cannot carry."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.aws.lone_surrogates import replace_lone_surrogates


def mended(body: bytes) -> bytes:
    """Give the body of an answer as it is parsed."""
    response = {"body": body}
    replace_lone_surrogates(response)
    return response["body"]


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        (r"a\ud800b", "a\ufffdb"),
        (r"\uDFFF\uD800", "\ufffd\ufffd"),
        (r"\ud83d\ude00", "😀"),
        (r"\ud83d\ud83d\ude00", "\ufffd😀"),
        (r"\\ud800", "\\ud800"),
        (r"\\\ud800", "\\\ufffd"),
        (r"\"\ud800\"", '"\ufffd"'),
        (r"\ud7ff", "\ud7ff"),
    ],
)
def test_halves_of_pairs_are_replaced(text: str, becomes: str) -> None:
    """A half of a pair becomes U+FFFD; pairs and what only looks like an escape stay."""
    assert json.loads(mended(f'"{text}"'.encode())) == becomes


@given(st.text(st.one_of(st.characters(), st.sampled_from('\ud800\udfff\\"u'))), st.booleans())
def test_any_text_is_read(text: str, ascii_only: bool) -> None:
    """Any text that JSON escapes is what it was, but for halves of pairs."""
    body = json.dumps(text, ensure_ascii=ascii_only).encode(errors="replace")
    assert json.loads(mended(body)) == re.sub("[\ud800-\udfff]", "\ufffd", json.loads(body))


def test_other_bodies_are_left_alone() -> None:
    """A body that is no JSON, or none at all, is left to whoever reads it."""
    assert [mended(body) for body in (b"", b"<html>", b"\xff\\u00e9")] == [b"", b"<html>", b"\xff\\u00e9"]

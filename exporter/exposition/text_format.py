"""Renders samples as lines of text, which are the same in each text format."""

import re
from functools import lru_cache
from hashlib import sha256

from exporter.exposition.metric_types import Group, Labels
from exporter.model import Number

Lines = dict[str, bytes]  # by family

LONGEST_VALUE = 1024  # bytes of a label value
_SURELY_SHORT = LONGEST_VALUE // 4  # characters
_HASH = 16  # hex digits

_SURROGATES = re.compile("[\ud800-\udfff]")


def render(group: Group) -> Lines:
    """Render the samples of a group, by metric."""
    shared = label_text(group.labels)
    lines: dict[str, str] = {}
    for family, own, value in group.samples:
        labels = f"{shared},{_own_label_text(own)}" if own else shared
        lines[family] = lines.get(family, "") + _line(family, labels, value)
    return {family: encode(text) for family, text in lines.items()}


def _own_label_text(labels: Labels) -> str:
    """Render the labels that a sample has in addition to those of its group."""
    # A single label is mostly a state.
    return _cached_label_text(labels) if len(labels) == 1 else label_text(labels)


def line(name: str, labels: str, value: Number) -> bytes:
    """Render one sample."""
    return encode(_line(name, labels, value))


def _line(name: str, labels: str, value: Number) -> str:
    return f"{name}{{{labels}}} {value!r}\n" if labels else f"{name} {value!r}\n"


def encode(text: str) -> bytes:
    """Encode as UTF-8. A lone surrogate, which JSON can contain but UTF-8 cannot, becomes U+FFFD."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _SURROGATES.sub("\ufffd", text).encode()


def label_text(labels: Labels) -> str:
    """Render labels, without the braces."""
    plain = ",".join([f'{name}="{value}"' for name, value in labels])
    # Hardly any value needs escapes or is too long, so all values are checked together first.
    if len(plain) > _SURELY_SHORT and any(len(value) > _SURELY_SHORT for _, value in labels):
        labels = tuple((name, shortened(value)) for name, value in labels)
    elif "\\" not in plain and "\n" not in plain and plain.count('"') == 2 * len(labels):
        return plain
    return ",".join([f'{name}="{escape(value)}"' for name, value in labels])


_cached_label_text = lru_cache(maxsize=1024)(label_text)


def escape(value: str) -> str:
    """Escape a label value."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def shortened(value: str) -> str:
    """Shorten a label value to `LONGEST_VALUE` bytes.

    It ends in a hash of the whole value, so that different values remain different and no series is
    duplicated.
    """
    if len(value) <= _SURELY_SHORT:
        return value
    whole = encode(value)
    if len(whole) <= LONGEST_VALUE:
        return value
    ending = f"…{sha256(whole).hexdigest()[:_HASH]}"
    return whole[: LONGEST_VALUE - len(ending.encode())].decode(errors="ignore") + ending

"""Samples to lines of text, alike in every text format."""

import re

from exporter.metrics import Group, Labels
from exporter.model import Number

Lines = dict[str, bytes]  # by family

_SURROGATES = re.compile("[\ud800-\udfff]")


def render(group: Group) -> Lines:
    """Render the samples of a group, by family."""
    shared = label_text(group.labels)
    lines: dict[str, bytes] = {}
    for family, own, value in group.samples:
        labels = f"{shared},{label_text(own)}" if own else shared
        lines[family] = lines.get(family, b"") + line(family, labels, value)
    return lines


def line(name: str, labels: str, value: Number) -> bytes:
    """Write one sample."""
    return encode(f"{name}{{{labels}}} {value!r}\n" if labels else f"{name} {value!r}\n")


def encode(text: str) -> bytes:
    """Encode as UTF-8. A lone surrogate, which JSON can carry, has no such form and becomes U+FFFD."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _SURROGATES.sub("\ufffd", text).encode()


def label_text(labels: Labels) -> str:
    """Write labels as they stand between the braces."""
    plain = ",".join([f'{name}="{value}"' for name, value in labels])
    # Hardly any value needs escapes: all of them are looked at together first.
    if "\\" not in plain and "\n" not in plain and plain.count('"') == 2 * len(labels):
        return plain
    return ",".join([f'{name}="{escape(value)}"' for name, value in labels])


def escape(value: str) -> str:
    """Escape a label's value."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")

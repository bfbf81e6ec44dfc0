"""Samples to lines of text, alike in every text format."""

from exporter.metrics import Group, Labels
from exporter.model import Number

Lines = dict[str, bytes]  # by family


def render(group: Group) -> Lines:
    """Render the samples of a group, by family."""
    shared = label_text(group.labels)
    lines: dict[str, bytes] = {}
    for family, own, value in group.samples:
        labels = f"{shared},{label_text(own)}" if own else shared
        lines[family] = lines.get(family, b"") + line(family, labels, value)
    return lines


def line(name: str, labels: str, value: Number) -> bytes:
    """Write one sample. A lone surrogate, which JSON can carry, has no UTF-8 form and becomes `?`."""
    braced = f"{{{labels}}}" if labels else ""
    return f"{name}{braced} {value!r}\n".encode("utf-8", "replace")


def label_text(labels: Labels) -> str:
    """Write labels as they stand between the braces."""
    return ",".join([f'{name}="{escape(value)}"' for name, value in labels])


def escape(value: str) -> str:
    """Escape a label's value."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")

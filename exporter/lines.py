"""Samples to lines of text, alike in every text format."""

from exporter.metrics import Group
from exporter.model import Number

Lines = dict[str, bytes]  # by family


def render(group: Group) -> Lines:
    """Render the samples of a group, by family."""
    shared = ",".join([f'{name}="{escape(value)}"' for name, value in group.labels])
    lines: dict[str, str] = {}
    for family, labels, value in group.samples:
        own = "".join([f',{name}="{escape(text)}"' for name, text in labels])
        lines[family] = f"{lines.get(family, '')}{family}{{{shared}{own}}} {_number(value)}\n"
    return {family: encode(text) for family, text in lines.items()}


def escape(value: str) -> str:
    """Escape a label's value."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def encode(text: str) -> bytes:
    """Encode as UTF-8. A lone surrogate, which JSON can carry, has no such form and becomes `?`."""
    return text.encode("utf-8", "replace")


def _number(value: Number) -> str:
    return repr(value)

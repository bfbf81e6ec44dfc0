"""What a misspelt word was probably meant to be."""

import difflib
from collections.abc import Iterable

from exporter.config.errors import quoted


def nearest(word: str, valid: Iterable[str], what: str) -> str:
    """Suggest the closest valid word, or list all valid words; `what` describes them."""
    words = tuple(valid)
    matches = difflib.get_close_matches(word, words, n=1)
    return f"did you mean {quoted(matches[0])}?" if matches else f"{what} are {', '.join(words)}"

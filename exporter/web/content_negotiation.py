"""HTTP content negotiation: evaluates the Accept and Accept-Encoding headers, including quality values."""

from collections.abc import Iterator
from typing import NamedTuple

PLAIN = "text/plain; version=0.0.4; charset=utf-8"

_OFFERS = {
    ("application/openmetrics-text", ""): "application/openmetrics-text; version=1.0.0; charset=utf-8",
    ("application/openmetrics-text", "1.0.0"): "application/openmetrics-text; version=1.0.0; charset=utf-8",
    ("text/plain", "1.0.0"): "text/plain; version=1.0.0; charset=utf-8",
    ("text/plain", ""): PLAIN,
    ("text/plain", "0.0.4"): PLAIN,
    ("text/*", ""): PLAIN,
    ("*/*", ""): PLAIN,
}
_ESCAPINGS = frozenset({"allow-utf-8", "underscores", "dots", "values"})


class _Choice(NamedTuple):
    name: str
    parameters: dict[str, str]
    weight: float


def content_type(accept: str) -> str:
    """Return the content type that the client prefers; plain text when it accepts none of the formats."""
    best = _Choice("", {}, 0.0)
    for choice in _choices(accept):
        if choice.weight > best.weight and (choice.name, choice.parameters.get("version", "")) in _OFFERS:
            best = choice
    found = _OFFERS.get((best.name, best.parameters.get("version", "")), PLAIN)
    if found == PLAIN:
        return found
    # No metric name needs escaping, so any escaping scheme that the client requests is correct.
    escaping = best.parameters.get("escaping", "")
    return f"{found}; escaping={escaping if escaping in _ESCAPINGS else 'underscores'}"


def gzip_accepted(accept_encoding: str) -> bool:
    """Return whether the client accepts gzip, with a quality value above 0."""
    return any(choice.name == "gzip" and choice.weight > 0 for choice in _choices(accept_encoding))


def _choices(header: str) -> Iterator[_Choice]:
    for part in header.lower().split(","):
        name, *rest = (word.strip() for word in part.split(";"))
        pairs = (word.partition("=") for word in rest)
        parameters = {key.strip(): value.strip().strip('"') for key, _, value in pairs}
        yield _Choice(name, parameters, _weight(parameters.get("q", "1")))


def _weight(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        return 1.0
    return weight if 0 <= weight <= 1 else 1.0

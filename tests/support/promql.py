"""What a PromQL expression speaks of: metrics, labels, values; and whether the exporter has them.

Whether an expression is PromQL at all is for Prometheus to say. Grafana's variables may stand in it.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise, takewhile

from prometheus_client.parser import text_string_to_metric_families

from exporter.config import COLLECTORS
from exporter.exposition import metrics, self_metrics
from exporter.exposition.metric_types import Family
from exporter.model.job_kinds import KINDS

Known = Mapping[str, frozenset[str]]

OF_THE_SCRAPE = frozenset({"job", "instance"})  # every series has them
OF_PROMETHEUS: Known = {
    "up": frozenset(),
    "scrape_duration_seconds": frozenset(),
    "scrape_samples_scraped": frozenset(),
    "ALERTS": frozenset({"alertname", "alertstate", "severity"}),
}


@dataclass(frozen=True)
class Matcher:
    """One condition of a selector, as `state=~"FAILED|EXPIRED"`."""

    label: str
    operator: str
    value: str


@dataclass(frozen=True)
class Selector:
    """A metric as an expression selects it; without a name where it is not written in front."""

    metric: str
    matchers: tuple[Matcher, ...] = ()

    @property
    def labels(self) -> frozenset[str]:
        """The labels it names."""
        return frozenset(matcher.label for matcher in self.matchers)


_TOKEN = re.compile(
    r"""
      (?P<space> \s+ | \#[^\n]* )
    | (?P<text> "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | `[^`]*` )
    | (?P<range> \[ [^]]* \] )
    | (?P<number> (?: \d | \.\d ) [\w.]* )
    | (?P<variable> \$\{[^}]*\} | \$\w+ )
    | (?P<name> [a-zA-Z_:][\w:]* )
    | (?P<sign> [=!]~ | [=!<>]= | \S )
    """,
    re.VERBOSE,
)
_LISTS = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_WORDS = _LISTS | {"and", "or", "unless", "atan2", "bool", "offset", "inf", "nan"}
_CALLS = frozenset({"(", "by", "without"})  # what follows the name of a function or an aggregation
_MAKERS = frozenset({"label_replace", "label_join", "count_values"})


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str

    @property
    def word(self) -> str:
        """The keyword that it is, if it is one; keywords may be written in capitals."""
        return self.text.lower() if self.kind == "name" and self.text.lower() in _WORDS else ""


_END = _Token("end", "")


@lru_cache(maxsize=4096)
def selectors(expression: str) -> Sequence[Selector]:
    """Give every selector, in the order in which they are written."""
    return tuple(_selectors(_tokens(expression)))


def label_names(expression: str) -> frozenset[str]:
    """Give the labels named after by, without, on, ignoring, group_left and group_right."""
    tokens = _tokens(expression)
    return frozenset(
        token.text
        for place, (word, bracket) in enumerate(pairwise(tokens))
        if word.word in _LISTS and bracket.text == "("
        for token in _until(")", tokens[place + 2 :])
        if token.kind == "name"
    )


def made_labels(expression: str) -> frozenset[str]:
    """Give the labels that label_replace, label_join and count_values make."""
    tokens = _tokens(expression)
    return frozenset(
        next(text.text[1:-1] for text in _arguments(tokens[place + 1 :]) if text.kind == "text")
        for place, token in enumerate(tokens)
        if token.text in _MAKERS
    )


@lru_cache(maxsize=4096)
def _tokens(expression: str) -> Sequence[_Token]:
    found = (_Token(str(match.lastgroup), match[0]) for match in _TOKEN.finditer(expression))
    return tuple(token for token in found if token.kind not in ("space", "range"))


def _selectors(tokens: Sequence[_Token]) -> Iterator[Selector]:
    place = 0
    while place < len(tokens):
        token, following = tokens[place], tokens[place + 1] if place + 1 < len(tokens) else _END
        place += 1
        if token.word in _LISTS and following.text == "(":
            place += 1 + len(_until(")", tokens[place:]))
        elif token.word or (token.kind == "name" and following.text in _CALLS):
            continue
        elif token.kind == "name" or token.text == "{":
            place += token.kind == "name" and following.text == "{"
            inside = _until("}", tokens[place:]) if "{" in (token.text, following.text) else []
            place += len(inside)
            yield Selector(token.text if token.kind == "name" else "", tuple(_matchers(inside)))


def _matchers(inside: Sequence[_Token]) -> Iterator[Matcher]:
    for label, operator, value in zip(inside, inside[1:], inside[2:], strict=False):
        if label.kind == "name" and value.kind == "text":
            yield Matcher(label.text, operator.text, value.text[1:-1])


def _until(end: str, tokens: Sequence[_Token]) -> Sequence[_Token]:
    return list(takewhile(lambda token: token.text != end, tokens))


def _arguments(tokens: Sequence[_Token]) -> Iterator[_Token]:
    """Give what stands in the outermost brackets only, beginning with the first that opens."""
    depth = 0
    for token in tokens:
        depth += (token.text in ("(", "{")) - (token.text in (")", "}"))
        if depth == 1:
            yield token


@cache
def known_metrics() -> Known:
    """Give every metric that a scrape brings in, as a query names it, and its labels.

    Each also has OF_THE_SCRAPE, and whatever a target's static labels are.
    """
    known = dict(OF_PROMETHEUS)
    for family in (*metrics.families(), *self_metrics.families()):
        known |= _series_of(family)
    for _, lines in self_metrics.Telemetry().lines():  # those of the process, which the client library names
        for parsed in text_string_to_metric_families(lines.decode()):
            for sample in parsed.samples:
                known[sample.name] = known.get(sample.name, frozenset()) | sample.labels.keys()
    return known


def _series_of(family: Family) -> dict[str, frozenset[str]]:
    labels = frozenset(family.labels)
    if family.type != "histogram":
        return {family.name: labels}
    names = {f"{family.name}_{suffix}": labels for suffix in ("sum", "count")}
    whole = {family.name: labels}  # as Prometheus keeps a histogram that it converts to a native one
    return names | whole | {f"{family.name}_bucket": labels | {"le"}}


@cache
def known_values() -> Known:
    """Give the labels of which the exporter itself knows all values, and these."""
    return {
        "state": frozenset(state for kind in KINDS for state in (*kind.states, *kind.terminal)),
        "kind": frozenset(kind.name for kind in KINDS),
        "collector": frozenset((*COLLECTORS, "inventory")),
        "phase": frozenset({"active", "finished"}),
    }


def mistakes(expression: str, known: Known, everywhere: Collection[str] = OF_THE_SCRAPE) -> list[str]:
    """Tell, a line each, what an expression names that there is not: metrics, labels and their values.

    Args:
        expression: PromQL that Prometheus accepts.
        known: the labels of each metric: `known_metrics()`, and what recording rules make.
        everywhere: labels that every series has.
    """
    found = [selector for selector in selectors(expression) if selector.metric in known]
    there = made_labels(expression).union(everywhere, *(known[selector.metric] for selector in found))
    return [
        *(f"no metric {name}" for name in _names(expression) if name not in known),
        *(
            f"{selector.metric} has no label {label}"
            for selector in found
            for label in sorted(selector.labels - known[selector.metric] - set(everywhere))
        ),
        *(wrong for selector in found for matcher in selector.matchers for wrong in _wrong_values(matcher)),
        *(f"no metric here has a label {label}" for label in sorted(label_names(expression) - there)),
    ]


def _names(expression: str) -> list[str]:
    return [selector.metric or "without a name" for selector in selectors(expression)]


def _wrong_values(matcher: Matcher) -> Iterator[str]:
    values = matcher.value.split("|") if matcher.operator.endswith("~") else [matcher.value]
    known = known_values().get(matcher.label)
    for value in values:
        if known and re.fullmatch(r"\w+", value) and value not in known:
            yield f"{matcher.label} is never {value}"

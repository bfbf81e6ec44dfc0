"""Made-up selections: the exporter agrees with a plain reading of the developer guide."""

from collections.abc import Mapping

from hypothesis import example, given
from hypothesis import strategies as st

from exporter.model import Condition, selects
from tests.model.selection.reference import (
    CONDITIONS,
    OPT_INS,
    TAG_LISTS,
    Pattern,
    Thing,
    matches,
    patterns,
    selection,
    takes,
    things,
)


@given(
    st.lists(patterns(), max_size=4),
    st.lists(patterns(), max_size=1),
    TAG_LISTS,
    CONDITIONS,
    things(),
    OPT_INS,
)
def test_selects(
    resources: list[Pattern],
    excluded: list[Pattern],
    tags: list[tuple[str, str]],
    conditions: list[Condition],
    thing: Thing,
    opt_in: Mapping[str, bool],
) -> None:
    """A selection takes what a reading of one rule after the other says."""
    made = selection(
        tuple(pattern.text for pattern in resources),
        tuple(pattern.text for pattern in excluded),
        tuple(tags),
        tuple(conditions),
    )
    expected = takes(resources, excluded, tags, conditions, thing, opt_in)

    assert selects(made, thing.arn, thing.type, thing.tags, opt_in) is expected


@given(st.text("ab*.[?\\", max_size=8), st.text("ab.[?\\\n", max_size=8))
@example("*a*ab", "aab")
@example("*ab*ab", "abab")
@example("a*a", "a")
def test_wildcards(pattern: str, text: str) -> None:
    """A `*` stands for any number of characters, and no other character is special."""
    assert selects(selection((pattern,)), text, "", {}, {}) is matches(pattern, text)


def test_many_wildcards() -> None:
    """A pattern with many wildcards that almost matches is compared at once."""
    assert not selects(selection(("*a" * 30 + "*b*c",)), "a" * 1000, "", {}, {})

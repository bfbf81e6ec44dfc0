"""The values of a Helm chart, read with their descriptions."""

import pytest

from tools.chart_values import ChartValue, UndescribedValueError, read_values

TEXT = """\
# A comment of the file.

# -- How many. More
# than one.
count: 1
image:
  # -- The tag.
  tag: ""
  # Not a description.
  pull:
    # -- When.
    policy: Always
# -- A whole mapping.
resources:
  limits:
    memory: 1Gi
"""


def test_values_have_paths_defaults_and_descriptions() -> None:
    """Each described key is a value, whatever it holds, with the comment above it joined to one line."""
    assert read_values(TEXT) == [
        ChartValue("count", 1, "How many. More than one."),
        ChartValue("image.tag", "", "The tag."),
        ChartValue("image.pull.policy", "Always", "When."),
        ChartValue("resources", {"limits": {"memory": "1Gi"}}, "A whole mapping."),
    ]


@pytest.mark.parametrize(
    ("text", "name"), [("a:\n  # Nothing.\n  b: 1\n", "a.b"), ("# --\na: {}\n", "a"), ("a: []\n", "a")]
)
def test_a_value_without_description(text: str, name: str) -> None:
    """A value without a description is an error that names it and the remedy."""
    with pytest.raises(
        UndescribedValueError, match=f"^{name} has no description; add a comment that begins with # --$"
    ):
        read_values(text)

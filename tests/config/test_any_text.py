"""Whatever stands in a file: it loads, or ConfigError says why not, in a line for each problem."""

import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from exporter.config import ConfigError, load, to_yaml
from exporter.config.yaml_source import MAX_SIZE

KEYS = [
    "targets",
    "name",
    "regions",
    "profile",
    "role_arn",
    "external_id",
    "endpoint_url",
    "job_ids",
    "labels",
    "discovery",
    "enabled",
    "window",
    "lookback",
    "collectors",
    "api",
    "requests_per_second",
    "limits",
    "max_jobs",
    "expectations",
    "resource_arn",
    "within",
    "target",
    "region",
    "<<",
    "regoins",
    "[key]",
]
WORDS = [
    "production",
    "eu-west-1",
    "24h",
    "7d",
    "plans",
    "yes",
    "~",
    "12",
    "1.5",
    "0x_",
    ".nan",
    "1:1",
    "2024-13-45",
    "arn:aws:iam::123456789012:role/x",
    "arn:aws:s3:::photos",
    "http://[x",
    "http://a:b@c",
    '"\\ud800"',
    "!x",
    "!!int",
]
MARKS = ["\n", "\n  ", "\n  - ", "\n    ", "[", "]", "{", "}", ", ", " ", "&a ", "*a", "---\n", "\t"]
PIECES = [*WORDS, *(f"{key}: " for key in KEYS), *MARKS]

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.text(),
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), below, max_size=5)
    ),
    max_leaves=25,
)


def lines_and_problems(text: str) -> tuple[int, int]:
    """Load the text, and return how many lines and how many problems the error has."""
    try:
        to_yaml(load(text, "config.yaml"))
    except ConfigError as error:
        return len(str(error).split("\n")), len(error.problems)
    return 0, 0


@given(st.text())
def test_any_text(text: str) -> None:
    """No text brings another exception than ConfigError."""
    lines, problems = lines_and_problems(text)
    assert lines == problems


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_almost_yaml(text: str) -> None:
    """No jumble of right and wrong pieces brings another exception than ConfigError."""
    lines, problems = lines_and_problems(text)
    assert lines == problems


@given(values)
def test_any_values(data: object) -> None:
    """No well-formed YAML brings another exception than ConfigError."""
    lines, problems = lines_and_problems(yaml.safe_dump(data, allow_unicode=True))
    assert lines == problems


@pytest.mark.parametrize("piece", ["[", "- ", "? ", "a: &a [", "1:", '"', "%", "!", "*a ", "<<: {"])
def test_long_nonsense_ends(piece: str) -> None:
    """A large file of nonsense is refused within seconds."""
    start = time.monotonic()
    text = "a: " + piece * (MAX_SIZE // len(piece) - 3)
    with pytest.raises(ConfigError):
        load(text, "config.yaml")
    assert time.monotonic() - start < 20

"""Selections made up together with what they mean, told in the plainest way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hypothesis import strategies as st

from exporter.model import Condition, Selection

NEED_OPT_IN = ("Aurora", "DocumentDB", "Neptune", "FSx")
TYPES = {
    "Aurora": ("rds", "cluster:"),
    "DynamoDB": ("dynamodb", "table/"),
    "EBS": ("ec2", "volume/"),
    "EC2": ("ec2", "instance/"),
    "FSx": ("fsx", "file-system/"),
    "Neptune": ("rds", "cluster:"),
    "RDS": ("rds", "db:"),
    "S3": ("s3", ""),
}


def matches(pattern: str, text: str) -> bool:
    """Compare one character after the other; a `*` takes none, or one and goes on."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return matches(pattern[1:], text) or (text != "" and matches(pattern, text[1:]))
    return text != "" and pattern[0] == text[0] and matches(pattern[1:], text[1:])


@dataclass(frozen=True)
class Thing:
    """A resource."""

    arn: str
    type: str
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Pattern:
    """An entry of Resources, and whether it names a type or a resource, not only a service."""

    text: str
    names_type: bool


def takes(
    patterns: list[Pattern],
    excluded: list[Pattern],
    tags: list[tuple[str, str]],
    conditions: list[Condition],
    thing: Thing,
    opt_in: Mapping[str, bool],
) -> bool:
    """Tell whether a selection takes a resource, one rule of the developer guide after the other."""
    off = thing.type in opt_in and not opt_in[thing.type]
    ways_in = [pattern.names_type for pattern in patterns if matches(pattern.text, thing.arn)]
    ways_in += [False for key, value in tags if key in thing.tags and thing.tags[key] == value]
    if conditions and not patterns and not tags:
        ways_in.append(False)
    if off:
        ways_in = [] if thing.type in NEED_OPT_IN else [names for names in ways_in if names]
    if not ways_in:
        return False
    for pattern in excluded:
        if matches(pattern.text, thing.arn):
            return False
    rules: dict[str, Callable[[str, str], bool]] = {
        "StringEquals": lambda value, tag: value == tag,
        "StringLike": matches,
    }
    for condition in conditions:
        positive = condition.operator.replace("Not", "")
        met = condition.key in thing.tags and rules[positive](condition.value, thing.tags[condition.key])
        if met == ("Not" in condition.operator):
            return False
    return True


IDS = st.text("ab", min_size=1, max_size=4)
KEYS = st.sampled_from(["backup", "Backup", "stage"])
VALUES = st.text("aA b\n", max_size=3)
OPERATORS = st.sampled_from(["StringEquals", "StringLike", "StringNotEquals", "StringNotLike"])
TAGS = st.dictionaries(KEYS, VALUES, max_size=3)
CONDITIONS = st.lists(st.builds(Condition, OPERATORS, KEYS, VALUES | st.text("*aA", max_size=5)), max_size=2)
TAG_LISTS = st.lists(st.tuples(KEYS, VALUES), max_size=2)
OPT_INS = st.dictionaries(st.sampled_from(list(TYPES)), st.booleans())


def arn_of(resource_type: str, name: str) -> str:
    """Write the ARN of a resource."""
    service, prefix = TYPES[resource_type]
    place = ":" if resource_type == "S3" else "eu-west-1:123456789012"
    return f"arn:aws:{service}:{place}:{prefix}{name}"


@st.composite
def things(draw: st.DrawFn) -> Thing:
    """Make a resource."""
    resource_type = draw(st.sampled_from(list(TYPES)))
    return Thing(arn_of(resource_type, draw(IDS)), resource_type, draw(TAGS))


@st.composite
def patterns(draw: st.DrawFn) -> Pattern:
    """Make a pattern."""
    resource_type = draw(st.sampled_from(list(TYPES)))
    service, prefix = TYPES[resource_type]
    place = draw(st.sampled_from(["*:*", "eu-west-1:*", "*"]))
    named = f"arn:aws:{service}:{':' if resource_type == 'S3' else place}:{prefix}"
    return draw(
        st.sampled_from(
            [
                Pattern("*", False),
                Pattern("arn:*", False),
                Pattern("*/*a", False),
                Pattern(f"arn:aws:{service}:*", False),
                Pattern(f"arn:*:{service}:*b*", False),
                Pattern(f"{named}*", True),
                Pattern(named + draw(st.text("ab*", max_size=6)), True),
                Pattern(arn_of(resource_type, draw(IDS)), True),
                Pattern(arn_of(resource_type, draw(IDS)).upper(), True),
            ]
        )
    )


def selection(
    resources: tuple[str, ...] = (),
    not_resources: tuple[str, ...] = (),
    tags: tuple[tuple[str, str], ...] = (),
    conditions: tuple[Condition, ...] = (),
) -> Selection:
    """Make a selection."""
    return Selection("1", "some", None, resources, not_resources, tags, conditions)

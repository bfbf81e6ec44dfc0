"""The records: frozen, described, and silent about secrets."""

import copy
import pickle
from collections.abc import Iterator

import pytest
import yaml
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from exporter.config import (
    RESERVED_LABELS,
    Api,
    Config,
    Discovery,
    Expectation,
    Limits,
    Members,
    Organization,
    ResourceInventory,
    Target,
    default,
    load,
    masked,
    to_yaml,
)
from exporter.exposition import self_metrics
from exporter.exposition.metrics import families

ROLE = "arn:aws:iam::123456789012:role/backup"
MEMBERS = "organization: {members: {role_name: r, external_id: hush-now}}"
SECRET = load(
    f"targets: [{{name: a, role_arn: '{ROLE}', external_id: hush-hush, labels: {{b: c}}, {MEMBERS}}}]",
    "config.yaml",
)


def fields() -> Iterator[tuple[str, FieldInfo]]:
    """Return every field of every record, with its name."""
    records = (Config, Target, Organization, Members, Discovery, ResourceInventory, Api, Limits, Expectation)
    for record in records:
        for name, field in record.model_fields.items():
            yield f"{record.__name__}.{name}", field


@pytest.mark.parametrize("field", [pytest.param(field, id=name) for name, field in fields()])
def test_every_field_is_described(field: FieldInfo) -> None:
    """The documentation of the settings is made from the descriptions."""
    assert field.description
    assert field.description.endswith(".")


def test_the_secret_is_never_shown() -> None:
    """Neither printing, dumping nor writing a configuration shows an external id; asking for it does."""
    for shown in (
        repr(SECRET),
        str(SECRET),
        str(SECRET.model_dump()),
        SECRET.model_dump_json(),
        to_yaml(SECRET),
    ):
        assert "hush" not in shown
    assert SECRET.targets[0].external_ids == ("hush-hush", "hush-now")
    assert default().targets[0].external_ids == ()


def test_masked() -> None:
    """The configuration in force is plain data: secrets masked, durations as people write them."""
    shown = masked(SECRET)
    assert shown["targets"][0]["external_id"] == "<secret>"
    assert shown["targets"][0]["organization"]["members"]["external_id"] == "<secret>"
    assert shown["targets"][0]["organization"]["members"]["refresh"] == "1h"
    assert shown["targets"][0]["labels"] == {"b": "c"}
    assert shown["discovery"]["window"] == "24h"
    assert shown["api"]["read_timeout"] == "5s"
    assert yaml.safe_load(to_yaml(SECRET)) == shown


@pytest.mark.parametrize(
    "text",
    [
        "targets: [{name: a, labels: {b: c}}]\ndiscovery: {window: 36h, finished_jobs: none}",
        "targets: [{name: a, organization: {}}]\napi: {idle_refresh: 0s}",
        """
        targets:
          - name: a
            organization:
              jobs: false
              members: {role_name: r, accounts: ["012345678901"], refresh: 90s}
        """,
    ],
)
def test_there_and_back(text: str) -> None:
    """What is written loads as the same configuration, if it holds no secret."""
    config = load(text, "config.yaml")
    assert load(to_yaml(config), "config.yaml") == config


def test_frozen() -> None:
    """Nothing in a configuration can be changed."""
    with pytest.raises(ValidationError, match="frozen"):
        SECRET.limits.max_jobs = 1
    with pytest.raises(TypeError, match="does not support item assignment"):
        SECRET.targets[0].labels["b"] = "d"  # type: ignore[index] # frozen


def test_a_value_like_any_other() -> None:
    """A configuration can be compared, hashed, copied and pickled."""
    assert copy.deepcopy(SECRET) == SECRET == pickle.loads(pickle.dumps(SECRET))
    assert len({default(), default(), SECRET}) == 2


def test_made_in_python() -> None:
    """In Python durations are seconds, and the rules hold all the same."""
    assert Discovery(window=60.0).window == 60.0
    with pytest.raises(ValidationError, match="shorter than window"):
        Discovery(window=60.0, lookback=30.0)
    assert Api(idle_refresh=0).idle_refresh == 0.0
    with pytest.raises(ValidationError, match=r"must be from 0 to 100 years, got -1 s"):
        Api(idle_refresh=-1)
    with pytest.raises(ValidationError, match="is already the name of another target"):
        Config(targets=(Target(name="a", profile="b"), Target(name="a")))


def test_reserved_labels() -> None:
    """A label may not be called what a series of the exporter already calls one of its own."""
    every = {label for family in (*families(), *self_metrics.families()) for label in family.labels}
    assert every | {"le", "kind", "phase"} <= RESERVED_LABELS
    assert not {"region", "account", "team", "job", "instance"} & RESERVED_LABELS

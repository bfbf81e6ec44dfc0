"""Configured job ids in a target of several Regions."""

from exporter.ledger.configured_job_ids import ConfiguredIds
from exporter.model.records import Fault

UNKNOWN = Fault("ResourceNotFoundException", "no such job", "")
REFUSED = Fault("InvalidParameterValueException", "odd id", "")
WEST, EAST = "eu-west-1", "us-east-1"


def test_every_region_is_asked_until_one_knows() -> None:
    """An id is asked about in each Region, until one knows it."""
    ids = ConfiguredIds(["a", "b"])
    assert ids.wanted_in(WEST) == ids.wanted_in(EAST) == {"a": 0, "b": 0}
    ids.found("a", WEST, 5)
    assert ids.wanted_in(WEST) == {"a": 5, "b": 0}
    assert ids.wanted_in(EAST) == {"b": 0}


def test_an_id_that_no_region_knows_is_an_error_in_each() -> None:
    """An id that no Region knows is an error where it was asked about, and is asked about again."""
    ids = ConfiguredIds(["a"])
    ids.refused("a", WEST, 7, UNKNOWN)
    assert ids.faults_in(WEST) == {"a": UNKNOWN}
    assert ids.faults_in(EAST) == {}
    assert ids.wanted_in(WEST) == {"a": 7}
    ids.refused("a", EAST, 8, UNKNOWN)
    assert ids.faults_in(EAST) == {"a": UNKNOWN}


def test_not_knowing_is_no_error_where_another_region_knows() -> None:
    """Once a Region knows an id, the others' not knowing it is no error, whichever was asked first."""
    ids = ConfiguredIds(["a", "b"])
    ids.refused("a", EAST, 1, UNKNOWN)
    ids.found("a", WEST, 2)
    ids.found("b", WEST, 3)
    ids.refused("b", EAST, 4, UNKNOWN)
    assert ids.faults_in(EAST) == ids.faults_in(WEST) == {}


def test_a_region_that_knew_an_id_may_know_it_no_longer() -> None:
    """An id that its own Region no longer knows is an error there, until it knows it again."""
    ids = ConfiguredIds(["a"])
    ids.found("a", WEST, 1)
    ids.refused("a", WEST, 2, UNKNOWN)
    assert ids.faults_in(WEST) == {"a": UNKNOWN}
    assert ids.faults_in(EAST) == {}
    ids.found("a", WEST, 3)
    assert ids.faults_in(WEST) == {}


def test_the_last_answer_counts() -> None:
    """An id has one error in a Region: the last."""
    ids = ConfiguredIds(["a"])
    ids.refused("a", WEST, 1, UNKNOWN)
    ids.refused("a", WEST, 2, REFUSED)
    assert ids.faults_in(WEST) == {"a": REFUSED}


def test_other_ids_are_nobodys_business() -> None:
    """An id that the configuration does not name is neither wanted nor an error."""
    ids = ConfiguredIds(["a"])
    ids.found("other", WEST, 1)
    ids.refused("other", WEST, 1, UNKNOWN)
    assert ids.wanted_in(WEST) == {"a": 0}
    assert ids.faults_in(WEST) == {}
    assert "a" in ids
    assert "other" not in ids
    assert list(ids) == ["a"]
    assert list(ConfiguredIds()) == []

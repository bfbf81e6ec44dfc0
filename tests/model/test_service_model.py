"""The table of kinds against botocore's own service model: nothing misspelt, nothing overlooked."""

from collections.abc import Iterator, Mapping
from typing import Any

import botocore.session
import pytest
from botocore.loaders import Loader
from botocore.model import ListShape, ServiceModel, Shape, StringShape, StructureShape

from exporter.model.job_kinds import BACKUP, KINDS
from exporter.model.kind import Kind

MODEL = botocore.session.get_session().get_service_model("backup")
LIST_ROWS_LACK = {"NumberOfChildJobs", "ChildJobsInState"}
EACH_KIND = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def structure(shape: Shape | None) -> StructureShape:
    """Take a shape that must be a structure."""
    assert isinstance(shape, StructureShape)
    return shape


def described(kind: Kind, model: ServiceModel = MODEL) -> StructureShape:
    """Give the shape of a job as the describe call tells it."""
    answer = structure(model.operation_model(kind.describe_operation).output_shape)
    return structure(answer.members[kind.describe_member]) if kind.describe_member else answer


def listed(kind: Kind) -> StructureShape:
    """Give the shape of a row of the list call."""
    rows = structure(MODEL.operation_model(kind.list_operation).output_shape).members[kind.list_member]
    assert isinstance(rows, ListShape)
    return structure(rows.member)


def paths(shape: StructureShape) -> Iterator[str]:
    """Name the fields of a structure, those of its structures with a dot between."""
    for name, member in shape.members.items():
        if isinstance(member, StructureShape):
            yield from (f"{name}.{inner}" for inner in member.members)
        else:
            yield name


def states(shape: StructureShape, member: str) -> set[str]:
    """Name the states that the service model documents."""
    state = shape.members[member]
    assert isinstance(state, StringShape)
    return set(state.enum)


def states_of_summaries(kind: Kind) -> set[str]:
    """Name the states that AWS counts jobs by: a few that its descriptions do not document."""
    answer = structure(MODEL.operation_model(f"{kind.list_operation[:-1]}Summaries").output_shape)
    rows = answer.members[f"{kind.list_member[:-1]}Summaries"]
    assert isinstance(rows, ListShape)
    return states(structure(rows.member), "State")


class Asked(dict[str, Any]):
    """An answer that takes note of which fields it is asked for."""

    def __init__(self, fields: Mapping[str, Any], names: set[str], below: str = "") -> None:
        """Wrap the fields of an answer."""
        super().__init__(fields)
        self._names = names
        self._below = below

    def get(self, name: str, default: Any = None) -> Any:
        """Give a field, and note its name."""
        self._names.add(self._below + name)
        return super().get(name, default)


def asked_of(kind: Kind) -> set[str]:
    """Name all fields that reading a described job looks at."""
    names: set[str] = set()
    created_by = Asked({}, names, "CreatedBy.")
    kind.read(Asked({kind.id_member: "a", "CreatedBy": created_by}, names))
    return names - {"CreatedBy"}


def overlooked(kind: Kind, shape: StructureShape) -> set[str]:
    """Name the fields that are neither published nor left out for a reason."""
    told = asked_of(kind) | set(kind.unpublished)
    return {path for path in paths(shape) if path not in told and path.partition(".")[0] not in told}


@EACH_KIND
def test_every_field_is_published_or_has_a_reason(kind: Kind) -> None:
    """Each field of a described job is published, or left out for a reason that the table gives."""
    assert overlooked(kind, described(kind)) == set()
    assert all(reason.strip() for reason in kind.unpublished.values())


@pytest.mark.parametrize(
    ("shape", "path"),
    [
        pytest.param("DescribeBackupJobOutput", "Novelty", id="of the job"),
        pytest.param("RecoveryPointCreator", "CreatedBy.Novelty", id="of its plan"),
    ],
)
def test_a_new_field_is_noticed(shape: str, path: str) -> None:
    """A field that a later botocore adds is overlooked until somebody decides on it."""
    definition = Loader().load_service_model("backup", "service-2")
    definition["shapes"][shape]["members"]["Novelty"] = {"shape": "string"}
    assert overlooked(BACKUP, described(BACKUP, ServiceModel(definition, "backup"))) == {path}


def test_what_is_read_is_published() -> None:
    """Each field that is read of a backup job shows in a metric, a label or the count of jobs."""
    in_the_table = {member for _, member in BACKUP.info} | {gauge.member for gauge in BACKUP.gauges}
    elsewhere = {"BackupJobId", "State", "AccountId", "ChildJobsInState", "StatusMessage", "MessageCategory"}
    assert asked_of(BACKUP) == in_the_table | elsewhere


@EACH_KIND
def test_no_field_is_both_published_and_left_out(kind: Kind) -> None:
    """A field that has a reason to be left out is not published."""
    assert asked_of(kind) & set(kind.unpublished) == set()


def test_every_field_that_is_read_exists() -> None:
    """Each field that is read of a backup job is one of AWS's."""
    assert asked_of(BACKUP) - set(paths(described(BACKUP))) == set()


@EACH_KIND
def test_every_field_of_the_table_exists(kind: Kind) -> None:
    """Each field that the table names is in the service model, of a kind that it fits."""
    members = {*paths(described(kind)), *described(kind).members}
    named = {
        kind.id_member,
        kind.state_member,
        *kind.vault_members,
        *kind.arn_members,
        *(member for _, member in kind.info if member),
        *(gauge.member for gauge in kind.gauges),
        *kind.unpublished,
    }
    assert named - members == set()


@EACH_KIND
def test_operations_and_parameters_exist(kind: Kind) -> None:
    """The calls, the parameter that selects a state and the one that names a job are AWS's."""
    listing = structure(MODEL.operation_model(kind.list_operation).input_shape)
    describing = structure(MODEL.operation_model(kind.describe_operation).input_shape)
    assert kind.state_filter in listing.members
    by_creation = {"ByCreatedAfter", "ByCreatedBefore"}
    assert by_creation & set(listing.members) == (by_creation if kind.created_filter else set())
    assert "ByCompleteAfter" in listing.members
    assert set(describing.members) == {kind.id_member}


@EACH_KIND
def test_every_state_is_known(kind: Kind) -> None:
    """Each state that AWS documents has a place in the table, and those a job never leaves are among them."""
    assert states(described(kind), kind.state_member) <= set(kind.states)
    assert states(listed(kind), kind.state_member) <= set(kind.states)
    assert kind.terminal <= set(kind.states) | states_of_summaries(kind)
    assert set(kind.active_states) == set(kind.states) - kind.terminal


def test_backup_states_are_aws_own() -> None:
    """A backup job has nine states, five of which it never leaves."""
    assert set(BACKUP.states) == states(described(BACKUP), "State")
    assert BACKUP.active_states == ("CREATED", "PENDING", "RUNNING", "ABORTING")
    assert BACKUP.terminal == {"ABORTED", "COMPLETED", "FAILED", "EXPIRED", "PARTIAL"}


def test_a_list_row_lacks_child_counts_only() -> None:
    """A row of ListBackupJobs tells all that DescribeBackupJob does, but for the child jobs."""
    assert set(described(BACKUP).members) - set(listed(BACKUP).members) == LIST_ROWS_LACK
    assert set(listed(BACKUP).members) - set(described(BACKUP).members) == set()

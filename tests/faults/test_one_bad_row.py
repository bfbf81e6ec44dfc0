"""One row, or one field of a row, that is not as it should be: in every list that is read."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.session import Session
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.model.job_kinds import KINDS
from tests.faults.sight import malformed
from tests.faults.wire import Exchange, Wire, unplugged
from tests.support.harness import START, Bench, Series, Watch, bench

MODEL = Session().get_service_model("backup")
COLLECTORS = (*(kind.collector for kind in KINDS), "vaults", "plans", "resources")
MARKS = ("bad", "good-1", "good-2")


class Listed(NamedTuple):
    """A list: the operation that gives it, where in the answer, the field that names a row."""

    operation: str
    member: str
    named: str

    @property
    def path(self) -> str:
        """The path of the operation."""
        path: str = MODEL.operation_model(self.operation).http["requestUri"]
        return path

    @property
    def row(self) -> StructureShape:
        """The shape of a row."""
        shape: Any = MODEL.operation_model(self.operation).output_shape
        for name in self.member.split("."):
            shape = shape.members[name]
        assert isinstance(shape, ListShape)
        assert isinstance(shape.member, StructureShape)
        return shape.member


OF_JOBS = [Listed(kind.list_operation, kind.list_member, kind.id_member) for kind in KINDS]
VAULTS = Listed("ListBackupVaults", "BackupVaultList", "BackupVaultName")
PLANS = Listed("ListBackupPlans", "BackupPlansList", "BackupPlanId")
RESOURCES = Listed("ListProtectedResources", "Results", "ResourceArn")
RULES = Listed("GetBackupPlan", "BackupPlan.Rules", "RuleId")
RUNS = Listed("GetBackupPlan", "ScheduledRunsPreview", "RuleId")
EACH_LIST = pytest.mark.parametrize(
    "listed",
    [*OF_JOBS, VAULTS, PLANS, RESOURCES, RULES, RUNS],
    ids=lambda listed: f"{listed.operation}.{listed.member}",
)
CHOSEN: Mapping[str, Any] = {
    "State": "COMPLETED",
    "Status": "COMPLETED",
    "IsParent": False,
    "ScheduleExpression": "cron(0 5 ? * * *)",
    "ScheduleExpressionTimezone": "Etc/UTC",
    "BackupRuleCron": "cron(0 5 ? * * *)",
    "BackupRuleTimezone": "Etc/UTC",
    "PercentDone": "50.0",
    "ExecutionTime": START + 3600,
}
LEFT_OUT_OF_ROWS = {"ParentJobId", "AccountId"}  # else all are children, or of accounts of their own
ANYTHING: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(
        [None, True, "", "x", "1e999", "2001-09-09", -1, 10**400, 2.5e14, float("nan"), float("-inf"), [None]]
    ),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
        max_leaves=4,
    ),
)


NO_TEXT = ANYTHING.filter(lambda odd: not isinstance(odd, str))
NO_ROW = ANYTHING.filter(lambda odd: not isinstance(odd, dict))


def plausible(shape: Shape, name: str, mark: str) -> Any:
    """Give a value of this type, in which the mark of its row is found again where it is a text."""
    if name in CHOSEN:
        return CHOSEN[name]
    if isinstance(shape, StructureShape):
        below = shape.members.items()
        return {key: plausible(member, key, mark) for key, member in below if key not in LEFT_OUT_OF_ROWS}
    if isinstance(shape, MapShape):
        return {"COMPLETED": plausible(shape.value, "", mark)}
    if isinstance(shape, ListShape):
        return [plausible(shape.member, "", mark)]
    numbers = {"boolean": False, "timestamp": START - 60, "long": 7, "integer": 7}
    return numbers.get(shape.type_name, f"{mark}/{name}")


def rows_of(listed: Listed) -> list[Any]:
    """Make a full row for each mark."""
    return [plausible(listed.row, "", mark) | {listed.named: mark} for mark in MARKS]


class Told:
    """What AWS answers: to each list its rows, for each plan the same rules; it describes no job.

    Attributes:
        rows: by the operation and the field that holds them.
    """

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Sequence[Any]] = {}
        self.tell_again()

    def tell_again(self) -> None:
        """Put every list right."""
        for listed in (*OF_JOBS, VAULTS, PLANS, RESOURCES, RULES, RUNS):
            self.rows[listed.operation, listed.member] = rows_of(listed)

    def answer(self, exchange: Exchange) -> None:
        """Answer one call."""
        path = unquote(urlsplit(exchange.path).path)
        for listed in (*OF_JOBS, VAULTS, PLANS, RESOURCES):
            if path == listed.path:
                exchange.give(200, json.dumps({listed.member: self.rows[listed.operation, listed.member]}))
                return
        if not path.startswith(PLANS.path):
            exchange.give(400, '{"message": "no such job"}', x_amzn_ErrorType="ResourceNotFoundException")
            return
        if path.endswith("/selections/"):
            exchange.give(200, json.dumps({"BackupSelectionsList": []}))
            return
        plan_id = path.removeprefix(PLANS.path).strip("/")
        plan = {"BackupPlanName": plan_id, "Rules": self.rows[RULES.operation, RULES.member]}
        runs = self.rows[RUNS.operation, RUNS.member]
        exchange.give(
            200, json.dumps({"BackupPlanId": plan_id, "BackupPlan": plan, "ScheduledRunsPreview": runs})
        )


def read_everything(aws: Bench, wire: Wire) -> tuple[Watch, Series]:
    """Start an exporter, let it ask for everything once, and read what it publishes."""
    watch = aws.watch(aws.target(endpoint_url=wire.endpoint_url), collectors=COLLECTORS)
    watch.catch_up()
    return watch, watch.read()


def marked(series: Series, *marks: str) -> dict[tuple[str, ...], float]:
    """Give the samples in whose labels one of these marks is found, and no mark of another row."""
    found: dict[tuple[str, ...], float] = {}
    for name, labels, value in series.samples:
        texts = " ".join(labels.values())
        if [mark for mark in MARKS if mark in texts] in [[mark] for mark in marks]:
            found[name, *(f"{key}={text}" for key, text in sorted(labels.items()))] = value
    return found


@contextmanager
def told_over_a_wire() -> Iterator[tuple[Bench, Wire, Told]]:
    """Lay a wire to an AWS that answers from what is told."""
    told = Told()
    with bench() as aws, unplugged(aws.server.endpoint_url) as wire:
        wire.breakage = told.answer
        wire.plug_in()
        yield aws, wire, told


@pytest.fixture(scope="module")
def account() -> Iterator[tuple[Bench, Wire, Told, Series]]:
    """An account in which all is well, and what is published of it."""
    with told_over_a_wire() as (aws, wire, told):
        yield aws, wire, told, read_everything(aws, wire)[1]


Account = tuple[Bench, Wire, Told, Series]
ROWS = 20  # in each example, which costs 27 requests
SETTINGS = settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@EACH_LIST
@SETTINGS
@given(odd=st.lists(NO_ROW, min_size=ROWS, max_size=ROWS))
def test_any_json_in_the_place_of_a_row(account: Account, listed: Listed, odd: list[Any]) -> None:
    """Whatever stands in the place of a row, the others are published as ever, and each collector is up."""
    aws, wire, told, well = account
    told.tell_again()
    told.rows[listed.operation, listed.member] = [*odd, *rows_of(listed)[1:]]

    _, series = read_everything(aws, wire)

    assert marked(series, "good-1", "good-2") == marked(well, "good-1", "good-2")
    assert {value for _, value in series.find("aws_backup_up")} == {1}
    assert malformed(series, listed.operation) >= ROWS


NO_TEXT = ANYTHING.filter(lambda odd: not isinstance(odd, str))


@EACH_LIST
@SETTINGS
@given(data=st.data())
def test_any_json_in_a_field_of_a_row(account: Account, listed: Listed, data: st.DataObject) -> None:
    """Whatever stands in a field of a row, the others are published as ever, and each collector is up."""
    aws, wire, told, well = account
    told.tell_again()
    bad, *good = rows_of(listed)
    rows = []
    for number in range(ROWS):
        name = data.draw(st.sampled_from(sorted(listed.row.members)))
        # Another text for an id would be another row.
        odd = data.draw(NO_TEXT if name == listed.named else ANYTHING)
        rows.append(bad | {listed.named: f"bad-{number}"} | {name: odd})
    told.rows[listed.operation, listed.member] = [*rows, *good]

    _, series = read_everything(aws, wire)

    assert marked(series, "good-1", "good-2") == marked(well, "good-1", "good-2")
    assert {value for _, value in series.find("aws_backup_up")} == {1}

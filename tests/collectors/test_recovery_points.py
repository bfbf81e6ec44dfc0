"""What is published of recovery points, vault by vault."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from exporter.aws import AwsError, Budget, Rows
from exporter.collectors import RecoveryPointsCollector
from exporter.ledger import AccountOwners, Ledger, Resources
from exporter.model import Fault, Protected, Resource
from tests.collectors.facts import (
    ACCOUNT,
    DAY,
    HOUR,
    MONTHLY,
    QUARTERLY,
    VOLUME,
    created_by,
    facts,
    later,
    put_plan,
    put_point,
    put_vault,
    start,
    vault_arn,
)
from tests.support import makers
from tests.support.harness import REGION, START, Bench, Clock, Series, bench, job

NEWEST = "aws_backup_resource_newest_recovery_point_timestamp_seconds"
EXPIRY = "aws_backup_resource_last_recovery_point_expiry_timestamp_seconds"
SUCCESS = "aws_backup_resource_last_success_timestamp_seconds"
LATER = makers.NOW + DAY


class Row(dict[str, Any]):
    """A row that is counted while it is held."""

    held = most = 0

    def __init__(self, fields: Mapping[str, Any]) -> None:
        """Count one more."""
        super().__init__(fields)
        Row.held += 1
        Row.most = max(Row.most, Row.held)

    def __del__(self) -> None:
        """Count one less."""
        Row.held -= 1


def row(point: str, at: float = makers.NOW, *, arn: str = VOLUME, **fields: Any) -> dict[str, Any]:
    """Give a COMPLETED recovery point as AWS lists it."""
    times = {"CreationDate": at - HOUR, "CompletionDate": at}
    resource = {"ResourceArn": arn, "ResourceType": "EBS", "ResourceName": "orders"}
    return {"RecoveryPointArn": f"arn:{point}", "Status": "COMPLETED"} | times | resource | fields


class Api:
    """AWS with some vaults, each with pages of recovery points, or a code that AWS refuses it with."""

    def __init__(self, vaults: dict[str, Any], account_id: str = ACCOUNT) -> None:
        self.vaults = vaults
        self.account_id = account_id
        self.complete = True
        self.budget = Budget(5, Clock())

    def pages(self, operation: str, _: str, **asked: Any) -> Iterator[Rows]:
        """Walk the pages of a list."""
        if operation == "ListBackupVaults":
            arns = {name: vault_arn(name, self.account_id) for name in self.vaults}
            yield Rows({"BackupVaultName": name, "BackupVaultArn": arn} for name, arn in arns.items())
            return
        pages = self.vaults[asked["BackupVaultName"]]
        if isinstance(pages, str):
            raise AwsError(Fault(pages, "no", ""), 400)
        for page in pages:
            rows = Rows(page)
            rows.complete = self.complete
            yield rows


class Collecting(RecoveryPointsCollector):
    """A collector on a fake AWS, that knows whose ledger is whose."""

    def __init__(self, api: Any, ledger: Ledger) -> None:
        self.origins: dict[tuple[str, str], Ledger] = {}
        super().__init__(
            api,
            ledger,
            owners=AccountOwners(),
            ledger_of=lambda account_id, region: self.origins.get((account_id, region)),
            clock=Clock(LATER),
        )


def collecting(api: Api) -> tuple[Ledger, Collecting]:
    """Make a ledger, and the collector that fills it."""
    made = makers.ledger(resources=Resources({}, lambda _: None))
    return made, Collecting(api, made)


def resource(made: Ledger, arn: str = VOLUME) -> Resource:
    """Give what is published of a resource."""
    with made.open_resources() as resources:
        resources.drain()
        return next(each for each in resources.published() if each.arn == arn)


def newest(made: Ledger, arn: str = VOLUME) -> dict[str, float | None]:
    """Give when the newest recovery point of each vault completed."""
    return {vault: of.newest for vault, of in resource(made, arn).points}


def text_of(made: Ledger) -> list[str]:
    """Write what is published of a scope."""
    return makers.written(made).text().decode().splitlines()


def read(aws: Bench) -> Series:
    """Read the account's recovery points."""
    put_vault(aws.account, "prod")
    return start(aws, "recovery_points").scrape()


def counts(series: Series) -> dict[str, float]:
    """Count the recovery points by status."""
    return {labels["status"]: value for labels, value in series.find("aws_backup_resource_recovery_points")}


def test_points_are_counted_by_status(aws: Bench) -> None:
    """Each status that AWS tells is counted, also one that nobody knows yet."""
    statuses = [
        "COMPLETED",
        "COMPLETED",
        "PARTIAL",
        "DELETING",
        "EXPIRED",
        "AVAILABLE",
        "STOPPED",
        "CREATING",
        "NEW",
    ]
    for number, status in enumerate(statuses):
        put_point(aws.account, f"{number}", status)
    series = read(aws)
    assert counts(series) == dict.fromkeys(statuses, 1) | {"COMPLETED": 2}
    labels = series.labels(NEWEST)
    assert (labels["vault_name"], labels["resource_name"], labels["resource_type"]) == (
        "prod",
        "orders",
        "EBS",
    )


def test_only_completed_points_make_facts(aws: Bench) -> None:
    """The newest, the oldest, the size and the expiry are those of COMPLETED points."""
    put_point(
        aws.account, "old", CreationDate=START - 9 * DAY, CompletionDate=START - 8 * DAY, BackupSizeInBytes=7
    )
    put_point(aws.account, "new")
    for status in ("PARTIAL", "EXPIRED", "AVAILABLE", "STOPPED", "CREATING", "DELETING"):
        fields: dict[str, Any] = {
            "CompletionDate": START,
            "CalculatedLifecycle": {"DeleteAt": START + 99 * DAY},
        }
        put_point(aws.account, status, status, CreationDate=START - 99 * DAY, **fields)
    series = read(aws)
    assert series.value(NEWEST) == series.value(SUCCESS) == START - DAY + HOUR
    assert series.value("aws_backup_resource_oldest_recovery_point_timestamp_seconds") == START - 9 * DAY
    assert series.value("aws_backup_resource_recovery_points_size_bytes", storage_class="WARM") == 12


def test_a_resource_without_a_completed_point_has_no_facts_of_one(aws: Bench) -> None:
    """A continuous backup that has stopped is counted and says nothing else."""
    put_point(aws.account, "a", "STOPPED", CalculatedLifecycle={"DeleteAt": START + DAY})
    series = read(aws)
    assert counts(series) == {"STOPPED": 1}
    for name in (NEWEST, EXPIRY, SUCCESS, "aws_backup_resource_recovery_points_size_bytes"):
        assert series.find(name) == []


def test_storage_classes(aws: Bench) -> None:
    """A point is in cold storage from MoveToColdStorageAt on; one without a size adds nothing."""
    put_point(aws.account, "warm", CalculatedLifecycle={"MoveToColdStorageAt": START + DAY})
    put_point(
        aws.account, "cold", CalculatedLifecycle={"MoveToColdStorageAt": START - HOUR}, BackupSizeInBytes=7
    )
    put_point(aws.account, "unknown", BackupSizeInBytes=None)
    found = read(aws).find("aws_backup_resource_recovery_points_size_bytes")
    assert {labels["storage_class"]: value for labels, value in found} == {"WARM": 5, "COLD": 7}


@pytest.mark.parametrize("vault", ["prod", "other"])
def test_the_last_expiry_of_any_vault(aws: Bench, vault: str) -> None:
    """When the last point is deleted is told, unless one of any vault is kept forever."""
    put_vault(aws.account, "other")
    put_point(aws.account, "a", CalculatedLifecycle={"DeleteAt": START + 3 * DAY})
    put_point(aws.account, "b", vault="other", CalculatedLifecycle={"DeleteAt": START + 9 * DAY})
    assert read(aws).value(EXPIRY) == START + 9 * DAY
    put_point(aws.account, "kept", vault=vault)
    assert read(aws).find(EXPIRY) == []


def test_points_that_are_gone_have_no_series(aws: Bench) -> None:
    """A point that was deleted, and a vault that was, leave nothing; what other vaults hold stays."""
    put_vault(aws.account, "other")
    put_vault(aws.account, "prod")
    first = put_point(aws.account, "a")
    put_point(aws.account, "b", vault="other")
    watch = start(aws, "recovery_points")
    assert len(watch.scrape().find(NEWEST)) == 2
    aws.account.recovery_points.remove(first)
    assert [labels["vault_name"] for labels, _ in later(aws, watch).find(NEWEST)] == ["other"]
    aws.account.vaults.remove("other")
    assert facts(later(aws, watch)) == {}


def test_a_vault_that_fails_holds_up_no_other() -> None:
    """What was known of a vault that cannot be read stays; the others are read, and the collector is down."""
    api = Api({"a": [[row("1")]], "b": [[row("1")]], "c": [[row("1")]]})
    made, collector = collecting(api)
    collector.refresh()
    api.vaults = {"a": [[row("2", LATER)]], "b": "AccessDeniedException", "c": [[row("2", LATER)]]}
    with pytest.raises(AwsError, match="vault b"):
        collector.refresh()
    assert newest(made) == {"a": LATER, "b": makers.NOW, "c": LATER}


def test_a_vault_that_is_deleted_while_vaults_are_read_is_no_failure() -> None:
    """A vault that AWS lists and no longer knows leaves nothing."""
    api = Api({"a": [[row("1")]], "b": [[row("1")]]})
    made, collector = collecting(api)
    collector.refresh()
    api.vaults = {"a": [[row("1")]], "b": "ResourceNotFoundException"}
    collector.refresh()
    assert newest(made) == {"a": makers.NOW}


def test_a_row_that_cannot_be_read_takes_nothing_away() -> None:
    """While a page lacks a row, resources without a row keep what was known of their points."""
    api = Api({"a": [[row("1"), row("2", arn="arn:other")]]})
    made, collector = collecting(api)
    collector.refresh()
    api.vaults = {"a": [[row("1", LATER)]]}
    api.complete = False
    collector.refresh()
    assert newest(made) == {"a": LATER}
    assert newest(made, "arn:other") == {"a": makers.NOW}


@pytest.mark.slow
def test_200000_points_are_read_page_by_page() -> None:
    """Of a vault with 200,000 points no more than the rows of one page are held at any time."""
    pages = (
        [Row(row(f"{page}-{number}", arn=f"{VOLUME}-{number}")) for number in range(1000)]
        for page in range(200)
    )
    Row.most = Row.held = 0
    made, collector = collecting(Api({"a": pages}))
    collector.refresh()
    assert Row.most <= 4000
    with made.open_resources() as resources:
        resources.drain()
        assert sum(dict(each.points)["a"].by_status["COMPLETED"] for each in resources.published()) == 200_000


# Restarts.


@pytest.mark.slow
@pytest.mark.parametrize(("schedule", "days"), [(MONTHLY, 29), (QUARTERLY, 80)])
@pytest.mark.parametrize("plan_is_there", [True, False])
def test_a_restart_gives_the_same_facts(schedule: str, days: int, plan_is_there: bool) -> None:
    """What a process that saw the backup knows, one that starts later with a look-back of 7 days does too."""
    with bench() as aws:
        put_vault(aws.account, "prod")
        put_plan(aws.account, ("r", schedule))
        watch = start(aws)
        point = f"arn:aws:ec2:{REGION}::snapshot/a"
        told = {
            "ResourceArn": VOLUME,
            "ResourceName": "orders",
            "BackupSizeInBytes": 5,
            "RecoveryPointArn": point,
        }
        told |= {"CreatedBy": created_by("r", schedule), "CompletionDate": START + HOUR}
        aws.account.put(job("a", "COMPLETED", created=START, **told))
        later(aws, watch)
        if not plan_is_there:
            aws.account.plans.remove("p")
        before = facts(later(aws, watch, days * DAY))
        after = facts(start(aws).scrape())
        assert after == before
        due = [
            value
            for (name, _), value in before.items()
            if name == "aws_backup_resource_due_timestamp_seconds"
        ]
        assert len(due) == 1
        assert any("rule_due" in name for name, _ in before) is plan_is_there


def test_an_hourly_list_is_asked_for_once_an_hour(aws: Bench) -> None:
    """A vault's points are listed once an hour, a thousand a call."""
    put_vault(aws.account, "prod")
    for number in range(1500):
        put_point(aws.account, f"{number}")
    watch = start(aws, "recovery_points")
    for _ in range(4):
        later(aws, watch, HOUR / 4)
    calls = [call.operation for call in aws.account.calls]
    assert calls.count("ListRecoveryPointsByBackupVault") == 4


# Copies and other accounts.


def test_a_copy_is_no_backup_of_the_resource(aws: Bench) -> None:
    """A copy in a second vault is a recovery point there, and the success of a copy; not of a backup."""
    put_vault(aws.account, "remote")
    put_point(aws.account, "backup")
    copy: dict[str, Any] = {"SourceBackupVaultArn": vault_arn("prod"), "CompletionDate": START}
    put_point(aws.account, "copy", vault="remote", CreationDate=START - HOUR, **copy)
    series = read(aws)
    assert series.value(SUCCESS) == START - DAY + HOUR
    assert series.value(NEWEST, vault_name="remote") == START
    name = "aws_backup_resource_copy_last_success_timestamp_seconds"
    assert series.value(name, destination_vault_arn=vault_arn("remote")) == START


def test_two_accounts_tell_of_one_resource_without_a_double_series() -> None:
    """A vault with copies of another account's resource, and that account itself, publish no series twice."""
    keeper, keepers = collecting(
        Api({"dr": [[row("c", SourceBackupVaultArn=vault_arn("a"))]]}, "222222222222")
    )
    owner, owners = collecting(Api({"a": [[row("b")]]}))
    keepers.origins[ACCOUNT, REGION] = owner
    told = [Protected(VOLUME, "orders", "EBS", makers.NOW)]
    with owner.open_resources() as resources:
        resources.set_protected(told, now=makers.NOW, lookback=DAY)
    owners.refresh()
    keepers.refresh()
    series = [line.rpartition(" ")[0] for made in (owner, keeper) for line in text_of(made) if VOLUME in line]
    assert [line for line, times in Counter(series).items() if times > 1] == []
    assert len([line for line in series if 'aws_account_id="222222222222"' in line]) == 3
    copied = "aws_backup_resource_copy_last_success_timestamp_seconds"
    assert [line for line in series if line.startswith(copied) and "backup-vault:dr" in line] != []

"""Whatever AWS answers, every metric has at most so many series, in every state of a job."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import pytest

from exporter.exposition import self_metrics
from exporter.exposition.finished_job_lines import FinishedJobLines
from exporter.exposition.job_metrics import fleet_families, job_families, job_group, running_families
from exporter.exposition.metric_types import Family
from exporter.exposition.metrics import families
from exporter.exposition.plan_metrics import INVENTORY_FAMILIES, RUN_FAMILIES
from exporter.exposition.resource_metrics import RESOURCE_FAMILIES
from exporter.exposition.scope_metrics import ITEMS_DROPPED, SCOPE_FAMILIES
from exporter.exposition.text_format import LONGEST_VALUE, label_text, render, shortened
from exporter.ledger.inventory import Inventory
from exporter.ledger.limits import (
    MOST_ACCOUNTS,
    MOST_CODES,
    MOST_GROUPS,
    MOST_KEYS,
    MOST_PLANS,
    MOST_RESOURCES,
    MOST_RULES,
    MOST_STATES,
    MOST_TYPES,
    MOST_VAULTS,
    OTHER,
)
from exporter.ledger.resources import Resources
from exporter.model import (
    Account,
    Fault,
    Framework,
    Health,
    Plan,
    PlannedRule,
    Protected,
    RestoreTestingPlan,
    Vault,
)
from exporter.model.job_kinds import BACKUP, KINDS
from tests.support.makers import (
    ACCOUNT,
    HOUR,
    NOW,
    SCOPE,
    Written,
    job,
    ledger,
    store,
    with_configured,
    written,
)


def most_of_a_resource(family: Family) -> int:
    """Tell how many series of a metric a resource may have."""
    if family.name == "aws_backup_resource_last_job_state":
        return len(BACKUP.states) + 1
    if "status" in family.labels:
        return MOST_KEYS * (MOST_STATES + 1)
    if "storage_class" in family.labels:
        return 2 * MOST_KEYS
    keys = {"rule_id", "vault_name", "destination_vault_arn", "restore_testing_plan_arn"}
    return 1 if keys.isdisjoint(family.labels) else MOST_KEYS


def most_of_an_account(family: Family) -> int:
    """Tell how many series of a metric of vaults, plans and the like an account may have in a Region."""
    if "resource_type" in family.labels:
        return MOST_TYPES * (MOST_PLANS if "plan_id" in family.labels else 1)
    if "rule_id" in family.labels:
        return MOST_RULES
    return MOST_VAULTS if "vault_name" in family.labels else MOST_PLANS


MAX_JOBS = 10
OF_JOBS = {family.name for kind in KINDS for family in (*job_families(kind), *running_families(kind))}
IN_STATE = "aws_backup_job_child_jobs_in_state"
GROUPS = MOST_GROUPS + 1  # and one for all others
BOUNDS = {
    # Jobs with series, by limits.max_jobs.
    **dict.fromkeys(OF_JOBS, MAX_JOBS),
    IN_STATE: MAX_JOBS * (MOST_STATES + 1),
    # Pairs of vault and resource type, by states.
    "aws_backup_jobs": GROUPS * (len(BACKUP.states) + MOST_STATES + 1),
    "aws_backup_jobs_finished_total": GROUPS * len(BACKUP.terminal),
    # Resources.
    **{family.name: MOST_RESOURCES * most_of_a_resource(family) for family in RESOURCE_FAMILIES},
    # Vaults, plans, rules, restore testing plans, frameworks.
    **{family.name: most_of_an_account(family) for family in (*INVENTORY_FAMILIES, *RUN_FAMILIES)},
    # Accounts of an organization.
    "aws_backup_account_info": MOST_ACCOUNTS,
    # The configuration: collectors, kinds, job ids. Operations are the exporter's own.
    "aws_backup_up": 1,
    "aws_backup_last_refresh_timestamp_seconds": 1,
    "aws_backup_exporter_api_requests_total": 2 * (MOST_CODES + 1),
    "aws_backup_exporter_malformed_values_total": 2,
    "aws_backup_exporter_jobs": 2,
    "aws_backup_exporter_jobs_dropped": 1,
    "aws_backup_exporter_items_dropped": 7,
    "aws_backup_exporter_job_errors": 1,
}
MANY = 25_000
STATES = ["RUNNING", "COMPLETED", "FAILED", "PENDING", "CREATED"]


def series(of: Written) -> Counter[str]:
    """Count the series of each metric."""
    lines = of.text().decode().splitlines()
    return Counter(line.partition("{")[0] for line in lines if not line.startswith("#"))


def flood() -> Written:
    """Make a scope to which AWS tells more of everything than there can be."""
    of = with_configured(
        ["gone"], max_jobs=MAX_JOBS, collectors=["backup_jobs"], resources=Resources({}, lambda _: 1.0)
    )
    jobs = (
        job(
            f"j{number}",
            STATES[number % len(STATES)] if number % 7 else f"STATE{number}",
            created=NOW - number % 3600,
            completed=None if number % len(STATES) == 0 else NOW,
            vault=f"vault-{number}",
            resource_type=f"type-{number}",
            is_parent=number % 2 == 0,
            numbers={gauge.suffix: 1 for gauge in BACKUP.gauges},
            child_states=[(f"CHILD{state}", 1) for state in range(99)] if number % 100 == 0 else [],
            message="why",
        )
        for number in range(MANY)
    )
    of.update_jobs(
        BACKUP, (replace(each, resource_arn=f"arn:{each.id}") for each in jobs), NOW, described=False
    )
    with of.open_resources() as resources:
        resources.set_protected(
            (Protected(f"arn:p{number}", "", "", NOW) for number in range(MANY)), now=NOW, lookback=HOUR
        )
    vaults = [Vault(f"v{number}", ACCOUNT, 1, True) for number in range(MANY)]
    of.update_inventory(lambda known: known.with_vaults(vaults, ""))
    rules = tuple(PlannedRule(f"r{number}", NOW, 1.0) for number in range(7))
    plans = [Plan(f"p{number}", "", ACCOUNT, NOW, rules) for number in range(MANY)]
    of.update_inventory(lambda known: known.with_plans(plans, ""))
    testing = [RestoreTestingPlan(f"t{number}", "", ACCOUNT, NOW, NOW, 1.0) for number in range(MANY)]
    of.update_inventory(lambda known: known.with_testing_plans(testing))
    frameworks = [Framework(f"f{number}", ACCOUNT, "COMPLETED") for number in range(MANY)]
    of.update_inventory(lambda known: known.with_frameworks(frameworks))
    of.update_inventory(lambda known: known.with_opt_in({f"o{number}": True for number in range(MANY)}))
    accounts = [Account(f"{number:012}", "", "name", "ACTIVE") for number in range(MANY)]
    of.update_inventory(lambda known: known.with_accounts(accounts))
    for number in range(MANY):
        operation = ("ListBackupJobs", "DescribeBackupJob")[number % 2]
        of.count_call(operation, f"Code{number}")
        of.count_malformed(operation, 1)
    of.set_health("backup_jobs", Health(up=True, last_success=NOW))
    of.configured.refused("gone", SCOPE.region, NOW, Fault("ResourceNotFoundException", "", ""))
    return written(of)


@pytest.mark.slow
def test_every_metric_has_a_bound() -> None:
    """Told 25,000 of everything, each metric stays within its bound, and what is left out is counted."""
    of = flood()
    found = series(of)
    bounds = BOUNDS | {
        family.name: 0 for kind in KINDS[1:] for family in (*job_families(kind), *fleet_families(kind))
    }
    assert set(bounds) == {family.name for family in families()}
    assert {name: count for name, count in found.items() if count > bounds[name]} == {}
    bounded = {"aws_backup_framework_info": MOST_PLANS, "aws_backup_region_opt_in": MOST_TYPES}
    bounded |= {"aws_backup_account_info": MOST_ACCOUNTS}
    bounded |= {"aws_backup_vault_info": MOST_VAULTS, "aws_backup_rule_info": MOST_RULES}
    assert {name: found[name] for name in bounded} == bounded
    assert of.ledger.left_out() == {
        "job_groups": 10 * MOST_GROUPS,
        "error_codes": 10 * MOST_CODES,
        "resources": MANY,
        "resource_facts": 0,
        "vaults": MANY - MOST_VAULTS,
        "plans": MANY - MOST_PLANS,
        "rules": 7 * MOST_PLANS - MOST_RULES,
    }
    assert f'kind="vaults"}} {MANY - MOST_VAULTS}\n'.encode() in of.text(names=[ITEMS_DROPPED.name])


def test_of_the_process_there_is_no_end_either() -> None:
    """What is told of the whole process has no labels that AWS chooses: operations and versions."""
    labels = {label for family in self_metrics.families() for label in family.labels}
    assert labels == {"operation", "version", "python_version", "boto3_version"}
    assert {family.name for family in SCOPE_FAMILIES} <= set(BOUNDS)


@pytest.mark.parametrize("state", [*BACKUP.states, "NOVEL", ""])
@pytest.mark.parametrize("is_parent", [True, False])
@pytest.mark.parametrize("described", [True, False])
def test_max_jobs_holds_in_every_state(state: str, is_parent: bool, described: bool) -> None:
    """Whatever state jobs are in, and whatever they wait for, no more than max_jobs have series."""
    of = written(ledger(max_jobs=5))
    of.enter(*(job(f"{number}", state, is_parent=is_parent) for number in range(300)), described=described)
    assert of.text().count(b"aws_backup_job_info{") == 5
    with of.ledger.open(BACKUP) as made:
        assert (made.active_count + made.finished_count, made.dropped_count) == (5, 295)


def test_sums_over_all_vaults_stay_right() -> None:
    """Jobs of vaults beyond the limit are counted together as other, in their states and as they end."""
    made = store()
    of = ledger(made, max_jobs=0)
    jobs = [job(f"{number}", vault=f"v{number}") for number in range(MOST_GROUPS + 50)]
    of.update_jobs(BACKUP, jobs, NOW, described=True)
    ended = [replace(each, state="FAILED", finished=True) for each in jobs[-20:]]
    of.update_jobs(BACKUP, ended, NOW, described=True)
    tallies = made.tallies(NOW)
    [other] = [tally for tally in tallies if tally.vault_name == OTHER]
    assert (other.account_id, other.resource_type) == (ACCOUNT, OTHER)
    assert (other.in_window["RUNNING"], other.in_window["FAILED"]) == (30, 20)
    assert other.finished_total["FAILED"] == 20
    assert sum(sum(tally.in_window.values()) for tally in tallies) == MOST_GROUPS + 50
    assert (len(tallies), made.groups_left_out) == (MOST_GROUPS + 1, 50)


def test_accounts_beyond_the_limit_are_one() -> None:
    """Jobs of accounts without a group of their own are counted under the account that is assumed."""
    made = store()
    of = ledger(made, max_jobs=0, account_id="999999999999")
    jobs = (job(f"{number}", account_id=f"{number:012}") for number in range(MOST_GROUPS + 50))
    of.update_jobs(BACKUP, jobs, NOW, described=True)
    others = [tally for tally in made.tallies(NOW) if tally.vault_name == OTHER]
    assert [(tally.account_id, tally.in_window["RUNNING"]) for tally in others] == [("999999999999", 50)]


def test_calls_beyond_the_limit_are_counted() -> None:
    """Calls that end in a code beyond the limit are counted as other."""
    of = ledger()
    for number in range(MOST_CODES + 7):
        of.count_call("ListBackupJobs", f"Code{number}")
    of.count_call("ListBackupJobs", "Code0")
    calls = of.calls()
    assert (len(calls), calls["ListBackupJobs", OTHER], calls["ListBackupJobs", "Code0"]) == (
        MOST_CODES + 1,
        7,
        2,
    )


def test_what_is_kept_of_too_many_stays_the_same() -> None:
    """Of too many vaults the same ones are published, in whatever order AWS lists them."""
    vaults = [Vault(f"v{number}", ACCOUNT, 1, True) for number in range(MOST_VAULTS + 9)]
    one, other = Inventory().with_vaults(vaults, ""), Inventory().with_vaults(reversed(vaults), "")
    assert set(one.vaults or ()) == set(other.vaults or ())


def test_child_states_beyond_the_limit_are_one() -> None:
    """Child jobs in states beyond the limit are counted together as other."""
    told = job(child_states=[(f"S{number}", 2) for number in range(MOST_STATES + 3)])
    lines = render(job_group(BACKUP, told, ledger()))[IN_STATE].decode().splitlines()
    assert len(lines) == MOST_STATES + 1
    assert lines[-1].endswith('state="other"} 6')


def values(labels: Iterable[tuple[str, str]]) -> list[str]:
    """Give the values of labels as they are written."""
    return [part.partition('="')[2] for part in label_text(tuple(labels)).split('",')]


@pytest.mark.parametrize("letter", ["a", "é", "漢", '"', "\ud800"])
def test_a_value_has_a_bound(letter: str) -> None:
    """A value of a mebibyte is written with 1,024 bytes, however many bytes its letters have."""
    written_as = shortened(letter * 2**20).encode()
    assert LONGEST_VALUE - 4 < len(written_as) <= LONGEST_VALUE
    assert "…".encode() in written_as


@pytest.mark.parametrize("length", [1, LONGEST_VALUE // 4 + 1, LONGEST_VALUE])
def test_a_value_within_the_bound_is_written_whole(length: int) -> None:
    """A value of up to 1,024 bytes is written as it is."""
    assert label_text((("a", "x" * length),)) == f'a="{"x" * length}"'


def test_values_that_are_cut_stay_different() -> None:
    """Two values that differ only beyond the bound are written differently, so that no series comes twice."""
    one, other = ("x" * LONGEST_VALUE + ending for ending in "ab")
    assert shortened(one) != shortened(other)
    assert shortened(one) == shortened(one)


def test_a_long_id_is_written_and_taken_out() -> None:
    """A finished job whose id is cut is found by it when it loses its series."""
    lines = FinishedJobLines(["m"])
    ids = ["x" * 9999 + ending for ending in "ab"]
    lines.add(1, {each: {"m": f"m{{{label_text((('job_id', each),))}}} 1\n".encode()} for each in ids})
    length = lines.runs()["m"].length
    lines.remove(1, ids[:1])
    assert lines.runs()["m"].length == length // 2


def test_a_long_arn_is_published_cut() -> None:
    """A job and a resource with an ARN of a mebibyte are published with 1,024 bytes of it."""
    arn = "arn:aws:ec2:eu-west-1:123456789012:" + "v" * 2**20
    of = written(ledger(resources=Resources({}, lambda _: None)))
    told = replace(job(resource_arn=arn), resource_arn=arn)
    of.ledger.update_jobs(BACKUP, [told], NOW, described=True)
    text = of.text()
    assert text.count(shortened(arn).encode()) > 5
    assert len(text) < 50_000
    assert max(map(len, text.splitlines())) < LONGEST_VALUE * 3

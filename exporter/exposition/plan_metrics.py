"""The metrics of vaults, plans, rules, settings, restore testing plans and frameworks."""

from collections.abc import Iterable, Iterator, Mapping

from exporter.exposition.metric_types import AWS_LABELS, Family, Group, Labels, Sample, aws_labels
from exporter.ledger import Ledger
from exporter.model import Framework, Number, Plan, PlannedRule, RestoreTestingPlan, RuleKey, RuleRun, Vault

_VAULT = (*AWS_LABELS, "vault_name")
_PLAN = (*AWS_LABELS, "plan_id", "plan_name")
_RULE = (*_PLAN, "rule_id")
_TESTING_PLAN = (*AWS_LABELS, "restore_testing_plan_arn", "restore_testing_plan_name")


def _gauge(name: str, text: str, labels: tuple[str, ...], *more: str) -> Family:
    return Family(f"aws_backup_{name}", "gauge", text, (*labels, *more))


RECOVERY_POINTS = _gauge(
    "vault_recovery_points", "Number of recovery points in the vault (NumberOfRecoveryPoints).", _VAULT
)
VAULT_LOCKED = _gauge("vault_locked", "Whether the vault is locked (1 yes, 0 no) (Locked).", _VAULT)
VAULT_INFO = _gauge(
    "vault_info",
    "Properties of the vault, always 1 (VaultType, VaultState, EncryptionKeyType).",
    _VAULT,
    "vault_type",
    "vault_state",
    "encryption_key_type",
)
VAULT_LOCK = _gauge(
    "vault_lock_timestamp_seconds",
    "Unix timestamp from which the lock of the vault cannot be removed (LockDate).",
    _VAULT,
)
VAULT_MIN = _gauge(
    "vault_min_retention_seconds",
    "Minimum retention in seconds that the vault lock enforces (MinRetentionDays).",
    _VAULT,
)
VAULT_MAX = _gauge(
    "vault_max_retention_seconds",
    "Maximum retention in seconds that the vault lock enforces (MaxRetentionDays).",
    _VAULT,
)
RULE_INFO = _gauge(
    "rule_info",
    "Properties of the rule of the plan, always 1 (TargetBackupVaultName, ScheduleExpression).",
    _RULE,
    "rule_name",
    "vault_name",
    "schedule",
    "timezone",
)
NEXT_RUN = _gauge(
    "rule_next_run_timestamp_seconds",
    "Unix timestamp of the next run of the rule (ScheduledRunsPreview, otherwise ScheduleExpression).",
    _RULE,
)
RULE_INTERVAL = _gauge(
    "rule_interval_seconds",
    "Largest gap in seconds between two runs of the rule (ScheduleExpression, otherwise "
    "ScheduledRunsPreview).",
    _RULE,
)
LAST_RUN = _gauge(
    "rule_last_run_timestamp_seconds",
    "Unix timestamp of the last scheduled run of the rule (ScheduleExpression).",
    _RULE,
)
LAST_RUN_JOBS = _gauge(
    "rule_last_run_jobs",
    "Number of backup jobs that the last run of the rule has created so far (CreatedBy.BackupRuleId).",
    _RULE,
)
RAN_EMPTY = _gauge(
    "rule_ran_empty",
    "Whether the last start window of the rule that has ended passed without a new backup job (1 yes, 0 no); "
    "absent for one day after the plan was created or changed.",
    _RULE,
)
VAULT_EXISTS = _gauge(
    "rule_vault_exists",
    "Whether the target vault of the rule exists (1 yes, 0 no) (TargetBackupVaultName).",
    _RULE,
    "vault_name",
)
LAST_EXECUTION = _gauge(
    "plan_last_execution_timestamp_seconds",
    "Unix timestamp of the last run of the plan (LastExecutionDate).",
    _PLAN,
)
SELECTIONS = _gauge(
    "plan_selections", "Number of resource selections of the plan (ListBackupSelections).", _PLAN
)
OPTED_OUT = _gauge(
    "plan_opted_out_type_info",
    "Resource type that the plan selects but that the settings of the Region exclude, always 1 "
    "(ResourceTypeOptInPreference).",
    _PLAN,
    "resource_type",
)
OPT_IN = _gauge(
    "region_opt_in",
    "Whether AWS Backup is enabled for the resource type in the Region (1 yes, 0 no) "
    "(ResourceTypeOptInPreference).",
    AWS_LABELS,
    "resource_type",
)
TESTING_LAST_EXECUTION = _gauge(
    "restore_testing_plan_last_execution_timestamp_seconds",
    "Unix timestamp of the last run of the restore testing plan (LastExecutionTime).",
    _TESTING_PLAN,
)
TESTING_NEXT_RUN = _gauge(
    "restore_testing_plan_next_run_timestamp_seconds",
    "Unix timestamp of the next run of the restore testing plan (ScheduleExpression).",
    _TESTING_PLAN,
)
TESTING_INTERVAL = _gauge(
    "restore_testing_plan_interval_seconds",
    "Largest gap in seconds between two runs of the restore testing plan (ScheduleExpression).",
    _TESTING_PLAN,
)
FRAMEWORK = _gauge(
    "framework_info",
    "Audit Manager framework, always 1 (DeploymentStatus).",
    AWS_LABELS,
    "framework_name",
    "deployment_status",
)

INVENTORY_FAMILIES = (
    RECOVERY_POINTS,
    VAULT_LOCKED,
    VAULT_INFO,
    VAULT_LOCK,
    VAULT_MIN,
    VAULT_MAX,
    RULE_INFO,
    NEXT_RUN,
    RULE_INTERVAL,
    VAULT_EXISTS,
    LAST_EXECUTION,
    SELECTIONS,
    OPTED_OUT,
    OPT_IN,
    TESTING_LAST_EXECUTION,
    TESTING_NEXT_RUN,
    TESTING_INTERVAL,
    FRAMEWORK,
)
RUN_FAMILIES = (LAST_RUN, LAST_RUN_JOBS, RAN_EMPTY)


def vault_group(vault: Vault, ledger: Ledger) -> Group:
    """Return the samples of one vault."""
    info = (
        ("vault_type", vault.type),
        ("vault_state", vault.state),
        ("encryption_key_type", vault.encryption_key_type),
    )
    numbers = {
        RECOVERY_POINTS: vault.recovery_points,
        VAULT_LOCKED: None if vault.locked is None else int(vault.locked),
        VAULT_LOCK: vault.lock_date,
        VAULT_MIN: vault.min_retention,
        VAULT_MAX: vault.max_retention,
    }
    return Group(
        (*aws_labels(ledger, vault.account_id), ("vault_name", vault.name)),
        (Sample(VAULT_INFO.name, info, 1), *_present(numbers)),
    )


def plan_groups(plans: Iterable[Plan], vaults: Iterable[Vault] | None, ledger: Ledger) -> Iterator[Group]:
    """Yield the samples of plans and their rules. If `vaults` is None, rule_vault_exists is left out."""
    names = None if vaults is None else {vault.name for vault in vaults}
    for plan in plans:
        numbers = {
            LAST_EXECUTION: plan.last_execution,
            SELECTIONS: None if plan.selections is None else len(plan.selections),
        }
        opted_out = (
            Sample(OPTED_OUT.name, (("resource_type", resource_type),), 1)
            for resource_type in plan.opted_out_types
        )
        rules = (sample for rule in plan.rules for sample in _rule_samples(rule, names))
        yield Group(_plan_labels(plan, ledger), (*_present(numbers), *opted_out, *rules))


def run_groups(plans: Iterable[Plan], runs: Mapping[RuleKey, RuleRun], ledger: Ledger) -> Iterator[Group]:
    """Yield the samples of the last run of each rule."""
    for plan in plans:
        samples: list[Sample] = []
        for rule in plan.rules:
            run = runs.get((plan.id, rule.rule_id), RuleRun())
            numbers = {
                LAST_RUN: run.at,
                LAST_RUN_JOBS: run.jobs,
                RAN_EMPTY: None if run.is_empty is None else int(run.is_empty),
            }
            samples += _present(numbers, (("rule_id", rule.rule_id),))
        yield Group(_plan_labels(plan, ledger), tuple(samples))


def opt_in_group(opt_in: Mapping[str, bool], account_id: str, ledger: Ledger) -> Group:
    """Return the samples of the settings of the Region."""
    return Group(
        aws_labels(ledger, account_id),
        tuple(
            Sample(OPT_IN.name, (("resource_type", resource_type),), int(is_in))
            for resource_type, is_in in sorted(opt_in.items())
        ),
    )


def testing_plan_group(plan: RestoreTestingPlan, ledger: Ledger) -> Group:
    """Return the samples of one restore testing plan."""
    labels = (("restore_testing_plan_arn", plan.arn), ("restore_testing_plan_name", plan.name))
    numbers = {
        TESTING_LAST_EXECUTION: plan.last_execution,
        TESTING_NEXT_RUN: plan.next_run,
        TESTING_INTERVAL: plan.interval,
    }
    return Group((*aws_labels(ledger, plan.account_id), *labels), tuple(_present(numbers)))


def framework_group(framework: Framework, ledger: Ledger) -> Group:
    """Return the sample of one framework."""
    labels = (("framework_name", framework.name), ("deployment_status", framework.deployment_status))
    return Group(aws_labels(ledger, framework.account_id), (Sample(FRAMEWORK.name, labels, 1),))


def _plan_labels(plan: Plan, ledger: Ledger) -> Labels:
    return (*aws_labels(ledger, plan.account_id), ("plan_id", plan.id), ("plan_name", plan.name))


def _rule_samples(rule: PlannedRule, vault_names: set[str] | None) -> Iterator[Sample]:
    own = (("rule_id", rule.rule_id),)
    info = (
        ("rule_name", rule.name),
        ("vault_name", rule.vault_name),
        ("schedule", rule.schedule),
        ("timezone", rule.timezone),
    )
    yield Sample(RULE_INFO.name, (*own, *info), 1)
    yield from _present({NEXT_RUN: rule.next_run, RULE_INTERVAL: rule.interval}, own)
    if vault_names is not None and rule.vault_name:
        exists = int(rule.vault_name in vault_names)
        yield Sample(VAULT_EXISTS.name, (*own, ("vault_name", rule.vault_name)), exists)


def _present(numbers: Mapping[Family, Number | None], labels: Labels = ()) -> Iterator[Sample]:
    return (Sample(family.name, labels, value) for family, value in numbers.items() if value is not None)

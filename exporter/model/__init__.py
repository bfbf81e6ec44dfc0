"""Jobs, resources, vaults, plans and selections as frozen records, and what their values mean.

Besides the records: the tables of job kinds and of resource types, AWS's schedules, and which resources a
selection takes. It knows neither boto3 nor Prometheus.
"""

from exporter.model.arns import account_in_arn, name_in_arn, region_in_arn
from exporter.model.attention import (
    Attention,
    AttentionKind,
    Severity,
    plan_attention,
    resource_attention,
)
from exporter.model.job_fields import Answer, number, rule_of
from exporter.model.job_kinds import BACKUP, KINDS
from exporter.model.kind import SUCCESS, Expectation, Kind, MalformedJobError, ResourceFacts, reports_issues
from exporter.model.plans import (
    Plan,
    PlannedRule,
    RuleKey,
    RuleRun,
)
from exporter.model.records import (
    GLOBAL,
    Account,
    Fault,
    Framework,
    Health,
    Job,
    Number,
    Protected,
    Reload,
    RestoreTestingPlan,
    Rule,
    RunningJob,
    Scope,
    Tally,
    Vault,
)
from exporter.model.resource_types import (
    RESOURCE_TYPES,
    possible_resource_types,
    resource_type_of,
    tagging_filters,
)
from exporter.model.resources import (
    EndedJob,
    JobFacts,
    ListedResource,
    PointsOfRule,
    RecoveryPoints,
    Resource,
    RuleFacts,
)
from exporter.model.schedule import (
    largest_gap_of,
    longest_gap,
    next_run,
    previous_run,
    run_is_last_until,
)
from exporter.model.selection import (
    Condition,
    Selection,
    opted_out_types,
    selects,
)

__all__ = [
    "BACKUP",
    "GLOBAL",
    "KINDS",
    "RESOURCE_TYPES",
    "SUCCESS",
    "Account",
    "Answer",
    "Attention",
    "AttentionKind",
    "Condition",
    "EndedJob",
    "Expectation",
    "Fault",
    "Framework",
    "Health",
    "Job",
    "JobFacts",
    "Kind",
    "ListedResource",
    "MalformedJobError",
    "Number",
    "Plan",
    "PlannedRule",
    "PointsOfRule",
    "Protected",
    "RecoveryPoints",
    "Reload",
    "Resource",
    "ResourceFacts",
    "RestoreTestingPlan",
    "Rule",
    "RuleFacts",
    "RuleKey",
    "RuleRun",
    "RunningJob",
    "Scope",
    "Selection",
    "Severity",
    "Tally",
    "Vault",
    "account_in_arn",
    "largest_gap_of",
    "longest_gap",
    "name_in_arn",
    "next_run",
    "number",
    "opted_out_types",
    "plan_attention",
    "possible_resource_types",
    "previous_run",
    "region_in_arn",
    "reports_issues",
    "resource_attention",
    "resource_type_of",
    "rule_of",
    "run_is_last_until",
    "selects",
    "tagging_filters",
]

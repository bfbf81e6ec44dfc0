"""Jobs, resources, vaults and plans as frozen records, the table of job kinds, and AWS's schedules.

It knows neither boto3 nor Prometheus.
"""

from exporter.model.job_kinds import (
    BACKUP,
    KINDS,
    SUCCESS,
    Answer,
    Expectation,
    Kind,
    MalformedJobError,
    ResourceFacts,
    account_in_arn,
    number,
)
from exporter.model.plans import Plan, PlannedRule, RuleKey, RuleRun
from exporter.model.records import (
    Fault,
    Framework,
    Health,
    Job,
    Number,
    Protected,
    Reload,
    RestoreTestingPlan,
    Rule,
    Scope,
    Tally,
    Vault,
)
from exporter.model.resources import (
    EndedJob,
    JobFacts,
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
)

__all__ = [
    "BACKUP",
    "KINDS",
    "SUCCESS",
    "Answer",
    "EndedJob",
    "Expectation",
    "Fault",
    "Framework",
    "Health",
    "Job",
    "JobFacts",
    "Kind",
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
    "Scope",
    "Tally",
    "Vault",
    "account_in_arn",
    "largest_gap_of",
    "longest_gap",
    "next_run",
    "number",
    "previous_run",
]

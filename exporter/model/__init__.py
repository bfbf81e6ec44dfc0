"""Jobs, resources, vaults and plans as frozen records, the table of job kinds, and AWS schedule expressions.

This package depends neither on boto3 nor on Prometheus.
"""

from exporter.model.job_kinds import (
    BACKUP,
    KINDS,
    Answer,
    Kind,
    MalformedJobError,
    account_in_arn,
    number,
)
from exporter.model.records import (
    Fault,
    Health,
    Job,
    Number,
    Plan,
    PlannedRule,
    Protected,
    Reload,
    Resource,
    Rule,
    Scope,
    Tally,
    Vault,
)
from exporter.model.schedule import (
    largest_gap_of,
    longest_gap,
    next_run,
)

__all__ = [
    "BACKUP",
    "KINDS",
    "Answer",
    "Fault",
    "Health",
    "Job",
    "Kind",
    "MalformedJobError",
    "Number",
    "Plan",
    "PlannedRule",
    "Protected",
    "Reload",
    "Resource",
    "Rule",
    "Scope",
    "Tally",
    "Vault",
    "account_in_arn",
    "largest_gap_of",
    "longest_gap",
    "next_run",
    "number",
]

"""All metrics as data: name, type, HELP and labels of each. docs/metrics.md is generated from them."""

from functools import cache

from exporter.exposition.account_metrics import ACCOUNT_FAMILIES
from exporter.exposition.job_metrics import fleet_families, job_families, running_families
from exporter.exposition.metric_types import Family
from exporter.exposition.plan_metrics import INVENTORY_FAMILIES, RUN_FAMILIES
from exporter.exposition.resource_metrics import resource_families
from exporter.exposition.scope_metrics import SCOPE_FAMILIES
from exporter.model import KINDS, Kind


@cache
def families(kinds: tuple[Kind, ...] = KINDS) -> tuple[Family, ...]:
    """Return all metrics of scopes, in the order of the exposition, for a table of kinds."""
    of_jobs = (
        family
        for kind in kinds
        for family in (*job_families(kind), *running_families(kind), *fleet_families(kind))
    )
    return (
        *of_jobs,
        *resource_families(kinds),
        *INVENTORY_FAMILIES,
        *RUN_FAMILIES,
        *ACCOUNT_FAMILIES,
        *SCOPE_FAMILIES,
    )

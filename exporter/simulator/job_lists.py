"""Lists the jobs of one or many accounts: filters, pages, and the fields of a row."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from exporter.simulator.job_index import JobIndex
from exporter.simulator.job_kinds import Answer, Kind
from exporter.simulator.pagination import Pager, Position, Token, select


class JobSource(NamedTuple):
    """The jobs that a call can list.

    Attributes:
        account_id: the account that calls; jobs without AccountId are its own.
        jobs: their positions.
        row: returns the describe response of a job; None if it does not exist or cannot be listed.
        now: the time of the call, in seconds since 1970.
        children: whether to include child jobs without ByParentJobId.
    """

    account_id: str
    jobs: JobIndex
    row: Callable[[Position], Answer | None]
    now: float
    children: bool


def list_jobs(kind: Kind, parameters: Mapping[str, Any], pager: Pager, source: JobSource) -> Answer:
    """Return a page of the jobs that pass all filters, newest first.

    Jobs are read only as far as the page goes.
    """
    size, shortened = pager.size(parameters, kind.list_operation, None)
    token = Token.of(parameters)
    filters = {name: value for name, value in parameters.items() if name.startswith("By")}
    wanted = filters.pop("ByAccountId", source.account_id)
    children = source.children or "ByParentJobId" in filters
    tests = [(kind.filters[name], value) for name, value in filters.items()]
    page = select(
        source.jobs.candidates(filters, source.now, token.position),
        source.row,
        lambda job: (
            wanted in ("*", job.get("AccountId", source.account_id))
            and (children or "ParentJobId" not in job)
            and all(test(job, value) for test, value in tests)
        ),
        token.position,
        size,
    )
    answer: dict[str, Any] = {kind.result_key: [_listed(job, kind) for job in page.rows]}
    if page.more or shortened:
        answer["NextToken"] = Token(page.last, token.pages + 1).text()
    return answer


def _listed(job: Answer, kind: Kind) -> Answer:
    """Return the fields of a job in a list."""
    if kind.described_only.isdisjoint(job):
        return job
    return {name: value for name, value in job.items() if name not in kind.described_only}

"""The rendered series of one scope. Only changes in the ledger are rendered; all other lines are cached."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain

from exporter.exposition.active_job_lines import ActiveJobLines, KeyedLines
from exporter.exposition.compression import FASTEST, Piece, Run, deflate
from exporter.exposition.finished_job_lines import FinishedJobLines
from exporter.exposition.job_metrics import (
    job_families,
    job_group,
    running_families,
    running_group,
    tally_group,
)
from exporter.exposition.metric_types import Group
from exporter.exposition.plan_metrics import (
    framework_group,
    opt_in_group,
    plan_groups,
    run_groups,
    testing_plan_group,
    vault_group,
)
from exporter.exposition.resource_metrics import RESOURCE_FAMILIES, resource_groups
from exporter.exposition.scope_metrics import dropped_group, exporter_group
from exporter.exposition.text_format import Lines, render
from exporter.ledger import Inventory, Ledger
from exporter.model import Kind


class ScopeSeries:
    """The rendered series of one scope. Thread-safe.

    Args:
        ledger: the state of the scope.
        clock: seconds since 1970.
        mask: masks the secrets in a string.
    """

    def __init__(self, ledger: Ledger, clock: Callable[[], float], mask: Callable[[str], str] = str) -> None:
        self.scope = ledger.scope
        self._ledger = ledger
        self._clock = clock
        self._mask = mask
        self._kinds = [_JobSeries(kind, ledger, mask) for kind in ledger.kinds]
        self._resources = _ResourceSeries(ledger, mask)
        self._inventory = _InventorySeries(ledger)
        self._left_out: Mapping[str, int] = {}
        self._left_out_lines: Lines = {}
        self._lock = threading.Lock()

    def update(self) -> None:
        """Render the changes in the ledger, so that the ledger does not have to store them."""
        with self._lock:
            self._update()

    def pieces(self) -> list[tuple[str, Piece]]:
        """Return the current lines of each metric that has series, in one or more pieces."""
        with self._lock:
            self._update()
            of_jobs = chain.from_iterable(kind.runs() for kind in self._kinds)
            of_exporter = render(exporter_group(self._ledger, self._mask)) | self._render_left_out()
            of_resources = self._resources.runs().items()
            return [*of_jobs, *self._inventory.runs(), *of_resources, *of_exporter.items()]

    def _render_left_out(self) -> Lines:
        left_out = self._ledger.left_out()
        if left_out != self._left_out:
            self._left_out = left_out
            self._left_out_lines = render(dropped_group(left_out, self._ledger))
        return self._left_out_lines

    def _update(self) -> None:
        now = self._clock()
        self._resources.update()
        self._inventory.update(now)
        for kind in self._kinds:
            kind.update(now)


class _JobSeries:
    """The series of the jobs of one kind."""

    def __init__(self, kind: Kind, ledger: Ledger, mask: Callable[[str], str]) -> None:
        self._kind = kind
        self._ledger = ledger
        self._group_of = partial(job_group, kind, ledger=ledger, mask=mask)
        self._active = ActiveJobLines(kind, self._group_of)
        self._running = KeyedLines(family.name for family in running_families(kind))
        self._finished = FinishedJobLines([family.name for family in job_families(kind)])
        self._counts: Mapping[str, Run] = {}
        self._counts_version: object = None

    def update(self, now: float) -> None:
        with self._ledger.open(self._kind) as store:
            changes = store.drain()
            counts_version = store.counts_version(now)
            tallies = store.tallies(now) if counts_version != self._counts_version else []
        for bucket in changes.expired:
            self._finished.remove_bucket(bucket)
        for bucket, job_ids in changes.dropped.items():
            self._finished.remove(bucket, job_ids)
        self._active.update(changes.tracked, changes.progressed)
        for job_id, running in changes.running.items():
            lines = render(running_group(self._kind, job_id, running, self._ledger)) if running else {}
            self._running.put(job_id, lines)
        rows_by_bucket: dict[int, dict[str, Lines]] = {}
        for job_id, (bucket, job) in changes.final.items():
            rows_by_bucket.setdefault(bucket, {})[job_id] = render(self._group_of(job))
        for bucket, rows in rows_by_bucket.items():
            self._finished.add(bucket, rows)
        if counts_version != self._counts_version:
            self._counts = _deflated(tally_group(self._kind, tally, self._ledger) for tally in tallies)
            self._counts_version = counts_version

    def runs(self) -> Iterator[tuple[str, Run]]:
        of_jobs = (self._finished, self._active, self._running)
        return chain(self._counts.items(), *(lines.runs().items() for lines in of_jobs))


class _ResourceSeries:
    """The rendered series of resources."""

    def __init__(self, ledger: Ledger, mask: Callable[[str], str]) -> None:
        self._ledger = ledger
        self._mask = mask
        self._lines = KeyedLines(family.name for family in RESOURCE_FAMILIES)

    def update(self) -> None:
        with self._ledger.open_resources() as resources:
            changed = resources.drain()
        for arn, resource in changed.items():
            groups = resource_groups(resource, self._ledger, self._mask) if resource else ()
            self._lines.put(arn, _joined(groups))

    def runs(self) -> Mapping[str, Run]:
        return self._lines.runs()


class _InventorySeries:
    """The rendered series of vaults, plans, settings, restore testing plans and frameworks."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lines: Mapping[str, Run] = {}
        self._lines_of_runs: Mapping[str, Run] = {}
        self._rendered: object = None
        self._rendered_runs: object = None

    def update(self, now: float) -> None:
        known = self._ledger.inventory
        if known != self._rendered:
            self._lines = _deflated(self._groups(known))
            self._rendered = known
        runs = self._ledger.rule_runs(now)
        if (known.plans, runs) != self._rendered_runs:
            self._lines_of_runs = _deflated(run_groups(known.plans, runs, self._ledger))
            self._rendered_runs = known.plans, runs

    def runs(self) -> Iterator[tuple[str, Run]]:
        return chain(self._lines.items(), self._lines_of_runs.items())

    def _groups(self, known: Inventory) -> Iterator[Group]:
        for vault in known.vaults or ():
            yield vault_group(vault, self._ledger)
        yield from plan_groups(known.plans, known.vaults, self._ledger)
        # Without an account ID, two scopes in the same Region would have identical series.
        if account_id := self._ledger.own_account_id:
            yield opt_in_group(known.opt_in, account_id, self._ledger)
        for plan in known.testing_plans:
            yield testing_plan_group(plan, self._ledger)
        for framework in known.frameworks:
            yield framework_group(framework, self._ledger)


def _joined(groups: Iterable[Group]) -> Lines:
    lines: Lines = {}
    for group in groups:
        lines |= render(group)
    return lines


def _deflated(groups: Iterable[Group]) -> Mapping[str, Run]:
    lines: dict[str, list[bytes]] = {}
    for group in groups:
        for family, text in render(group).items():
            lines.setdefault(family, []).append(text)
    return {family: deflate(b"".join(texts), FASTEST) for family, texts in lines.items()}

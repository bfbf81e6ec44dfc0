"""The rendered series of one scope. Only changes in the ledger are rendered; all other lines are cached."""

import math
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import TypeVar

from exporter.exposition.account_metrics import account_groups
from exporter.exposition.active_job_lines import ActiveJobLines, KeyedLines
from exporter.exposition.compression import FASTEST, Run, deflate, join
from exporter.exposition.finished_job_lines import FinishedJobLines
from exporter.exposition.job_metrics import job_family_names, job_group, running_group, tally_group
from exporter.exposition.merged_pieces import Merged, Pieces
from exporter.exposition.metric_types import Group
from exporter.exposition.plan_metrics import (
    framework_group,
    opt_in_group,
    plan_groups,
    run_groups,
    testing_plan_group,
    vault_group,
)
from exporter.exposition.resource_metrics import resource_groups
from exporter.exposition.scope_metrics import ItemCounts, exporter_group, items_group
from exporter.exposition.text_format import Lines, render
from exporter.ledger import Inventory, JobNumbers, Ledger, Versions
from exporter.model import Kind, Scope, Tally

_T = TypeVar("_T")
_TallyKey = tuple[str, str, str]


class ScopeSeries:
    """The rendered series of one scope. Thread-safe.

    Args:
        ledger: the state of the scope.
        clock: seconds since 1970.
        mask: masks the secrets in a string.
        published_with: the scope in whose exposition the series are included; by default their own.
    """

    def __init__(
        self,
        ledger: Ledger,
        clock: Callable[[], float],
        mask: Callable[[str], str] = str,
        *,
        published_with: Scope | None = None,
    ) -> None:
        self.scope = ledger.scope
        self.published_with = published_with or ledger.scope
        self._ledger = ledger
        self._clock = clock
        self._mask = mask
        self._kinds = [_JobSeries(kind, ledger, mask) for kind in ledger.kinds]
        self._resources = _ResourceSeries(ledger, mask)
        self._inventory = _InventorySeries(ledger)
        self._items: Mapping[str, bytes] = {}
        self._counts: ItemCounts | None = None
        self._status: Mapping[str, bytes] = {}
        self._data: Merged[Run, Run] = Merged(join)
        self._text: Merged[bytes, bytes] = Merged(b"".join)
        self._pieces = Pieces({}, {})
        self._writes = -1
        self._versions = Versions(-1, (), -1)
        self._rendered_at = self._steady_until = -math.inf
        self._lock = threading.Lock()

    def update(self) -> None:
        """Render the changes in the ledger, so that the ledger does not have to store them."""
        with self._lock:
            self._update(self._clock())

    def pieces(self) -> Pieces:
        """Return the current lines; the same object if nothing has changed."""
        writes, now = self._ledger.writes, self._clock()
        with self._lock:
            is_steady = self._rendered_at <= now < self._steady_until
            if writes != self._writes or not is_steady:
                self._render_changes(now, is_steady)
                self._writes = writes
            return self._pieces

    def _render_changes(self, now: float, is_steady: bool) -> None:
        before, versions = self._versions, self._ledger.versions()
        if versions.data != before.data or not is_steady:
            self._update(now)
            self._update_items()
            self._rendered_at, self._steady_until = now, self._ledger.steady_until(now)
        elif versions.progress != before.progress:
            for kind, old, new in zip(self._kinds, before.progress, versions.progress, strict=True):
                if old != new:
                    kind.update(now)
        if versions.status != before.status:
            self._inventory.update(now)  # whether a run was empty depends on the health of a collector
            self._status = _kept(self._status, render(exporter_group(self._ledger, self._mask)))
        if versions != before or not is_steady:
            self._join()
        self._versions = versions

    def _join(self) -> None:
        of_jobs = chain.from_iterable(kind.runs for kind in self._kinds)
        data = self._data.of([*of_jobs, *self._inventory.runs(), self._resources.runs()])
        text = self._text.of([self._status, self._items])
        if data is not self._pieces.data or text is not self._pieces.text:
            self._pieces = Pieces(data, text)

    def _update_items(self) -> None:
        jobs = {kind.name: kind.numbers for kind in self._kinds}
        counts = ItemCounts(jobs, self._ledger.left_out(), with_zeros=bool(self._ledger.health()))
        if counts != self._counts:
            self._items = _kept(self._items, render(items_group(counts, self._ledger)))
            self._counts = counts

    def _update(self, now: float) -> None:
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
        self._running: KeyedLines[str] = KeyedLines()
        self._finished = FinishedJobLines(job_family_names(kind))
        self._counts: KeyedLines[_TallyKey] = KeyedLines()
        self._tallies: Mapping[_TallyKey, Tally] = {}
        self._version = self._progress = -1
        self._counts_version: object = None
        self.name = kind.name
        self.numbers = JobNumbers(0, 0, 0)
        self.runs: Sequence[Mapping[str, Run]] = ()

    def update(self, now: float) -> None:
        with self._ledger.read(self._kind) as store:
            version, progress, counts_version = store.version, store.progress, store.counts_version(now)
            if (version, progress, counts_version) == (self._version, self._progress, self._counts_version):
                return
            changes = store.drain()
            tallies = store.tallies(now) if counts_version != self._counts_version else []
            if version != self._version:
                self.numbers = store.numbers()
        self._version, self._progress = version, progress
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
            self._update_counts(tallies)
            self._counts_version = counts_version
        self.runs = self._counts.runs(), self._finished.runs(), self._active.runs(), self._running.runs()

    def _update_counts(self, tallies: Iterable[Tally]) -> None:
        """Render the counts that changed; all of them if there is a new one, because they are sorted."""
        before = self._tallies
        self._tallies = {
            (tally.account_id, tally.vault_name, tally.resource_type): tally for tally in tallies
        }
        if self._tallies.keys() != before.keys():
            self._counts, before = KeyedLines(), {}
        for key, tally in self._tallies.items():
            if tally != before.get(key):
                self._counts.put(key, render(tally_group(self._kind, tally, self._ledger)))


class _ResourceSeries:
    """The rendered series of resources."""

    def __init__(self, ledger: Ledger, mask: Callable[[str], str]) -> None:
        self._ledger = ledger
        self._mask = mask
        self._lines: KeyedLines[str] = KeyedLines()

    def update(self) -> None:
        with self._ledger.open_resources() as resources:
            changed = resources.drain()
        for arn, resource in changed.items():
            groups = resource_groups(resource, self._ledger, self._mask) if resource else ()
            self._lines.put(arn, _joined(groups))

    def runs(self) -> Mapping[str, Run]:
        return self._lines.runs()


class _InventorySeries:
    """The rendered series of vaults, plans, settings, restore testing plans, frameworks and accounts."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lines: Mapping[str, Run] = {}
        self._lines_of_runs: Mapping[str, Run] = {}
        self._rendered: object = None
        self._rendered_runs: object = None

    def update(self, now: float) -> None:
        known = self._ledger.inventory
        if known is not self._rendered:
            self._lines = _kept(self._lines, _deflated(self._groups(known)))
            self._rendered = known
        runs = self._ledger.rule_runs(now)
        if (known.plans, runs) != self._rendered_runs:
            lines = _deflated(run_groups(known.plans, runs, self._ledger))
            self._lines_of_runs = _kept(self._lines_of_runs, lines)
            self._rendered_runs = known.plans, runs

    def runs(self) -> Sequence[Mapping[str, Run]]:
        return self._lines, self._lines_of_runs

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
        yield from account_groups(known.accounts, self._ledger)


def _kept(before: Mapping[str, _T], after: Mapping[str, _T]) -> Mapping[str, _T]:
    """Return the new lines; lines that are equal to the previous ones are the same objects."""
    return {name: before[name] if before.get(name) == lines else lines for name, lines in after.items()}


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

"""The number of jobs of one kind by vault, resource type and state. Pure.

The number of series is limited: after `MOST_GROUPS` pairs of vault and resource type, further jobs are
counted as `other`, so that sums remain correct. Unknown states are limited likewise.
"""

from collections import Counter
from typing import NamedTuple

from exporter.ledger.limits import MOST_GROUPS, MOST_STATES, OTHER, Distinct
from exporter.model import Job, Kind, Tally

Group = tuple[str, str, str]  # account, vault, resource type
Place = tuple[Group, str]  # and state


class JobNumbers(NamedTuple):
    """The numbers of active and finished jobs with series, and of jobs without because of the limit."""

    active: int
    finished: int
    without_series: int


class Counts:
    """Counts jobs by account, vault, resource type and state.

    Args:
        kind: the job kind.

    Attributes:
        account_id: the account of jobs that have none, neither as a field nor in an ARN.
        version: a number that grows whenever a count changes or a group is new.
    """

    account_id = ""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._groups: Distinct[Group] = Distinct(MOST_GROUPS)
        self._others: dict[Group, None] = {}
        self._other_states: Distinct[str] = Distinct(MOST_STATES)
        self._in_bucket: dict[int, Counter[Place]] = {}
        self._finished_total: Counter[Place] = Counter()
        self.version = 0

    def place(self, job: Job) -> Place | None:
        """Where a job is counted; None for a child job, whose parent is counted, or one without a state."""
        if job.parent_id or not job.state:
            return None
        group = job.account_id or self.account_id, job.vault_name, job.resource_type
        state = job.state
        if not self._kind.knows(state) and not self._other_states.admit(state):
            state = OTHER
        seen = self._groups.seen
        has_group = self._groups.admit(group)
        self.version += self._groups.seen - seen
        return group if has_group else self._other(group[0]), state

    def add(self, place: Place, bucket: int) -> None:
        """Add a job of a bucket."""
        self.version += 1
        self._in_bucket.setdefault(bucket, Counter())[place] += 1

    def remove(self, place: Place, bucket: int) -> None:
        """Remove a job of a bucket."""
        counted = self._in_bucket.get(bucket)
        if counted and counted[place]:
            self.version += 1
            counted[place] -= 1

    def add_end(self, place: Place) -> None:
        """Count a job that finished since the start."""
        self.version += 1
        self._finished_total[place] += 1

    def remove_before(self, oldest: int) -> None:
        """Remove the buckets before this one."""
        for bucket in [bucket for bucket in self._in_bucket if bucket < oldest]:
            del self._in_bucket[bucket]
            self.version += 1  # if the time is corrected, the bucket would be missed

    def first_bucket(self, oldest: int) -> int | None:
        """Return the first bucket with counts, from this bucket on; None if there is none."""
        return min((bucket for bucket in self._in_bucket if bucket >= oldest), default=None)

    def tallies(self, oldest: int) -> list[Tally]:
        """Return the counts of all groups, of the jobs from this bucket on."""
        in_window: dict[Place, int] = {}
        for bucket, counted in self._in_bucket.items():
            if bucket >= oldest:
                for place, count in counted.items():
                    in_window[place] = in_window.get(place, 0) + count
        groups = sorted({*self._groups, *self._others})
        ends = [state for state in self._kind.states if state in self._kind.terminal]
        present = {group: dict.fromkeys(self._kind.states, 0) for group in groups}
        finished = {group: dict.fromkeys(ends, 0) for group in groups}
        for (group, state), count in in_window.items():
            if count or state in present[group]:
                present[group][state] = count
        for (group, state), count in self._finished_total.items():
            finished[group][state] = count
        return [
            Tally(
                account_id,
                vault,
                type_,
                present[account_id, vault, type_],
                finished[account_id, vault, type_],
            )
            for account_id, vault, type_ in groups
        ]

    @property
    def left_out(self) -> int:
        """The number of pairs of vault and resource type that are counted as `other`."""
        return self._groups.left_out

    def _other(self, account_id: str) -> Group:
        """Return the group beyond the limit: one per account that has a group of its own."""
        known = any(account_id == group[0] for group in self._groups)
        group = (account_id if known else self.account_id, OTHER, OTHER)
        if group not in self._others:
            self._others[group] = None
            self.version += 1
        return group

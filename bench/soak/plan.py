"""The schedule of the soak test. Time is measured in scrapes: one every five seconds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.soak.faketime import A_DAY
from bench.soak.faults import Fault

EVERY = 5.0  # seconds between two scrapes
TIMEOUT = 5.0  # seconds that Prometheus gives a scrape: never more than the interval
REQUESTS_PER_SECOND = 20.0  # so that each of the targets may have many descriptions under way
SETTLED_AFTER = 5  # scrapes after which all is right again, once AWS answers or the clock is right
LOOKED_BACK_AFTER = 15  # scrapes after which all of the look-back is known, once AWS answers
TOLD_AFTER = 4  # scrapes after which a fault must be told
SLOW_AFTER = 13  # scrapes after which what rarely changes is asked for again, once that failed
HOUR = 3600

JOBS = ("backup_jobs", "copy_jobs", "restore_jobs")  # the collectors that run on each scrape
SLOW = ("resources", "vaults", "plans")
COLLECTORS = (*JOBS, *SLOW)

ACCOUNTS: Mapping[str, tuple[str, float]] = {
    "sound": ("100000000001", 13.0),  # its active jobs are few enough to describe each
    "busy": ("100000000002", 2.5),  # and these so many that they are swept
    "silent": ("100000000003", 6.0),
    "stalling": ("100000000004", 6.0),
    "dripping": ("100000000005", 6.0),
    "denied": ("100000000006", 6.0),
}
"""The targets: the account of each, and how many seconds lie between the starts of two of its backups."""

_DESCRIBE = r"/(backup|copy|restore)-jobs/[^/]+"

FAULTS: Mapping[str, tuple[Fault, tuple[str, ...]]] = {
    "hang": (Fault("hang"), COLLECTORS),
    "hang-describe": (Fault("hang", _DESCRIBE), ("backup_jobs",)),
    "drip-describe": (Fault("drip", _DESCRIBE), ("backup_jobs",)),
    "drip": (Fault("drip", r"/(backup|copy|restore)-jobs"), JOBS),
    "deny": (Fault("deny"), COLLECTORS),
}
"""What may be wrong with a target, and the collectors that it keeps from bringing their jobs up to date."""

PARTLY: Mapping[str, tuple[str, ...]] = {
    "hang-describe": ("copy_jobs", "restore_jobs"),
    "drip-describe": ("copy_jobs", "restore_jobs"),
}
"""The collectors that such a fault also holds up where they have something to describe."""


@dataclass(frozen=True)
class Turn:
    """From this scrape on, this is wrong with a target; empty: nothing is."""

    scrape: int
    target: str
    fault: str


@dataclass(frozen=True)
class Jump:
    """For these scrapes the exporter's clock is so many seconds ahead."""

    begins: int
    ends: int
    ahead: int


@dataclass(frozen=True)
class Plan:
    """All that happens.

    Attributes:
        scrapes: how many the soak has, at least.
        turns: what becomes of the targets, in the order of time.
        jumps: of the clock, likewise.
    """

    scrapes: int
    turns: Sequence[Turn]
    jumps: Sequence[Jump]

    def fault_of(self, target: str, scrape: int) -> tuple[str, int]:
        """Return what is wrong with a target at a scrape (empty: nothing), and since which."""
        turns = [turn for turn in self.turns if turn.target == target and turn.scrape <= scrape]
        return (turns[-1].fault, turns[-1].scrape) if turns else ("", 0)

    def ahead(self, scrape: int) -> int:
        """Return by how many seconds the clock is ahead at a scrape."""
        return next((jump.ahead for jump in self.jumps if jump.begins <= scrape < jump.ends), 0)

    def clock_right_since(self, scrape: int) -> int | None:
        """Return since which scrape the clock has been right; None when it is not."""
        if self.ahead(scrape):
            return None
        return max((jump.ends for jump in self.jumps if jump.ends <= scrape), default=0)

    def sound_since(self, target: str, scrape: int, collectors: Sequence[str] = COLLECTORS) -> int | None:
        """Return since which scrape a target's collectors have had nothing in their way; None: they have."""
        fault, since = self.fault_of(target, scrape)
        return since if set(collectors).isdisjoint(_held_up(fault)) else None

    @property
    def settled(self) -> int:
        """The scrape at which all that could settle has settled."""
        ends = [jump.ends + SETTLED_AFTER for jump in self.jumps]
        return max([0, *ends, *(turn.scrape + LOOKED_BACK_AFTER for turn in self.turns if not turn.fault)])


def _held_up(fault: str) -> tuple[str, ...]:
    return (*FAULTS[fault][1], *PARTLY.get(fault, ())) if fault else ()


def plan(minutes: float) -> Plan:
    """Spread what happens over so many minutes."""
    scrapes = round(minutes * 60 / EVERY)
    back = Jump(scrapes // 4, scrapes // 4 + 4, -HOUR)
    # In a soak of ten minutes this is when resources, vaults and plans are asked for again.
    begins = max(round(0.475 * scrapes), back.ends + SETTLED_AFTER + 2)
    ahead = Jump(begins, begins + 6, A_DAY)
    turns = [
        Turn(0, "silent", "hang"),
        Turn(0, "denied", "deny"),
        Turn(round(0.06 * scrapes), "dripping", "drip-describe"),
        Turn(round(0.10 * scrapes), "stalling", "hang-describe"),
        Turn(round(0.60 * scrapes), "dripping", "drip"),
        Turn(round(0.65 * scrapes), "stalling", "hang"),
        Turn(round(0.70 * scrapes), "silent", ""),
        Turn(round(0.80 * scrapes), "stalling", ""),
        Turn(round(0.85 * scrapes), "denied", ""),
    ]
    return Plan(scrapes, turns, (back, ahead))


def at(plan: Plan, scrape: int) -> Iterator[Turn]:
    """Yield what happens right before a scrape."""
    return (turn for turn in plan.turns if turn.scrape == scrape)

"""Runs the exporter while AWS hangs, responds slowly or denies, and the clock jumps.

    python -m bench.soak MINUTES

Six accounts are simulated. Two are sound, the others hang, drip or refuse, for all of the time or for a part
of it. The exporter runs under libfaketime, so that its wall clock can be set: an hour back and right again, a
day ahead and back. It is scraped every five seconds as Prometheus does. Every now and then the jobs stand
still for two scrapes, and what is published of the accounts that answer is compared with what AWS tells.

Exits with 1 when something does not hold, and says what.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from bench.process import Running, exporter
from bench.soak.aws import Aws, simulated
from bench.soak.checks import Health, Healths, comparable, health, of_jobs
from bench.soak.faketime import MODULE, Faketime, NoFaketimeError
from bench.soak.plan import (
    ACCOUNTS,
    EVERY,
    FAULTS,
    REQUESTS_PER_SECOND,
    SETTLED_AFTER,
    TIMEOUT,
    Plan,
    at,
    plan,
)
from bench.soak.truth import described, differences, published, told_by_aws
from bench.soak.watch import MIB, Held, grown, held, log_lines, most

SHOWN = 12  # of what is wrong, of each sort
A_MINUTE = 12  # scrapes
QUIET_EVERY = 6  # scrapes between two quiet moments, where nothing is in the way
LINES_OF_A_SORT = 12  # in the log, at most
HEALTHY_WITHIN = 0.5  # seconds
STOPS_WITHIN = 5.0  # seconds
OVERLOADED = 2.0  # runnable processes for each core


@dataclass
class Findings:
    """The findings."""

    took: list[float] = field(default_factory=list)
    excused: int = 0
    held: list[Held] = field(default_factory=list)
    wrong: dict[str, list[str]] = field(default_factory=dict)
    compared: Counter[str] = field(default_factory=Counter)
    unequal: Counter[str] = field(default_factory=Counter)
    series: int = 0

    def add_slow(self, sort: str, what: str) -> None:
        """Record a late response, unless other processes overload the machine."""
        if is_overloaded():
            self.excused += 1
            print(f"not judged, {sort}: {what}", flush=True)
        else:
            self.add(sort, what)

    def add(self, sort: str, what: str) -> None:
        """Record a violated invariant."""
        self.wrong.setdefault(sort, []).append(what)
        if len(self.wrong[sort]) <= SHOWN:
            print(f"WRONG {sort}: {what}", flush=True)


class Soak:
    """One run."""

    def __init__(self, the_plan: Plan, aws: Aws, clock: Faketime, running: Running) -> None:
        self.findings = Findings()
        self._plan = the_plan
        self._aws = aws
        self._clock = clock
        self._running = running
        self._healths = Healths(the_plan)
        self._started = aws.started
        self._frozen_at: int | None = None
        self._compared_at = 0

    def run(self) -> None:
        """Scrape until all has happened, and all that can be compared has been."""
        began, scrape = time.monotonic(), 0
        while scrape < self._plan.scrapes or self._compared_at < self._plan.settled:
            if self._running.child.poll() is not None:
                return
            self._turn(scrape)
            self._ask_health(scrape)
            text = self._scrape(scrape)
            if text:
                told = health(text)
                for what in self._healths.untold(scrape, told):
                    self.findings.add("untold", f"scrape {scrape}: {what}")
                for what in self._healths.unsound(scrape, time.time(), told):
                    self.findings.add_slow("unsound", f"scrape {scrape}: {what}")
                self._compare(scrape, text, told)
            if scrape % 2 == 0:
                self._look(scrape)
            scrape += 1
            time.sleep(max(0.0, began + scrape * EVERY - time.monotonic()))

    def _look(self, scrape: int) -> None:
        now = held(self._running.child.pid)
        self.findings.held.append(now)
        if scrape % A_MINUTE == 0:
            memory = f"{now.memory / MIB:.0f} MiB"
            print(
                f"scrape {scrape}: {memory}, {now.threads} threads, {now.descriptors} descriptors", flush=True
            )

    def _turn(self, scrape: int) -> None:
        for turn in at(self._plan, scrape):
            faults = [FAULTS[turn.fault][0]] if turn.fault else []
            self._aws.break_account(ACCOUNTS[turn.target][0], faults)
            print(f"scrape {scrape}: {turn.target}: {turn.fault or 'answers again'}", flush=True)
        if self._plan.ahead(scrape) != (before := self._plan.ahead(scrape - 1)):
            ahead = self._plan.ahead(scrape)
            self._clock.set(ahead)
            print(f"scrape {scrape}: the clock was {before:+d} s ahead, is {ahead:+d} s ahead", flush=True)
        if self._is_quiet_time(scrape):
            self._aws.freeze()
            self._frozen_at = scrape

    def _is_quiet_time(self, scrape: int) -> bool:
        """Return whether to freeze the jobs, for this scrape and the next, with which they are compared."""
        right = self._plan.clock_right_since(scrape + 1)
        return (
            self._frozen_at is None
            and scrape >= self._compared_at + QUIET_EVERY - 1
            and right is not None
            and scrape + 1 >= right + SETTLED_AFTER
        )

    def _ask_health(self, scrape: int) -> None:
        took = self._running.is_healthy()
        if took > HEALTHY_WITHIN:
            self.findings.add_slow("health path", f"scrape {scrape}: answered after {took:.1f} s")

    def _scrape(self, scrape: int) -> str:
        try:
            took, text = self._running.scrape(timeout=TIMEOUT)
        except OSError as error:
            self.findings.add("scrape", f"scrape {scrape}: {error}")
            return ""
        self.findings.took.append(took)
        if took > TIMEOUT:
            self.findings.add_slow("scrape", f"scrape {scrape} took {took:.1f} s")
        return text

    def _compare(self, scrape: int, text: str, health_told: Health) -> None:
        if self._frozen_at is None or scrape == self._frozen_at:
            return
        for target, (account_id, _) in ACCOUNTS.items():
            asked = comparable(self._plan, target, scrape)
            if asked and (health_told.is_up(target) or not is_overloaded()):
                self._compare_one(scrape, target, account_id, text, only_jobs=asked == "jobs")
        self._aws.thaw()
        self._frozen_at, self._compared_at = None, scrape

    def _compare_one(self, scrape: int, target: str, account_id: str, text: str, *, only_jobs: bool) -> None:
        told = told_by_aws(self._aws.jobs(account_id), time.time(), self._started)
        found = published(text, account_id)
        if only_jobs:
            told, found = of_jobs(told), of_jobs(found)
        self.findings.compared[target] += 1
        self.findings.series += len(told)
        unequal = differences(told, found)
        if unequal:
            self.findings.unequal[target] += 1
            print(f"scrape {scrape}: {target}: {len(unequal)} of {len(told)} series differ", flush=True)
        for what in described(unequal, told, found):
            self.findings.add(f"values of {target}", f"scrape {scrape}: {what}")


def is_overloaded() -> bool:
    """Return whether others keep the machine so busy that no time says anything."""
    return os.getloadavg()[0] > OVERLOADED * (os.cpu_count() or 1)


def stop(running: Running, findings: Findings) -> None:
    """Stop the exporter and check that it ends in time."""
    if (ended := running.child.poll()) is not None:
        findings.add("process", f"it ended by itself with {ended}")
        return
    began = time.monotonic()
    running.child.terminate()
    try:
        code = running.child.wait(4 * STOPS_WITHIN)
    except subprocess.TimeoutExpired:
        running.child.kill()
        code = running.child.wait()
    took = time.monotonic() - began
    if code or took > STOPS_WITHIN:
        findings.add("process", f"SIGTERM: exit code {code} after {took:.1f} s")


def judge(findings: Findings, log: str) -> None:
    """Check the invariants over the whole run."""
    third = len(findings.held) // 3
    for what in grown(most(findings.held[:third]), most(findings.held[-third:])):
        findings.add("not flat", what)
    for told, count in log_lines(log).items():
        if count > LINES_OF_A_SORT:
            findings.add("log", f"{count} lines: {told}")
        if "Traceback" in told:
            findings.add("log", "a traceback")


def report(findings: Findings, log: str, aws: Aws) -> None:
    """Print the findings."""
    third = len(findings.held) // 3
    first, last = most(findings.held[:third]), most(findings.held[-third:])
    took = sorted(findings.took)
    print("\n| what | figure |\n| --- | --- |")
    print(f"| scrapes | {len(took)}, the slowest {took[-1]:.2f} s, median {took[len(took) // 2]:.2f} s |")
    print(f"| too late, with the machine overloaded: not judged | {findings.excused} |")
    for target in ACCOUNTS:
        print(
            f"| {target} | {findings.compared[target]} comparisons, {findings.unequal[target]} unequal, "
            f"{aws.calls(ACCOUNTS[target][0]):,} calls answered |"
        )
    print(f"| series compared | {findings.series:,} |")
    print(f"| calls refused for the date of their signature | {aws.refused():,} |")
    print(f"| memory, first third / last third | {first.memory / MIB:.0f} / {last.memory / MIB:.0f} MiB |")
    print(f"| threads, first third / last third | {first.threads} / {last.threads} |")
    print(f"| descriptors, first third / last third | {first.descriptors} / {last.descriptors} |")
    print(f"| lines in the log | {sum(log_lines(log).values())} |")
    for told, count in log_lines(log).most_common(40):
        print(f"{count:6} {told}")
    print()
    for sort, what in findings.wrong.items():
        print(f"WRONG {sort}: {len(what)} times")
    print("FAILED" if findings.wrong else "PASSED", flush=True)


def main(the_plan: Plan) -> int:
    """Run the soak test and print the result."""
    accounts = dict(ACCOUNTS.values())
    with tempfile.TemporaryDirectory() as folder:
        clock, log = Faketime(Path(folder)), Path(folder, "log")
        clock.check()
        with simulated(accounts) as aws:
            findings = soaked(the_plan, aws, clock, log)
            told = log.read_text()
            judge(findings, told)
            report(findings, told, aws)
    return 1 if findings.wrong else 0


def soaked(the_plan: Plan, aws: Aws, clock: Faketime, log: Path) -> Findings:
    """Start the exporter, run the soak, and stop it again."""
    for turn in at(the_plan, 0):
        aws.break_account(ACCOUNTS[turn.target][0], [FAULTS[turn.fault][0]])
    accounts = [account_id for account_id, _ in ACCOUNTS.values()]
    with (
        log.open("wb") as file,
        exporter(
            aws.endpoint_url,
            accounts=accounts,
            requests_per_second=REQUESTS_PER_SECOND,
            idle_refresh="0s",
            module=MODULE,
            environment=clock.environment,
            log=file,
        ) as running,
    ):
        running.first_answer()
        soak = Soak(the_plan, aws, clock, running)
        soak.run()
        stop(running, soak.findings)
    return soak.findings


if __name__ == "__main__":
    try:
        sys.exit(main(plan(float(sys.argv[1]))))
    except NoFaketimeError as error:
        sys.exit(f"soak: {error}")

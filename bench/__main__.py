"""Runs all benchmarks and prints a table: `make bench`.

Each figure is measured in a separate process. The exporter, the naive implementation and the theoretical
minimum process the same jobs. Nothing is asserted; docs/performance.md explains the figures.
"""

import json
import platform
import subprocess
import sys
from functools import partial
from typing import NamedTuple

MIB = 2**20

_WHEN = ("before", "meanwhile", "after")

Figures = dict[str, float]


class Row(NamedTuple):
    """One line of the table."""

    work: str
    figure: str


def measure(case: str, *arguments: float | str) -> Figures:
    """Run one case and read its results."""
    command = [sys.executable, "-m", f"bench.{case}", *map(str, arguments)]
    results: Figures = json.loads(
        subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    )
    return results


def writing(finished: int) -> list[Row]:
    """Write one gzip scrape: ours, prometheus-client's collector on the same jobs, and the floor."""
    ours, client, floor = (measure("write", way, finished) for way in ("ours", "client", "floor"))
    cpu, other, least = ours["cpu_seconds"], client["cpu_seconds"], floor["cpu_seconds"]
    jobs = f"{finished:,} finished + 100 active"
    return [
        Row(f"writing, {jobs}", f"{cpu * 1e3:.2f} ms CPU, {ours['bytes'] / MIB:.1f} MiB gzip"),
        Row("  prometheus-client's collector", f"{other * 1e3:.0f} ms CPU: ours is 1/{other / cpu:.0f}"),
        Row("  the floor", f"{least * 1e3:.2f} ms CPU: ours is {cpu / least:.1f} times"),
        Row("  peak memory, ours / collector", f"{_mib(ours, 'peak_bytes')} / {_mib(client, 'peak_bytes')}"),
    ]


def asking() -> list[Row]:
    """Query AWS for active jobs."""
    ours, literal = (measure("ask", way, 1000, 100, 10) for way in ("ours", "literal"))
    cpu, other = ours["cpu_seconds"], literal["cpu_seconds"]
    few = measure("ask", "ours", 10_000, 50, 50)
    many = measure("ask", "ours", 1000, 5000, 10)
    return [
        Row("asking, 100 active", f"{cpu * 1e3:.1f} ms CPU, {ours['calls']:.0f} calls"),
        Row("  describing each", f"{other * 1e3:.0f} ms CPU, 100 calls: ours is 1/{other / cpu:.1f}"),
        Row("asking, 10,000 known, 50 active, 50 calls/s", f"{few['calls']:.0f} calls (literal: 10,010)"),
        Row("asking, 5,000 active", f"{many['calls']:.0f} calls, {many['cpu_seconds'] * 1e3:.0f} ms CPU"),
    ]


def running() -> list[Row]:
    """Run the exporter as a process and scrape it."""
    start, hasty = measure("start", 100_000, 10), measure("start", 100_000, 50)
    without = measure("start", 100_000, 50, "none")
    complete, allowed = start["complete_seconds"], start["allowed_seconds"]
    steady = measure("steady", 1000, 1000, 0.08, 60, 5)
    churn = measure("churn", 10_000)
    few, all_overdue = (measure("status", 5000, 20, overdue) for overdue in (300, 5000))
    series = measure("series", 1500)
    return [
        Row("start, 100,000 jobs in the window", f"first answer after {start['first_answer_seconds']:.2f} s"),
        Row("  with 50 calls/s", f"first answer after {hasty['first_answer_seconds']:.2f} s"),
        Row("  until all jobs are read", f"{complete:.1f} s, {start['calls']:.0f} calls"),
        Row("  quota and paging allow", f"{allowed:.1f} s: ours is {complete / allowed:.1f} times"),
        Row("  memory then, after five whole scrapes", _mib(start, "resident_bytes")),
        *(
            Row(
                f"  with 50 calls/s and finished_jobs: {name}",
                f"{_mib(figures, 'resident_bytes')}, {figures['start_cpu_seconds']:.1f} s CPU until then, "
                f"a scrape {figures['scrape_cpu_seconds'] * 1e3:.0f} ms CPU, "
                f"{figures['scrape_bytes'] / MIB:.1f} MiB of text",
            )
            for name, figures in (("all", hasty), ("none", without))
        ),
        Row(
            "AWS at 80 ms with its quotas, 1,000 active",
            f"p50 {steady['p50_seconds']:.2f} s, p99 {steady['p99_seconds']:.2f} s",
        ),
        Row("  calls a scrape", f"{steady['calls_per_scrape']:.1f}"),
        Row("  throttled after the first minute", f"{steady['throttled_afterwards']:.0f}"),
        Row(
            "status page, 5,000 resources, 20 scopes",
            f"{few['cpu_seconds'] * 1e3:.0f} ms CPU, {few['bytes'] / 1024:.0f} KiB",
        ),
        Row("  with all 5,000 overdue", f"{all_overdue['cpu_seconds'] * 1e3:.0f} ms CPU"),
        Row(
            "series, 500 resources, 1,500 jobs a day",
            f"{series['of_jobs']:,.0f} of jobs, {series['of_resources']:,.0f} of resources, "
            f"{series['total']:,.0f} in all",
        ),
        Row(
            f"{churn['scrapes']:,.0f} scrapes, jobs created and expiring",
            f"{_mib(churn, 'resident_at_a_third')} at a third, {_mib(churn, 'resident_at_the_end')} at last",
        ),
    ]


def many_scopes() -> list[Row]:
    """Write the series of a thousand accounts in two Regions."""
    scopes = measure("scopes", 1000, 0)
    unchanged, changed, refreshed = (
        f"{scopes[f'cpu_seconds_{what}'] * 1e3:.0f} ms CPU"
        for what in ("unchanged", "some_changed", "all_refreshed")
    )
    return [
        Row("writing, 2,000 scopes without jobs, unchanged", unchanged),
        Row("  2 percent have a new finished job", changed),
        Row("  all refreshed, no news", refreshed),
        Row(
            "  one of them",
            f"{scopes['idle_bytes_per_scope'] / 1024:.0f} KiB, "
            f"{scopes['make_cpu_seconds_per_scope'] * 1e3:.2f} ms CPU to create",
        ),
    ]


def many_accounts() -> list[Row]:
    """Monitor many accounts with one exporter."""
    many = measure("targets", 200, 10)
    return [
        Row(
            "start, 200 accounts with 10 jobs each",
            f"all read after {many['complete_seconds']:.0f} s, {many['start_calls']:,.0f} calls",
        ),
        Row("  CPU of the start", f"{many['start_cpu_seconds']:.1f} s"),
        Row("  a scrape then", f"{many['scrape_cpu_seconds']:.2f} s CPU, {many['scrape_calls']:.0f} calls"),
        Row("  memory then", _mib(many, "resident_bytes")),
    ]


def idle_accounts() -> list[Row]:
    """Scrape many accounts, few of which have an active job."""
    always, idle = measure("idle", 1000, 20, 0), measure("idle", 1000, 20, 60)
    return [
        Row(
            f"a scrape of 1,000 accounts, 20 active, {name}",
            f"{figures['refresh_cpu_seconds']:.2f} s CPU, {figures['calls_per_scrape']:,.0f} calls",
        )
        for name, figures in (("idle_refresh: 0s", always), ("the default", idle))
    ]


def many_roles() -> list[Row]:
    """Start with many roles, and an AWS that responds immediately."""
    start = measure("crowded", 500, 30)
    renewing = measure("crowded", 500, 30, 20)
    return [
        Row(
            "start, 500 roles in 2 Regions, AWS answers at once",
            f"/-/healthy p50 {start['health_p50_seconds'] * 1e3:.0f} ms, "
            f"p99 {start['health_p99_seconds'] * 1e3:.0f} ms, at most {start['health_max_seconds']:.2f} s",
        ),
        Row("  a scrape with a time-out of 10 s", f"at most {start['scrape_max_seconds']:.1f} s"),
        Row(
            "  in the first 30 s",
            f"{start['cpu_seconds']:.0f} s CPU, {start['lists']:,.0f} calls, {start['threads']:.0f} threads",
        ),
        Row("  memory then", _mib(start, "resident_bytes")),
        Row(
            "  while each role is renewed every 15 s",
            f"/-/healthy at most {renewing['health_max_seconds']:.2f} s, "
            f"a scrape at most {renewing['scrape_max_seconds']:.1f} s",
        ),
    ]


def many_clients() -> list[Row]:
    """Scrape for a minute with 500 slow and 2,000 idle clients."""
    door = measure("door", 10_000, 60)
    return [
        Row("500 slow and 2,000 idle clients, 10,000 jobs", f"p99 {door['p99_seconds']:.2f} s"),
        Row("  without them", f"p99 {door['calm_p99_seconds']:.2f} s"),
        Row("  /-/healthy", f"p99 {door['health_p99_seconds']:.2f} s"),
        Row(
            "  memory before, meanwhile, after",
            ", ".join(_mib(door, f"resident_memory_bytes_{when}") for when in _WHEN),
        ),
        Row(
            "  open files before, meanwhile, after",
            ", ".join(f"{door[f'open_fds_{when}']:,.0f}" for when in _WHEN),
        ),
    ]


def alert_rules() -> list[Row]:
    """Evaluate the alert rules with a real Prometheus."""
    rules = measure("rules", 20_000, 3_500)
    return [
        Row("all alert rules, 20,000 jobs, 3,500 resources", f"{rules['cpu_seconds_of_all']:.2f} s CPU"),
        Row("  at their intervals", f"{rules['cpu_seconds_per_minute']:.2f} s CPU per minute"),
    ]


def _mib(figures: Figures, name: str) -> str:
    return f"{figures[name] / MIB:.0f} MiB"


def main() -> None:
    """Measure everything and print the table."""
    print(f"Python {platform.python_version()} on {platform.machine()}\n\n| work | figure |\n| --- | --- |")
    for part in (
        partial(writing, 10_000),
        partial(writing, 100_000),
        asking,
        running,
        many_scopes,
        many_accounts,
        idle_accounts,
        many_roles,
        many_clients,
        alert_rules,
    ):
        for row in part():
            print(f"| {row.work} | {row.figure} |", flush=True)


if __name__ == "__main__":
    main()

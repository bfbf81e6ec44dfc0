from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.e2e.fork_server import ForkServer, fork_server
from tests.support.harness import Bench, bench

SLOW = (
    *("compose", "doctor", "e2e", "faults", "missed"),
    *("aws/test_parsing.py", "command/test_demo.py", "config/web/test_document.py"),
    *("exposition/test_exposition_sequences.py", "exposition/test_golden.py", "exposition/test_gzip.py"),
    *("exposition/test_many_scopes.py", "exposition/test_parsed_back.py"),
    *(
        "model/schedule/test_reference.py",
        "rules/test_intervals.py",
        "rules/test_programs.py",
        "runtime/test_memory.py",
    ),
    *("simulator/test_company.py", "simulator/test_company_copies_and_restores.py"),
    *("simulator/test_company_protection.py", "web/test_status_document.py"),
)
"""Folders and files with tests that run another program or process, wait, or take seconds."""
SLOW_FIXTURES = {"browser", "forks", "scene"}

# Examples may take their time: a busy machine fails no test.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture
def aws() -> Iterator[Bench]:
    """A simulated AWS with one empty account, and a clock that moves when told."""
    with bench() as made:
        yield made


@pytest.fixture(scope="session")
def forks() -> Iterator[ForkServer]:
    """A process that forks exporters."""
    with fork_server() as server:
        yield server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the slow tests and put them first, so that no worker is left alone with a long file at the end."""
    for item in items:
        if _is_slow(item):
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def _is_slow(item: pytest.Item) -> bool:
    path = item.path.relative_to(Path(__file__).parent)
    fixtures: Sequence[str] = getattr(item, "fixturenames", ())
    return any(path.is_relative_to(slow) for slow in SLOW) or not SLOW_FIXTURES.isdisjoint(fixtures)

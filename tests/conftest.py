from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.e2e.fork_server import ForkServer, fork_server
from tests.support.harness import Bench, bench

SLOW = (
    *("compose", "deploy", "doctor", "e2e", "faults", "missed"),
    *("aws/test_parsing.py", "command/test_demo.py"),
    *("docs/test_command_files.py", "iam/test_template_linter.py"),
    *("config/test_any_text.py", "config/web/test_any_text.py", "config/web/test_document.py"),
    *("exposition/test_exposition_sequences.py", "exposition/test_golden.py", "exposition/test_gzip.py"),
    *("assembly/test_organization.py", "exposition/test_many_scopes.py"),
    *("exposition/test_parsed_back.py", "ledger/test_memory.py", "model/schedule/test_reference.py"),
    *("rules/test_intervals.py", "rules/test_programs.py", "runtime/test_memory.py"),
    *("simulator/test_company.py", "simulator/test_company_copies_and_restores.py"),
    *("simulator/test_company_days.py", "simulator/test_company_protection.py"),
    *("web/test_server_slow.py", "web/test_status_document.py"),
)
"""Folders and files with tests that run another program or process, wait, or take seconds."""
_SLOW_PATHS = {Path(__file__).parent / slow for slow in SLOW}
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


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of `make test-fast`."""
    parser.addoption("--fast", action="store_true", help="skip the slow tests and do not import their files")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Ignore the slow files with `--fast`."""
    return True if config.getoption("fast") and _is_slow_path(collection_path) else None


def pytest_collection_modifyitems(items: list[pytest.Item], config: pytest.Config) -> None:
    """Put the slow tests first, so that no worker is left alone with a long file at the end."""
    if config.getoption("fast"):
        skipped = [item for item in items if _is_slow(item)]
        config.hook.pytest_deselected(items=skipped)
        items[:] = [item for item in items if not _is_slow(item)]
    items.sort(key=lambda item: not _is_slow(item))


def _is_slow(item: pytest.Item) -> bool:
    fixtures: Sequence[str] = getattr(item, "fixturenames", ())
    marked = item.get_closest_marker("slow") is not None
    return marked or _is_slow_path(item.path) or not SLOW_FIXTURES.isdisjoint(fixtures)


@cache
def _is_slow_path(path: Path) -> bool:
    return not _SLOW_PATHS.isdisjoint((path, *path.parents))

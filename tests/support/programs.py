"""Programs from outside that some tests need: found, or the reason why a test skips."""

import os
import shutil
import sys
from pathlib import Path

import pytest


def require(program: str) -> str:
    """Give the path of a program; without it the test skips, or fails where REQUIRE_ALL=1 is set."""
    path = shutil.which(program)
    if path is not None:
        return path
    reason = f"{program} is not installed"
    if os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(f"{reason}, and REQUIRE_ALL=1 lets no test skip", pytrace=False)
    pytest.skip(reason)


def require_installed(program: str) -> str:
    """Give the path of a program that a package in requirements/dev.txt contains, or one of the system."""
    beside_python = Path(sys.executable).parent / program
    return str(beside_python) if beside_python.exists() else require(program)


def require_built(program: str) -> str:
    """Give the path of a program that .ci/run builds if Go is installed; without it the test skips.

    Where REQUIRE_ALL=1 is set and Go is installed, the test fails.
    """
    if shutil.which(program) is None and shutil.which("go") is None:
        pytest.skip(f"{program} is not installed; .ci/run builds it if Go is installed")
    return require(program)


def require_folder(variable: str) -> Path:
    """Give the folder that an environment variable names, as set by .ci/run; without it the test skips."""
    folder = os.environ.get(variable)
    if folder:
        return Path(folder)
    reason = f"{variable} names no folder; .ci/run sets it if Go is installed"
    if os.environ.get("REQUIRE_ALL") == "1" and shutil.which("go"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


PROMETHEUS_VERSIONS = ("2", "3")
PROMETHEUS_3 = "PROMETHEUS_3"
"""Names the folder in which the programs of Prometheus 3 are."""


def find_prometheus(program: str, version: str) -> str | None:
    """Find a program of Prometheus 2, as the system has it, or of Prometheus 3."""
    if version == "2":
        return shutil.which(program)
    folder = os.environ.get(PROMETHEUS_3)
    return str(Path(folder, program)) if folder else None


def require_prometheus(program: str, version: str) -> str:
    """Give the path of a program of Prometheus 2 or 3; without it the test skips."""
    found = find_prometheus(program, version)
    if found:
        return found
    if version == "2":
        return require(program)
    pytest.skip(f"{PROMETHEUS_3} names no folder with the programs of Prometheus 3")

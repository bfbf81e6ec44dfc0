"""Programs from outside that some tests need: found, or the reason why a test skips."""

import os
import shutil

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

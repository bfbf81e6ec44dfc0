"""`--config.check` on bad files tells all that is wrong with each, and ends with 2."""

import shutil
from pathlib import Path

import pytest

from tests.config.test_bad_files import BAD, EXPECTED
from tests.e2e.conftest import Run

EVERY_FOURTH = list(EXPECTED)[::4]  # all of them pass through the same door; tests/config has the rest


@pytest.mark.parametrize("name", EVERY_FOURTH)
def test_a_bad_file_is_refused(run: Run, tmp_path: Path, name: str) -> None:
    """The command prints each problem with its file, line, column, key and remedy, and nothing else."""
    path = tmp_path / name
    shutil.copy(BAD / name, path)
    checked = run("--config.file", str(path), "--config.check")
    assert checked.wait() == 2
    assert checked.out == ""
    assert checked.err.splitlines() == [f"{tmp_path}/{line}" for line in EXPECTED[name]]

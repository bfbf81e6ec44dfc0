"""The systemd unit, as systemd reads it."""

import re
import subprocess
from pathlib import Path

from tests.docs.markdown import ROOT
from tests.support.programs import require

UNIT = ROOT / "deploy/systemd/aws-backup-exporter.service"
MAX_EXPOSURE = 1.5


def test_unit_is_valid(tmp_path: Path) -> None:
    """Systemd finds no error in the unit, besides the program, which is not installed here."""
    program = tmp_path / "aws-backup-exporter"
    program.touch(mode=0o755)
    text = UNIT.read_text().replace("/opt/aws-backup-exporter/bin/aws-backup-exporter", str(program))
    copy = tmp_path / UNIT.name
    copy.write_text(text)
    answer = subprocess.run(
        [require("systemd-analyze"), "verify", "--man=no", copy], capture_output=True, text=True, check=False
    )
    assert (answer.returncode, answer.stderr) == (0, "")


def test_unit_is_hardened() -> None:
    """Its exposure, from 0 to 10, is low."""
    command = [require("systemd-analyze"), "security", "--offline=true", "--no-pager", str(UNIT)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    exposure = re.search(r"Overall exposure level for \S+: ([0-9.]+)", answer.stdout)
    assert exposure, answer.stderr
    assert float(exposure[1]) <= MAX_EXPOSURE

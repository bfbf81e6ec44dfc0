"""The manual page and the shell completions, in the programs that read them."""

import re
import subprocess
from pathlib import Path

import pytest

from exporter.command.arguments import make_parser
from tests.docs.markdown import ROOT
from tests.support.programs import require
from tools.command_files import DATA, manual_page

BASH = ROOT / DATA / "bash-completion/completions/aws-backup-exporter"
OPTIONS = [action.option_strings[-1] for action in make_parser()._actions if action.option_strings]


def complete(*words: str, directory: Path = ROOT) -> list[str]:
    """Complete the last word as bash does."""
    script = 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _shtab_aws_backup_exporter; '
    command = [require("bash"), "-c", script + 'printf "%s\\n" "${COMPREPLY[@]}"', str(BASH)]
    answer = subprocess.run(
        [*command, "aws-backup-exporter", *words], cwd=directory, capture_output=True, text=True, check=False
    )
    assert answer.stderr == ""
    return answer.stdout.split()


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (["--log."], ["--log.level", "--log.format"]),
        (["--log.level", ""], ["debug", "info", "warning", "error"]),
        (["doc"], ["doctor"]),
        (["--once", "--js"], ["--json"]),
    ],
)
def test_bash_completes(words: list[str], completed: list[str]) -> None:
    """Bash completes options, their values and commands."""
    assert complete(*words) == completed


def test_bash_completes_files(tmp_path: Path) -> None:
    """Bash completes file names after the options that take a file."""
    (tmp_path / "config.yaml").touch()
    assert complete("--config.file", "con", directory=tmp_path) == ["config.yaml"]


def test_manual_page() -> None:
    """The manual page has no errors of format, and lists each option once, in the order of the help."""
    page = subprocess.run(
        [require("man"), "--warnings", "--encoding=ascii", "--local-file", "-"],
        input=manual_page(make_parser()),
        env={"PATH": "/usr/bin:/bin", "MANWIDTH": "100", "LANG": "C.UTF-8", "MAN_KEEP_FORMATTING": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert page.stderr == ""
    found = re.findall(r"^ {7}(?:-h, )?(--[a-z.-]+)", page.stdout, re.MULTILINE)
    assert found == OPTIONS

"""What an operator reads about each bad file of a folder: `expected.txt` there holds every line."""

from collections import defaultdict
from pathlib import Path


def expected_in(folder: Path) -> dict[str, list[str]]:
    """Give the lines of expected.txt by the file that they are about; those with a # are comments."""
    problems = defaultdict(list)
    for line in (folder / "expected.txt").read_text().splitlines():
        if not line.startswith("#"):
            problems[line.partition(":")[0]].append(line)
    return problems

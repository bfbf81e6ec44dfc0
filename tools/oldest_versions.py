"""Prints the oldest version of each dependency that pyproject.toml allows, as constraints for pip."""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_LOWER_BOUND = re.compile(r"([A-Za-z0-9_.-]+)>=([0-9.]+)(,.*)?")


def constraints(pyproject: Path) -> Iterator[str]:
    """Yield a line such as `PyYAML==6.0.3` for each dependency of the exporter and its demo.

    Raises:
        ValueError: a dependency has no lower bound.
    """
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    for requirement in (*project["dependencies"], *project["optional-dependencies"]["demo"]):
        match = _LOWER_BOUND.fullmatch(requirement)
        if match is None:
            raise ValueError(f"{requirement}: no lower bound; write NAME>=VERSION")
        yield f"{match[1]}=={match[2]}"


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in constraints(ROOT / "pyproject.toml"))

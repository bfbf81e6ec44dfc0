"""The Dockerfile: what hadolint says of it, and what ends up in the image."""

import re
import subprocess
import tomllib
from pathlib import Path

from tests.support.programs import require_installed

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_hadolint_finds_nothing() -> None:
    """Hadolint finds nothing in the Dockerfile, which ignores none of its rules."""
    hadolint = require_installed("hadolint")
    answer = subprocess.run(
        [hadolint, "--no-color", "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert answer.stdout == ""
    assert answer.returncode == 0
    assert "hadolint ignore" not in DOCKERFILE


def test_image_begins_empty() -> None:
    """The images contain only what is copied into them: no shell, no package manager."""
    stages = {name: origin for origin, name in re.findall(r"^FROM (\S+) AS (\S+)$", DOCKERFILE, re.MULTILINE)}

    assert stages["base"] == "scratch"
    assert stages["exporter"] == stages["demo"] == "base"


def test_base_image_can_be_pinned() -> None:
    """A build argument names the only image that the build starts from, so a release can pass a digest."""
    arguments = dict(re.findall(r"^ARG (\w+)=(\S+)$", DOCKERFILE, re.MULTILINE))
    origins = set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE))
    names = set(re.findall(r"^FROM \S+ AS (\S+)$", DOCKERFILE, re.MULTILINE))

    assert origins - names == {"${PYTHON_IMAGE}", "scratch"}
    assert re.fullmatch(r"python:3\.\d+-slim", arguments["PYTHON_IMAGE"])


def test_the_build_has_what_the_wheel_contains() -> None:
    """The build copies the package and the data files of the wheel, and the context contains them."""
    flit = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["flit"]
    needed = {flit["module"]["name"], flit["external-data"]["directory"]}
    context = set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE))

    assert needed <= set(re.findall(r"^COPY (\S+) \S+$", DOCKERFILE, re.MULTILINE))
    assert needed <= context

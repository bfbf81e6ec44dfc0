"""The software bill of materials of a release."""

import re
import tomllib
import venv
from importlib import metadata
from pathlib import Path

import pytest

import exporter
from tools.sbom import NAME, ROOT, bill_of_materials

DEPENDENCIES = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
LOCKED = re.findall(
    r"^([\w.-]+)==([\w.]+)", (ROOT / "requirements/runtime.txt").read_text(encoding="utf-8"), re.MULTILINE
)


def normal(name: str) -> str:
    """Give the normal form of the name of a package."""
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """The Python of an environment in which only the exporter and its locked dependencies are installed."""
    venv.create(tmp_path)
    [packages] = tmp_path.glob("lib/python*/site-packages")
    for name in (NAME, *(name for name, _ in LOCKED)):
        [installed] = (file for file in metadata.files(name) or () if file.name == "METADATA")
        source = Path(str(installed.locate())).parent
        (packages / source.name).symlink_to(source)
    return tmp_path / "bin" / "python"


@pytest.mark.slow
def test_bill_lists_what_the_exporter_needs(environment: Path) -> None:
    """The bill names the exporter, its version and license, its dependencies, and all that is locked."""
    bill = bill_of_materials(environment)
    subject = bill["metadata"]["component"]
    [needed] = (row["dependsOn"] for row in bill["dependencies"] if row["ref"] == subject["bom-ref"])
    direct = {normal(re.split(r"[<>=\[]", requirement)[0]) for requirement in DEPENDENCIES}

    assert (subject["name"], subject["version"]) == (NAME, exporter.__version__)
    assert subject["licenses"][0]["license"]["id"] == "Apache-2.0"
    assert {normal(ref.partition("==")[0]) for ref in needed} == direct
    assert {(normal(row["name"]), row["version"]) for row in bill["components"]} == {
        (normal(name), version) for name, version in LOCKED
    }

"""The wheel and the source distribution."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from exporter import __version__
from tests.docs.markdown import ROOT
from tools import oldest_versions
from tools.command_files import files

_BUILD = (
    "import sys; from flit_core import buildapi as b; b.build_wheel(sys.argv[1]); b.build_sdist(sys.argv[1])"
)


def build(directory: Path, umask: int) -> dict[str, Path]:
    """Build both from a new copy of the sources; returns them by suffix."""
    sources, out = directory / "sources", directory / "dist"
    out.mkdir(parents=True)
    for name in ("exporter", "deploy"):
        shutil.copytree(ROOT / name, sources / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copyfile(ROOT / name, sources / name)
    environment = os.environ | {"SOURCE_DATE_EPOCH": "1764230400"}
    command = [sys.executable, "-c", _BUILD, str(out)]
    subprocess.run(command, cwd=sources, env=environment, umask=umask, check=True, capture_output=True)
    return {path.suffix: path for path in out.iterdir()}


def test_builds_are_reproducible(tmp_path: Path) -> None:
    """Two builds, at different times and places, are the same bytes."""
    first, second = build(tmp_path / "a", 0o022), build(tmp_path / "b" / "c", 0o077)
    assert first.keys() == {".whl", ".gz"}
    for suffix in first:
        digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in (first[suffix], second[suffix])}
        assert len(digests) == 1


def test_wheel_has_all_files(tmp_path: Path) -> None:
    """The wheel has each file of the package, and the manual page and the completions as data."""
    built = build(tmp_path, 0o022)
    with zipfile.ZipFile(built[".whl"]) as wheel:
        names = set(wheel.namelist())
    package = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "exporter").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert package <= names
    data = {name for name in names if ".data/" in name}
    prefix = f"aws_backup_exporter-{__version__}.data/data"
    assert data == {name.replace("deploy/data", prefix) for name in files()}
    with tarfile.open(built[".gz"]) as sdist:
        assert f"aws_backup_exporter-{__version__}/pyproject.toml" in sdist.getnames()


def test_oldest_versions(tmp_path: Path) -> None:
    """The oldest versions are the lower bounds of the exporter and of its demo."""
    project = tmp_path / "pyproject.toml"
    project.write_text(
        '[project]\ndependencies = ["a>=1.2", "b-c>=3,<4"]\noptional-dependencies.demo = ["d>=5.0.1"]\n'
    )
    assert list(oldest_versions.constraints(project)) == ["a==1.2", "b-c==3", "d==5.0.1"]
    project.write_text('[project]\ndependencies = ["a"]\noptional-dependencies.demo = []\n')
    with pytest.raises(ValueError, match="a: no lower bound; write NAME>=VERSION"):
        list(oldest_versions.constraints(project))

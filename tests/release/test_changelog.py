"""The check of the version and the changelog before a release, and the release notes."""

from pathlib import Path

import pytest

from tools import release

SOUND = """\
# Changelog

## [Unreleased]

## [0.2.0] - 2026-11-27

### Added

- A metric.

## [0.1.0] - 2026-10-01

### Fixed

- A fault.
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with version 0.2.0 and a sound changelog."""
    (tmp_path / "exporter").mkdir()
    (tmp_path / "exporter" / "__init__.py").write_text('"""Doc."""\n\n__version__ = "0.2.0"\n')
    (tmp_path / "CHANGELOG.md").write_text(SOUND)
    return tmp_path


def change(repository: Path, before: str, after: str) -> None:
    """Change the changelog."""
    path = repository / "CHANGELOG.md"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def test_own_changelog() -> None:
    """The changelog of the exporter is in the form of Keep a Changelog."""
    assert release.main(["check"]) == 0


def test_own_version() -> None:
    """The tool reads the version that the exporter has."""
    import exporter

    assert release.read_version((release.ROOT / "exporter/__init__.py").read_text()) == exporter.__version__


def test_sound(repository: Path) -> None:
    """The tag of the newest version can be released."""
    assert release.main(["check", "--tag", "v0.2.0"], repository) == 0


def test_notes(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The release notes are the section of the version."""
    assert release.main(["notes"], repository) == 0
    assert capsys.readouterr().out == "### Added\n\n- A metric.\n"


def test_wrong_tag(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A tag that is not the version of the exporter is refused."""
    assert release.main(["check", "--tag", "v0.3.0"], repository) == 1
    assert capsys.readouterr().err == (
        "the tag is v0.3.0, but exporter/__init__.py has version 0.2.0; tag v0.2.0 or change the version\n"
    )


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (
            "[0.2.0] - 2026-11-27",
            "[0.1.9] - 2026-11-27",
            "CHANGELOG.md: version 0.2.0 has no section; rename [Unreleased] to [0.2.0] - YYYY-MM-DD",
        ),
        (
            "## [Unreleased]\n",
            "## [Unreleased]\n\n### Added\n\n- More.\n",
            "CHANGELOG.md: [Unreleased] is not empty; move its entries to [0.2.0]",
        ),
    ],
)
def test_not_ready(
    repository: Path, capsys: pytest.CaptureFixture[str], before: str, after: str, message: str
) -> None:
    """A version is released only with its section, and with nothing left unreleased."""
    change(repository, before, after)

    assert release.main(["check", "--tag", "v0.2.0"], repository) == 1
    assert capsys.readouterr().err == f"{message}\n"


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("- 2026-11-27", "", "[0.2.0] : write [Unreleased] or [1.2.3] - YYYY-MM-DD"),
        ("] - 2026-11-27", "]", "[0.2.0]: a version needs a date, and [Unreleased] has none"),
        ("2026-11-27", "2026-11-31", "[0.2.0] - 2026-11-31: 2026-11-31 is not a date"),
        ("[0.2.0]", "0.2.0", "0.2.0 - 2026-11-27: write [Unreleased] or [1.2.3] - YYYY-MM-DD"),
        (
            "### Added",
            "### Features",
            f"[0.2.0] - 2026-11-27: Features is not one of {', '.join(release.KINDS)}",
        ),
        ("- A metric.\n", "", "[0.2.0] - 2026-11-27: Added has no entries; remove it"),
        ("### Added\n\n- A metric.\n", "", "[0.2.0] - 2026-11-27: add what changed"),
        ("[0.1.0]", "[0.2.0]", "sort the sections, newest first, each version once"),
        ("[0.1.0]", "[0.10.0]", "sort the sections, newest first, each version once"),
        ("2026-10-01", "2026-12-01", "a version is older than the one below it; correct the dates"),
    ],
)
def test_bad_form(
    repository: Path, capsys: pytest.CaptureFixture[str], before: str, after: str, message: str
) -> None:
    """A deviation from the form is named with its place and the remedy."""
    change(repository, before, after)

    assert release.main(["check"], repository) == 1
    assert capsys.readouterr().err == f"CHANGELOG.md: {message}\n"

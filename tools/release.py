"""Checks that a version can be released, and prints its release notes. Needs only the standard library.

`python -m tools.release check` checks the form of CHANGELOG.md. With `--tag v1.2.3`, it also checks that this
is the version of the exporter, and that the changelog has a section for it. `python -m tools.release notes`
prints that section.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHANGELOG = "CHANGELOG.md"
UNRELEASED = "Unreleased"
KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")

_SECTION = re.compile(r"^## (.*)\n", re.MULTILINE)
_TITLE = re.compile(r"\[(?P<version>\d+\.\d+\.\d+|Unreleased)\](?: - (?P<date>\d{4}-\d{2}-\d{2}))?")
_VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the changelog.

    Attributes:
        title: the heading without `##`, such as `[1.2.3] - 2026-11-27`.
        body: the text below the heading.
    """

    title: str
    body: str

    @property
    def version(self) -> str:
        """The version, `Unreleased`, or the empty string if the title has another form."""
        found = _TITLE.fullmatch(self.title)
        return found["version"] if found else ""

    @property
    def date(self) -> str:
        """The date, or the empty string."""
        found = _TITLE.fullmatch(self.title)
        return (found["date"] or "") if found else ""


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Run a command."""
    parser = argparse.ArgumentParser(prog="python -m tools.release", description=__doc__)
    parser.add_argument("command", choices=("check", "notes"))
    parser.add_argument("--tag", help="the Git tag of the release, such as v1.2.3")
    options = parser.parse_args(arguments)
    sections = read_sections((root / CHANGELOG).read_text(encoding="utf-8"))
    version = read_version((root / "exporter" / "__init__.py").read_text(encoding="utf-8"))
    problems = [*form_problems(sections)]
    if options.tag is not None or options.command == "notes":
        problems += release_problems(sections, version, options.tag)
    for problem in problems:
        print(problem, file=sys.stderr)
    if options.command == "notes" and not problems:
        print(next(section.body for section in sections if section.version == version).strip())
    return int(bool(problems))


def read_version(module: str) -> str:
    """Return the version that a module declares."""
    found = _VERSION.search(module)
    if found is None:
        raise ValueError("exporter/__init__.py has no __version__")
    return found[1]


def read_sections(changelog: str) -> list[Section]:
    """Split a changelog at its headings of the second level."""
    _, *parts = _SECTION.split(changelog)
    return [Section(title, body) for title, body in zip(parts[::2], parts[1::2], strict=True)]


def form_problems(sections: Sequence[Section]) -> Iterator[str]:
    """Yield where a changelog is not in the form of Keep a Changelog."""
    for section in sections:
        yield from _section_problems(section)
    versions = [section.version for section in sections if section.version]
    if versions != sorted(versions, key=_order, reverse=True) or len({*versions}) < len(versions):
        yield f"{CHANGELOG}: sort the sections, newest first, each version once"
    dates = [section.date for section in sections if section.date]
    if dates != sorted(dates, reverse=True):
        yield f"{CHANGELOG}: a version is older than the one below it; correct the dates"


def release_problems(sections: Sequence[Section], version: str, tag: str | None) -> Iterator[str]:
    """Yield why a version cannot be released."""
    if tag is not None and tag != f"v{version}":
        remedy = f"tag v{version} or change the version"
        yield f"the tag is {tag}, but exporter/__init__.py has version {version}; {remedy}"
    if version not in {section.version for section in sections}:
        remedy = f"rename [{UNRELEASED}] to [{version}] - YYYY-MM-DD"
        yield f"{CHANGELOG}: version {version} has no section; {remedy}"
    if any(section.version == UNRELEASED and section.body.strip() for section in sections):
        yield f"{CHANGELOG}: [{UNRELEASED}] is not empty; move its entries to [{version}]"


def _section_problems(section: Section) -> Iterator[str]:
    place = f"{CHANGELOG}: {section.title}"
    if not section.version:
        yield f"{place}: write [{UNRELEASED}] or [1.2.3] - YYYY-MM-DD"
    elif (section.version == UNRELEASED) == bool(section.date):
        yield f"{place}: a version needs a date, and [{UNRELEASED}] has none"
    elif section.date and not _is_date(section.date):
        yield f"{place}: {section.date} is not a date"
    _, *parts = re.split(r"^### (.*)\n", section.body, flags=re.MULTILINE)
    for kind, entries in zip(parts[::2], parts[1::2], strict=True):
        if kind not in KINDS:
            yield f"{place}: {kind} is not one of {', '.join(KINDS)}"
        if not re.search(r"^- \S", entries, re.MULTILINE):
            yield f"{place}: {kind} has no entries; remove it"
    if section.version != UNRELEASED and not parts:
        yield f"{place}: add what changed"


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _order(version: str) -> tuple[int, ...]:
    return (sys.maxsize,) if version == UNRELEASED else tuple(map(int, version.split(".")))


if __name__ == "__main__":
    sys.exit(main())

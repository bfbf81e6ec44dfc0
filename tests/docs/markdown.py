"""What the tests read in a Markdown document."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    ROOT / "SECURITY.md",
    ROOT / "grafana" / "README.md",
    ROOT / "prometheus" / "README.md",
    ROOT / "deploy" / "helm" / "aws-backup-exporter" / "README.md",
    *sorted((ROOT / "docs").glob("**/*.md")),
)

_BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)|<(?:img|a) [^>]*(?:src|href)=\"([^\"]+)\"")


def document(name: str) -> str:
    """Read a document by its path from the root."""
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    """Give the code blocks in a language."""
    return [textwrap.dedent(body) for _, name, body in _BLOCK.findall(text) if name == language]


def marked_blocks(text: str, mark: str) -> list[str]:
    """Give the first code block after each `<!-- mark -->`."""
    return [
        textwrap.dedent(found[3])
        for part in text.split(f"<!-- {mark} -->")[1:]
        if (found := _BLOCK.search(part))
    ]


def links(text: str) -> Iterator[str]:
    """Give the links that stay in the repository."""
    for markdown, html in _LINK.findall(_BLOCK.sub("", text)):
        link = markdown or html
        if "://" not in link and not link.startswith("mailto:"):
            yield link


def anchors(text: str) -> set[str]:
    """Give what a link can point to: each heading as GitHub writes it in an address."""
    headings = re.findall(r"^#+ (.+)$", _BLOCK.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}

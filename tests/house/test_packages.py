"""The packages of the exporter: who imports what of whom."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "exporter").rglob("*.py"))
LIGHT = {
    "exporter.command"
}  # hands out nothing: `exporter.__main__` takes care of streams before all else is read


def name_of(path: Path) -> str:
    """Give the dotted name of a module or a package."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PACKAGES = {name_of(path) for path in MODULES if path.name == "__init__.py"} - {"exporter"}


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """Give the packages and modules that a module imports from, each with a name that it takes."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("exporter."):
            yield from ((node.module, alias.name) for alias in node.names)


def package_of(module: str) -> str:
    """Give the innermost package that a module is in, or that it is."""
    return max((name for name in PACKAGES if f"{module}.".startswith(f"{name}.")), key=len, default="")


def is_at_home(module: str, other: str) -> bool:
    """Whether a module is in the package of another, or in a part of that package."""
    return f"{module}.".startswith(f"{package_of(other)}.")


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_others_import_from_the_package(path: Path) -> None:
    """A module imports from other packages only what these hand out."""
    found = [
        f"{module}.{name}"
        for module, name in imports(path)
        if module not in PACKAGES and not is_at_home(name_of(path), module)
    ]
    assert [name for name in found if not name.startswith(tuple(f"{light}." for light in LIGHT))] == []


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_a_package_says_what_it_is_for(package: str) -> None:
    """Each package begins with a few sentences, and imports only to hand out."""
    tree = ast.parse((ROOT / package.replace(".", "/") / "__init__.py").read_text(encoding="utf-8"))
    text = ast.get_docstring(tree) or ""
    assert 1 <= text.count(".") <= 6
    assert all(isinstance(node, ast.Expr | ast.ImportFrom | ast.Assign) for node in tree.body)

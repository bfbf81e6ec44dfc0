"""The Terraform module: its syntax, its variables, and that it does what the CloudFormation template does."""

import re
from pathlib import Path
from typing import Any

import hcl2
import pytest

from tests.iam.cloudformation import load
from tools import iam_policies

AWS = Path(__file__).resolve().parents[2] / "deploy" / "aws"
FILES = {path.name: path.read_text(encoding="utf-8") for path in sorted((AWS / "terraform").glob("*.tf"))}
LISTS = {
    "account_actions": iam_policies.account_actions(),
    "inventory_actions": iam_policies.inventory_actions(),
    "organization_actions": iam_policies.accounts_actions(),
}


def parsed(name: str) -> dict[str, Any]:
    """Read a file of the module."""
    content: dict[str, Any] = hcl2.loads(FILES[name])
    return content


def unquoted(value: Any) -> Any:
    """Remove the quotes that the parser keeps around names and texts."""
    return value.strip('"') if isinstance(value, str) else value


def declared() -> dict[str, dict[str, Any]]:
    """Give the variables of the module by name."""
    blocks = parsed("variables.tf")["variable"]
    return {unquoted(name): body for block in blocks for name, body in block.items()}


@pytest.mark.parametrize("name", FILES)
def test_syntax(name: str) -> None:
    """Each file of the module can be parsed."""
    assert parsed(name)


@pytest.mark.parametrize("name", LISTS)
def test_actions(name: str) -> None:
    """The module allows the actions that the exporter needs, by name."""
    [content] = parsed("actions.tf")["locals"]

    assert [unquoted(action) for action in content[name]] == LISTS[name]
    assert f"local.{name}" in FILES["main.tf"]


def test_variables_are_declared_described_and_used() -> None:
    """Each variable has a type and a description, and the module uses each variable that it declares."""
    used = {name for text in FILES.values() for name in re.findall(r"\bvar\.(\w+)", text)}

    assert used == declared().keys()
    for body in declared().values():
        assert body["description"]
        assert body["type"]


def test_variables_are_the_parameters_of_the_template() -> None:
    """The module has the parameters of the CloudFormation template, and tags."""
    template = load((AWS / "cloudformation" / "exporter-role.yaml").read_text(encoding="utf-8"))
    names = {re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() for name in template["Parameters"]}

    assert declared().keys() == names | {"tags"}


def test_the_external_id_is_not_shown() -> None:
    """Terraform does not print the external ID."""
    assert declared()["external_id"]["sensitive"] is True

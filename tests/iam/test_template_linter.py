"""The CloudFormation templates, as CloudFormation's linter sees them."""

from pathlib import Path

import cfnlint
import pytest

TEMPLATES = sorted((Path(__file__).resolve().parents[2] / "deploy/aws/cloudformation").glob("*.yaml"))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_the_linter_finds_nothing(template: Path) -> None:
    """CloudFormation's linter finds nothing in a template."""
    found = cfnlint.lint(
        template.read_text(encoding="utf-8"), config=cfnlint.ManualArgs(regions=["us-east-1", "eu-west-1"])
    )

    assert found == []

"""What people wrote in the documents, held against what it speaks of."""

import json
import re
import tomllib
from itertools import chain
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import yaml

from exporter import config
from exporter.model.job_kinds import KINDS
from tests.docs.markdown import DOCUMENTS, ROOT, anchors, blocks, document, links, marked_blocks

COMPLETE = [
    block
    for name in ("docs/configuration.md", "docs/iam.md")
    for block in marked_blocks(document(name), "complete configuration")
]
POLICIES = [json.loads(block) for block in blocks(document("docs/iam.md"), "json")]


def actions(policy: Any) -> set[str]:
    """Give the actions that a policy names."""
    named = (statement["Action"] for statement in policy["Statement"])
    return set(chain.from_iterable([action] if isinstance(action, str) else action for action in named))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    """Every link within the repository leads to a file, and to a heading where it names one."""
    for link in links(path.read_text(encoding="utf-8")):
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        assert target.exists(), f"{link} leads nowhere"
        assert target.resolve().is_relative_to(ROOT), f"{link} leaves the repository"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target.read_text(encoding="utf-8")), f"{link} names no heading there"


@pytest.mark.parametrize("text", COMPLETE, ids=range(len(COMPLETE)))
def test_complete_configurations_load(text: str) -> None:
    """A block that is said to be a complete configuration is one."""
    assert config.load(text, "config.yaml").targets


def test_mistakes_are_answered_as_shown() -> None:
    """The example of a wrong configuration gets the answer that stands below it."""
    text = document("docs/configuration.md")
    wrong, *others = marked_blocks(text, "wrong configuration")

    with pytest.raises(config.ConfigError) as error:
        config.load(wrong, "config.yaml")

    assert not others
    assert f"{error.value}\n" in blocks(text, "text")


def test_example_file_shows_every_key() -> None:
    """config.example.yaml, which the document points to, loads and shows every key."""
    shown = yaml.safe_load(document("config.example.yaml"))

    config.load_file(ROOT / "config.example.yaml")

    assert shown.keys() == config.Config.model_fields.keys()
    assert shown["targets"][0].keys() == config.Target.model_fields.keys()
    for key, record in (
        ("discovery", config.Discovery),
        ("inventory", config.ResourceInventory),
        ("api", config.Api),
        ("limits", config.Limits),
    ):
        assert shown[key].keys() == record.model_fields.keys()


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy["Statement"][0]["Sid"])
def test_policies_name_actions_that_exist(policy: Any) -> None:
    """A policy names only operations that AWS has."""
    session = botocore.session.get_session()
    for service, operation in (action.split(":") for action in actions(policy) - {"sts:TagSession"}):
        assert operation in session.get_service_model(service).operation_names


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy["Statement"][0]["Sid"])
def test_policies_only_read(policy: Any) -> None:
    """No policy lets the exporter change anything."""
    assert all(
        re.fullmatch(
            r"backup:(List|Describe|Get)\w+|organizations:List\w+|sts:(AssumeRole|TagSession)", action
        )
        for action in actions(policy)
    )


def test_policy_is_enough_for_every_kind_of_job() -> None:
    """The first policy allows the operations of every kind of job."""
    asked = {operation for kind in KINDS for operation in (kind.list_operation, kind.describe_operation)}

    assert {f"backup:{operation}" for operation in asked} <= actions(POLICIES[0])


def test_dependencies_are_explained() -> None:
    """docs/dependencies.md has an entry for each dependency, and for nothing else."""
    project = tomllib.loads(document("pyproject.toml"))["project"]
    wanted = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
    names = [re.split(r"[<>=!~;\[ ]", requirement)[0] for requirement in wanted]

    assert sorted(re.findall(r"^### (.+)$", document("docs/dependencies.md"), re.MULTILINE)) == sorted(
        set(names)
    )


def test_make_targets_exist() -> None:
    """CONTRIBUTING.md names only commands that the Makefile has."""
    has = set(re.findall(r"^(\w+):", document("Makefile"), re.MULTILINE))

    assert set(re.findall(r"`make (\w+)", document("CONTRIBUTING.md"))) <= has


def test_packages_exist() -> None:
    """docs/architecture.md has a line for each package of the exporter, and for nothing else."""
    named = set(re.findall(r"`exporter/(\w+)(?:/|\.py)`", document("docs/architecture.md")))
    packages = {path.stem for path in (ROOT / "exporter").iterdir() if path.suffix == ".py" or path.is_dir()}

    assert named == packages - {"__init__", "__pycache__"}

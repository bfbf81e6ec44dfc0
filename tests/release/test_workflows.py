"""The GitHub workflows: valid, pinned, and with as few permissions as they need."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.programs import require, require_built, require_installed

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = {
    path.stem: path.read_text(encoding="utf-8") for path in (ROOT / ".github/workflows").glob("*.yml")
}
SCRIPTS = (
    ".ci/run",
    *("deploy/image/test", "deploy/image/test-build"),
    *("deploy/packages/build", "deploy/packages/test", "deploy/test-wheel"),
)
PINNED = re.compile(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def jobs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Give each job with the names of its workflow and of itself."""
    for workflow, text in WORKFLOWS.items():
        for name, job in yaml.safe_load(text)["jobs"].items():
            yield workflow, name, job


@pytest.mark.slow
def test_actionlint_finds_nothing() -> None:
    """Actionlint finds nothing in the workflows, nor shellcheck in their scripts."""
    require("shellcheck")
    answer = subprocess.run(
        [require_built("actionlint"), "-no-color"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert answer.stdout + answer.stderr == ""
    assert answer.returncode == 0


@pytest.mark.slow
def test_zizmor_finds_nothing() -> None:
    """Zizmor finds no security problem in the workflows and in the settings of Dependabot."""
    command = [require_installed("zizmor"), "--offline", "--no-progress", "--persona", "auditor", ".github"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert answer.returncode == 0, answer.stdout
    assert "No findings to report" in answer.stdout


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_shellcheck_finds_nothing(script: str) -> None:
    """Shellcheck finds nothing in the scripts that the workflows run."""
    answer = subprocess.run(
        [require("shellcheck"), script], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert answer.stdout == ""


def test_actions_are_pinned() -> None:
    """Each action of others is pinned to a commit, and names the version; an action has one version."""
    lines = [line.strip().removeprefix("- ") for text in WORKFLOWS.values() for line in text.splitlines()]
    uses = {line for line in lines if line.startswith("uses: ") and "uses: ./" not in line}

    assert uses
    assert [line for line in uses if not PINNED.fullmatch(line)] == []
    assert len({line.partition("@")[0] for line in uses}) == len(uses)


def test_only_the_release_writes() -> None:
    """Jobs that run for a pull request can only read; those that write run for a tag."""
    for workflow, name, job in jobs():
        writes = "write" in job.get("permissions", {}).values()
        only_for_tags = workflow == "release" or job.get("if") == "github.ref_type == 'tag'"
        assert only_for_tags or not writes, f"{workflow}: {name}"


def test_every_job_has_a_time_limit() -> None:
    """Each job ends after a time limit, unless it only calls a workflow."""
    assert [name for _, name, job in jobs() if "uses" not in job and "timeout-minutes" not in job] == []


def test_the_wheel_is_tested_on_the_supported_versions() -> None:
    """The wheel is tested on each version of Python that the package names, and on no other."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    named = set(re.findall(r"Programming Language :: Python :: (3\.\d+)", project))
    [wheel] = (job for _, name, job in jobs() if name == "wheel")

    assert set(wheel["strategy"]["matrix"]["python"]) == named


@pytest.mark.parametrize(
    ("workflow", "module"),
    [("chart", "helm.sh/helm/v3/cmd/helm"), ("release", "github.com/goreleaser/nfpm/v2/cmd/nfpm")],
)
def test_the_workflows_use_the_tools_of_the_tests(workflow: str, module: str) -> None:
    """A program that a workflow builds has the version that the tests use."""
    version = rf"{re.escape(module)}@(v[\d.]+)"
    [tested] = set(re.findall(version, (ROOT / ".ci" / "run").read_text(encoding="utf-8")))

    assert set(re.findall(version, WORKFLOWS[workflow])) == {tested}

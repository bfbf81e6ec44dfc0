"""What the Helm chart and the Kustomize base render to."""

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.docs.markdown import ROOT
from tests.support.programs import require_built

CHART = ROOT / "deploy" / "helm" / "aws-backup-exporter"
KUSTOMIZE = ROOT / "deploy" / "kustomize"
VALUE_SETS = sorted((CHART / "ci").glob("*-values.yaml"))
RELEASE, NAMESPACE, FULL_NAME = "test", "monitoring", "test-aws-backup-exporter"
OLDEST, NEWEST = "1.25", "1.37"  # versions of Kubernetes

Manifest = dict[str, Any]


class _UniqueKeyLoader(yaml.SafeLoader):
    """Refuses a mapping with a repeated key, as the API server of Kubernetes does."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"repeated key among {keys} at {node.start_mark}"
        return super().construct_mapping(node, deep)


def manifests(text: str) -> list[Manifest]:
    """Read the documents of a YAML text, without the empty ones."""
    documents = yaml.load_all(text, _UniqueKeyLoader)
    return [document for document in documents if document]


def helm(*arguments: str, values: Mapping[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
    """Run Helm; `values` are given on standard input, for `--values=-`."""
    command = [require_built("helm"), *arguments]
    given = json.dumps(values or {})
    return subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=60)


def template(*arguments: str, values: Mapping[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
    """Run `helm template` on the chart, with values from a set and others that replace them."""
    place = (RELEASE, str(CHART), f"--namespace={NAMESPACE}", f"--kube-version={NEWEST}")
    return helm("template", *place, *arguments, "--values=-", values=values)


def render(*arguments: str, values: Mapping[str, Any] | None = None) -> list[Manifest]:
    """Give the objects of the chart."""
    rendered = template(*arguments, values=values)
    assert rendered.returncode == 0, rendered.stderr
    return manifests(rendered.stdout)


@cache
def of_set(name: str) -> Sequence[Manifest]:
    """Give the objects of the chart with one of the sets of values in `ci/`."""
    return tuple(render(f"--values={CHART / 'ci' / name}-values.yaml"))


@cache
def built(folder: Path) -> Sequence[Manifest]:
    """Give the objects that Kustomize builds of a folder."""
    command = [require_built("kustomize"), "build", str(folder)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert answer.returncode == 0, answer.stderr
    return tuple(manifests(answer.stdout))


def of_kind(objects: Sequence[Manifest], kind: str) -> list[Manifest]:
    """Give the objects of a kind."""
    return [one for one in objects if one["kind"] == kind]


def only(objects: Sequence[Manifest], kind: str) -> Manifest:
    """Give the only object of a kind."""
    [found] = of_kind(objects, kind)
    return found


def pods(objects: Sequence[Manifest]) -> Iterator[tuple[Mapping[str, str], Manifest]]:
    """Give the labels and the spec of each pod."""
    for one in objects:
        if one["kind"] == "Deployment":
            one = one["spec"]["template"]
        elif one["kind"] != "Pod":
            continue
        yield one["metadata"]["labels"], one["spec"]


def container(objects: Sequence[Manifest]) -> Manifest:
    """Give the container of the exporter."""
    [found] = only(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    return dict(found)

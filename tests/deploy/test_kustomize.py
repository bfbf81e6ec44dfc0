"""The Kustomize base: plain manifests that run the exporter as the Helm chart does."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from exporter import __version__
from tests.deploy import schemas
from tests.deploy.rendering import (
    KUSTOMIZE,
    NEWEST,
    OLDEST,
    Manifest,
    built,
    container,
    of_set,
    only,
    pods,
)
from tests.docs.markdown import blocks, document

MANIFESTS = sorted(path for path in KUSTOMIZE.rglob("*.yaml") if path.stem not in ("kustomization", "config"))


def read(path: Path) -> Manifest:
    """Read a file with one object."""
    return dict(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_each_file_is_valid(path: Path, version: str) -> None:
    """Each file is one object that Kubernetes, or the operator, accepts as it is."""
    schemas.check(read(path), version)


def test_each_file_is_used() -> None:
    """Each file is a resource of the kustomization beside it, and each resource is a file."""
    used = {
        path.parent / name
        for path in KUSTOMIZE.rglob("kustomization.yaml")
        for name in read(path)["resources"]
    }
    assert used == set(MANIFESTS)


def test_the_version_is_that_of_the_exporter() -> None:
    """The image is that of the chart, with the version of the exporter."""
    [image] = read(KUSTOMIZE / "kustomization.yaml")["images"]
    deployment = read(KUSTOMIZE / "deployment.yaml")
    assert image == {"name": container([deployment])["image"], "newTag": __version__}
    assert container(of_set("default"))["image"] == f"{image['name']}:{__version__}"


def test_it_is_what_the_chart_runs() -> None:
    """Pod and container are those of the chart, except for image, Region and the names of the release."""
    [(_, base)] = pods([read(KUSTOMIZE / "deployment.yaml")])
    [(_, chart), _] = pods(of_set("default"))
    assert _without(base["containers"][0], "image") == _without(chart["containers"][0], "image", "env")
    varying = ("containers", "volumes", "serviceAccountName", "topologySpreadConstraints")
    assert _without(base, *varying) == _without(chart, *varying)
    assert [volume.keys() for volume in base["volumes"]] == [volume.keys() for volume in chart["volumes"]]


def _without(one: Manifest, *keys: str) -> Manifest:
    return {key: value for key, value in one.items() if key not in keys}


def test_kustomize_builds_the_base() -> None:
    """Kustomize builds the service account, the configuration, the service and the deployment, all valid."""
    objects = built(KUSTOMIZE)
    assert sorted(one["kind"] for one in objects) == ["ConfigMap", "Deployment", "Service", "ServiceAccount"]
    for one in objects:
        schemas.check(one, NEWEST)
    [volume] = only(objects, "Deployment")["spec"]["template"]["spec"]["volumes"]
    assert volume["configMap"]["name"] == only(objects, "ConfigMap")["metadata"]["name"]


@pytest.fixture
def overlay(tmp_path: Path) -> Sequence[Manifest]:
    """What the overlay in docs/kubernetes.md builds, on the base in this repository."""
    kustomization, config = blocks(document("docs/kubernetes.md"), "yaml")[-2:]
    base = Path(*[".."] * len(tmp_path.resolve().parts[1:]), *KUSTOMIZE.parts[1:])
    address = "https://github.com/aws-backup-exporter/aws-backup-exporter//deploy/kustomize"
    assert f"{address}?ref=v{__version__}" in kustomization
    for place in ("/service-monitor", ""):
        kustomization = kustomization.replace(f"{address}{place}?ref=v{__version__}", f"{base}{place}")
    (tmp_path / "kustomization.yaml").write_text(kustomization)
    (tmp_path / "config.yaml").write_text(config)
    return built(tmp_path)


def test_the_overlay_in_the_document_works(overlay: Sequence[Manifest]) -> None:
    """The overlay in the document builds: its configuration, its role and its monitor, in its namespace."""
    for one in overlay:
        assert one["metadata"]["namespace"] == "monitoring"
        schemas.check(one, NEWEST)
    assert "name: production" in only(overlay, "ConfigMap")["data"]["config.yaml"]
    assert "eks.amazonaws.com/role-arn" in only(overlay, "ServiceAccount")["metadata"]["annotations"]
    assert only(overlay, "ServiceMonitor")

"""Checks objects against the schemas of Kubernetes and of the Prometheus Operator."""

from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import yaml

from tests.deploy.rendering import Manifest
from tests.support.programs import require_folder

OPERATOR_GROUP = "monitoring.coreos.com"
OPERATOR_CRDS = "PROMETHEUS_OPERATOR_CRDS"
"""Names the folder with the custom resource definitions of the Prometheus Operator."""


def check(manifest: Manifest, version: str) -> None:
    """Raise ValidationError unless this version of Kubernetes, or the operator, accepts the object."""
    if manifest["apiVersion"].startswith(OPERATOR_GROUP):
        folder = require_folder(OPERATOR_CRDS)
        kind, api_version = manifest["kind"], manifest["apiVersion"].partition("/")[2]
        _of_operator(folder, kind, api_version).validate(manifest)
    else:
        kubernetes_validate.validate(manifest, version, strict=True)


@cache
def _of_operator(folder: Path, kind: str, api_version: str) -> jsonschema.Draft202012Validator:
    definition = yaml.load((folder / f"{OPERATOR_GROUP}_{kind.lower()}s.yaml").read_text(), yaml.CSafeLoader)
    [found] = [one for one in definition["spec"]["versions"] if one["name"] == api_version]
    schema = found["schema"]["openAPIV3Schema"]
    schema["properties"]["metadata"] = True
    return jsonschema.Draft202012Validator(_strict(schema))


def _strict(schema: Any) -> Any:
    """Forbid fields that the schema does not know: the API server drops them."""
    if isinstance(schema, list):
        return [_strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    below = {key: _strict(value) for key, value in schema.items()}
    if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        below.setdefault("additionalProperties", False)
    if schema.get("x-kubernetes-int-or-string"):
        below.pop("type", None)
    return below

"""Which targets and Regions there are, for Prometheus' HTTP service discovery and for `/probe`."""

from collections.abc import Sequence
from typing import TypedDict

from exporter.model import Scope

PROBE_PATH = "/probe"


class UnknownScopeError(Exception):
    """No such target, or not in that Region; says which there are."""


class TargetGroup(TypedDict):
    """One entry of Prometheus' http_sd format."""

    targets: list[str]
    labels: dict[str, str]


def service_discovery(scopes: Sequence[Scope], address: str, *, tls: bool) -> list[TargetGroup]:
    """Give an entry for each target and Region, to be probed at the address that was asked.

    The labels are none that the series carry themselves; `instance` differs, else all would share one `up`.
    Without TLS nothing is said of the scheme: a proxy in front may speak it.
    """
    scheme = {"__scheme__": "https"} if tls else {}
    return [
        {
            "targets": [address],
            "labels": {
                **scheme,
                "__metrics_path__": PROBE_PATH,
                "__param_target": scope.target,
                "__param_region": scope.region,
                "instance": f"{scope.target}/{scope.region}",
                "__meta_aws_backup_target": scope.target,
                "__meta_aws_backup_region": scope.region,
            },
        }
        for scope in scopes
    ]


def choose(scopes: Sequence[Scope], target: str, region: str) -> Scope:
    """Find the scope that a probe asks for; the Region may be left out where the target has but one.

    Raises:
        UnknownScopeError: there is none, or more than one.
    """
    of_target = [scope for scope in scopes if scope.target == target]
    if not of_target:
        known = ", ".join(sorted({scope.target for scope in scopes}))
        raise UnknownScopeError(f"no such target; add ?target= with one of: {known}")
    found = [scope for scope in of_target if scope.region == region]
    if not region and len(of_target) == 1:
        found = of_target
    if not found:
        known = ", ".join(scope.region for scope in of_target)
        raise UnknownScopeError(f"no such Region of this target; add &region= with one of: {known}")
    return found[0]

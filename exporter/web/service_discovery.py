"""The list of targets and Regions for HTTP service discovery of Prometheus and for `/probe`."""

from collections.abc import Callable, Sequence
from typing import TypedDict

from exporter.model import Scope

PROBE_PATH = "/probe"


class UnknownScopeError(Exception):
    """The target or its Region does not exist; the message lists the valid ones."""


class TargetGroup(TypedDict):
    """One entry of Prometheus' http_sd format."""

    targets: list[str]
    labels: dict[str, str]


def service_discovery(
    scopes: Sequence[Scope], address_of: Callable[[Scope], str], *, tls: bool
) -> list[TargetGroup]:
    """Return an entry for each target and Region, to be probed at the address that `address_of` returns.

    The labels do not collide with those of the series. Each entry has its own `instance`, because all would
    share one `up` series otherwise. Without TLS the scheme is omitted: a reverse proxy may use HTTPS.
    """
    scheme = {"__scheme__": "https"} if tls else {}
    return [
        {
            "targets": [address_of(scope)],
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


def find_scope(scopes: Sequence[Scope], target: str, region: str) -> Scope:
    """Find the scope of a probe. The Region may be omitted if the target has only one.

    Raises:
        UnknownScopeError: there is no such scope, or more than one.
    """
    of_target = [scope for scope in scopes if scope.target == target]
    if not of_target:
        known = ", ".join(sorted({scope.target for scope in scopes}))
        raise UnknownScopeError(f"unknown target; set the target parameter to one of: {known}")
    found = [scope for scope in of_target if scope.region == region]
    if not region and len(of_target) == 1:
        found = of_target
    if not found:
        known = ", ".join(scope.region for scope in of_target)
        raise UnknownScopeError(f"unknown Region; set the region parameter to one of: {known}")
    return found[0]

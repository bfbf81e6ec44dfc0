"""Several exporters that share the targets of one configuration."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence

from exporter.model import Scope
from exporter.web.shards import Shards, assigned

SCOPES = [
    Scope(f"company/{number:012}", region) for number in range(500) for region in ("eu-west-1", "us-east-1")
]
EXPORTERS = ("exporter-0:10058", "exporter-1:10058", "exporter-2:10058")


def shards(addresses: Sequence[str], *, down: set[str], names: Mapping[str, Sequence[str]]) -> Shards:
    """Shards of which some are down, with these IP addresses of names."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        assert port
        return names.get(host, ())

    async def connects(host: str, port: int) -> bool:
        return f"{host}:{port}" not in down

    return Shards(addresses, resolve=resolve, connects=connects)


def available(addresses: Sequence[str], down: set[str] = set(), **names: Sequence[str]) -> tuple[str, ...]:  # noqa: B006 - read only
    """The addresses of the exporters that accept connections."""
    return asyncio.run(shards(addresses, down=down, names=names).available())


def test_an_exporter_that_does_not_accept_connections_gets_no_targets() -> None:
    """Targets are assigned to the others."""
    assert available(EXPORTERS, {"exporter-1:10058"}) == ("exporter-0:10058", "exporter-2:10058")


def test_a_name_stands_for_all_its_addresses() -> None:
    """All IP addresses of a DNS name are exporters, also those of IPv6."""
    found = available(["dns+exporters:10058"], exporters=["10.0.0.2", "10.0.0.1", "fd00::1"])
    assert found == ("10.0.0.1:10058", "10.0.0.2:10058", "[fd00::1]:10058")


def test_a_name_that_does_not_exist_has_no_exporters() -> None:
    """A name without addresses is no error: the exporter that was asked then has all targets."""
    assert available(["dns+exporters:10058"]) == ()


def test_each_target_has_one_exporter() -> None:
    """Whoever is asked gives the same answer, whatever the order of the addresses."""
    assert all(assigned(scope, EXPORTERS) == assigned(scope, EXPORTERS[::-1]) for scope in SCOPES)


def test_targets_are_spread_evenly() -> None:
    """No exporter has more than its share and a fifth."""
    numbers = Counter(assigned(scope, EXPORTERS) for scope in SCOPES)
    assert max(numbers.values()) < 1.2 * len(SCOPES) / len(EXPORTERS)


def test_only_the_targets_of_a_failed_exporter_move() -> None:
    """When an exporter fails, the others keep what they have."""
    left = EXPORTERS[:2]
    for scope in SCOPES:
        before = assigned(scope, EXPORTERS)
        assert before not in left or assigned(scope, left) == before

"""Distributes targets over several exporters that share one configuration."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from hashlib import sha256

from exporter.model import Scope

log = logging.getLogger(__name__)

CONNECT_TIMEOUT = 1.0  # seconds in which an exporter must accept a connection
DNS_PREFIX = "dns+"

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the IP addresses of a host; the port is that of the exporters."""

Connects = Callable[[str, int], Awaitable[bool]]
"""Returns whether a host accepts connections on a port."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """Look up the IP addresses of a host; none if there is no such name."""
    with suppress(OSError):
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return [str(address[0]) for *_, address in found]
    return ()


async def connects(host: str, port: int) -> bool:
    """Return whether a host accepts connections on a port within CONNECT_TIMEOUT."""
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


class Shards:
    """The exporters that share the targets of one configuration.

    Args:
        addresses: HOST:PORT of each exporter; `dns+HOST:PORT` stands for all IP addresses of the host.
        resolve: looks up the IP addresses of a host.
        connects: checks that an exporter accepts connections.
    """

    def __init__(
        self, addresses: Sequence[str] = (), *, resolve: Resolve = resolve, connects: Connects = connects
    ) -> None:
        self._addresses = addresses
        self._resolve = resolve
        self._connects = connects
        self._unavailable: frozenset[str] = frozenset()

    async def available(self) -> tuple[str, ...]:
        """Return the addresses of the exporters that accept connections, sorted."""
        addresses = sorted({one for group in await self._expand() for one in group})
        accepted = await asyncio.gather(*(self._connects(*split(address)) for address in addresses))
        available = [address for address, is_up in zip(addresses, accepted, strict=True) if is_up]
        self._log_changes(frozenset(addresses) - frozenset(available))
        return tuple(available)

    async def _expand(self) -> Sequence[Sequence[str]]:
        return await asyncio.gather(*map(self._expanded, self._addresses))

    async def _expanded(self, address: str) -> Sequence[str]:
        if not address.startswith(DNS_PREFIX):
            return [address]
        host, port = split(address.removeprefix(DNS_PREFIX))
        return [f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}" for ip in await self._resolve(host, port)]

    def _log_changes(self, unavailable: frozenset[str]) -> None:
        for address in sorted(unavailable - self._unavailable):
            message = "Exporter does not accept connections; its targets are assigned to others"
            log.warning(message, extra={"address": address})
        for address in sorted(self._unavailable - unavailable):
            log.info("Exporter accepts connections again", extra={"address": address})
        self._unavailable = unavailable


def assigned(scope: Scope, addresses: Sequence[str]) -> str:
    """Return the exporter that is responsible for a target and Region, by rendezvous hashing.

    When an exporter is added or removed, only its own targets move.
    """

    def weight(address: str) -> bytes:
        return sha256(f"{address}|{scope.target}|{scope.region}".encode()).digest()

    return max(addresses, key=weight)


def split(address: str) -> tuple[str, int]:
    """Split HOST:PORT; an IPv6 address is in brackets."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)

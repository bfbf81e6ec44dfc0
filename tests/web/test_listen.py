"""Where the server listens: what HOST:PORT means, and what is none."""

import socket
from contextlib import closing

import pytest

from exporter.web.server.server import (
    CannotListenError,
    InvalidAddressError,
    addresses,
    host_and_port,
    listen,
    local_address,
)

V4 = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))
V6 = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", 0, 0, 0))


@pytest.fixture
def ipv6() -> None:
    """This machine has IPv6."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        pytest.skip(f"this machine has no IPv6: {error}")


def connects(listening: socket.socket, host: str) -> bool:
    """Whether a client reaches the socket at a host."""
    try:
        socket.create_connection((host, listening.getsockname()[1])).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (":10058", ("", 10058)),
        ("0.0.0.0:1", ("0.0.0.0", 1)),
        ("localhost:0", ("localhost", 0)),
        ("my_host.example.com.:65535", ("my_host.example.com.", 65535)),
        ("bücher.example:080", ("bücher.example", 80)),
        ("[::1]:10058", ("::1", 10058)),
        ("[fe80::1%eth0]:10058", ("fe80::1%eth0", 10058)),
    ],
)
def test_what_is_an_address(address: str, expected: tuple[str, int]) -> None:
    """A host is empty, a name, or an IP address; an IPv6 address stands in brackets and may have a zone."""
    assert host_and_port(address) == expected


@pytest.mark.parametrize(
    ("address", "remedy"),
    [
        ("*:10058", "to listen on all interfaces, use :10058"),
        ("10058", "use for example :10058"),
        ("", "use for example :10058"),
        ("localhost:http", "use for example :10058"),
        ("localhost:", "use for example :10058"),
        (":+80", "use for example :10058"),
        (":\u0661", "use for example :10058"),
        (":65536", "use for example :10058"),
        ("::1:10058", "use [::1]:10058"),
        ("fe80::1%eth0:10058", "use [fe80::1%eth0]:10058"),
        ("[::1:10058", "'[::1' is neither a host name nor an IP address"),
        ("[]:10058", "'[]' is neither a host name nor an IP address"),
        ("[localhost]:10058", "'[localhost]' is neither a host name nor an IP address"),
        ("http://localhost:10058", "remove http:// and the path"),
        ("unix:/run/exporter:0", "remove http:// and the path"),
        ("a..b:10058", "'a..b' is neither a host name nor an IP address"),
        (".:10058", "'.' is neither a host name nor an IP address"),
        (f"{'a' * 64}:10058", "is neither a host name nor an IP address"),
        (" localhost:10058", "' localhost' is neither a host name nor an IP address"),
        ("\udcff:10058", "is neither a host name nor an IP address"),
    ],
)
def test_invalid_addresses(address: str, remedy: str) -> None:
    """Whatever else is refused before anything listens, with what to write in its place."""
    with pytest.raises(InvalidAddressError) as caught:
        host_and_port(address)
    assert repr(address) in str(caught.value)
    assert remedy in str(caught.value)


@pytest.mark.parametrize("host", ["0", "127.1", "0x7f.1", "010.0.0.1", "256.0.0.1", "1.2.3.4."])
def test_what_the_system_would_make_an_address_of(host: str) -> None:
    """What looks like an IPv4 address and is none is refused, though the system would listen somewhere."""
    with pytest.raises(CannotListenError, match="not a valid IPv4 address; use four numbers from 0 to 255"):
        listen(f"{host}:0")


@pytest.mark.usefixtures("ipv6")
@pytest.mark.parametrize("address", [":0", "[::]:0"])
def test_every_interface(address: str) -> None:
    """Without a host, and on the IPv6 address of every interface, it listens on IPv4 as well."""
    with closing(listen(address)) as listening:
        assert connects(listening, "127.0.0.1")
        assert connects(listening, "::1")


@pytest.mark.usefixtures("ipv6")
@pytest.mark.parametrize(("address", "not_at"), [("0.0.0.0:0", "::1"), ("[::1]:0", "127.0.0.1")])
def test_an_address_of_one_family(address: str, not_at: str) -> None:
    """On an address of one family it listens on that one alone."""
    with closing(listen(address)) as listening:
        assert not connects(listening, not_at)


@pytest.mark.parametrize("found", [[V4, V6], [V6, V4]], ids=["IPv4 first", "IPv6 first"])
def test_several_addresses_behind_a_name(found: list[tuple[object, ...]]) -> None:
    """Of the addresses behind a name the first one of IPv4 is taken, as Go's exporters do."""
    with closing(listen("name.example:0", lambda *_, **__: found)) as listening:
        assert listening.getsockname()[0] == "127.0.0.1"


@pytest.mark.usefixtures("ipv6")
def test_a_name_of_ipv6_alone() -> None:
    """A name with no address of IPv4 is listened on at its IPv6 address."""
    with closing(listen("name.example:0", lambda *_, **__: [V6])) as listening:
        assert addresses([listening]) == [f"[::1]:{listening.getsockname()[1]}"]


@pytest.mark.usefixtures("ipv6")
def test_a_zone() -> None:
    """An IPv6 address with a zone is listened on in that zone."""
    with closing(listen("[::1%1]:0")) as listening:
        assert connects(listening, "::1")


@pytest.mark.parametrize(
    ("address", "host"),
    [("0.0.0.0:0", "localhost"), ("127.0.0.1:0", "localhost"), ("127.0.0.2:0", "127.0.0.2")],
)
def test_where_a_browser_finds_it(address: str, host: str) -> None:
    """A browser on the same machine is sent to localhost only where localhost leads there."""
    with closing(listen(address)) as listening:
        assert local_address(listening) == f"{host}:{listening.getsockname()[1]}"

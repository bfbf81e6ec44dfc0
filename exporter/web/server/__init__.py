"""The HTTP server: limits slow and excess clients, and shuts down within a fixed time.

It runs an ASGI application, on asyncio and h11.
"""

from exporter.web.server.server import (
    CannotListenError,
    InvalidAddressError,
    Server,
    addresses,
    host_and_port,
    listen,
    local_address,
    make_server,
    raise_open_files_limit,
)
from exporter.web.server.streaming_response import (
    StreamingExposition,
)

__all__ = [
    "CannotListenError",
    "InvalidAddressError",
    "Server",
    "StreamingExposition",
    "addresses",
    "host_and_port",
    "listen",
    "local_address",
    "make_server",
    "raise_open_files_limit",
]

"""The HTTP server: listens, serves slow and many clients, and stops in time.

It is built on uvicorn and h11.
"""

from exporter.web.server.server import (
    CannotListenError,
    NoAddressError,
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
    "NoAddressError",
    "Server",
    "StreamingExposition",
    "addresses",
    "host_and_port",
    "listen",
    "local_address",
    "make_server",
    "raise_open_files_limit",
]

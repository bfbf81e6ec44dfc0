"""A response that streams an exposition in chunks, without holding it in memory as a whole."""

from collections.abc import Iterable, Iterator, Sequence

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from zlib_ng import zlib_ng

CHUNK_SIZE = 64 * 1024  # bytes; the next chunk is created when the client has read this one
_GZIP = 31


class StreamingExposition(Response):
    """Sends an exposition that is stored as gzip; decompresses it for clients that do not accept gzip.

    All responses share the stored parts, so a response needs little memory, however large it is and however
    slow the client.

    Args:
        parts: one gzip member, as `Exposition.parts` returns it.
        media_type: the content type.
        gzip: whether the client accepts gzip.
    """

    def __init__(self, parts: Sequence[bytes], media_type: str, *, gzip: bool) -> None:
        length = sum(map(len, parts)) if gzip else _uncompressed_length(parts)
        headers = {
            "Content-Type": media_type,
            "Content-Length": str(length),
            "Vary": "Accept, Accept-Encoding",
        }
        super().__init__(headers=headers | ({"Content-Encoding": "gzip"} if gzip else {}))
        self._parts = parts
        self._gzip = gzip

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - the signature of ASGI
        """Send the response."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        if scope["method"] != "HEAD":
            for chunk in _in_chunks(self._parts if self._gzip else _decompressed(self._parts)):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _in_chunks(parts: Iterable[bytes]) -> Iterator[bytes]:
    waiting: list[bytes] = []
    size = 0
    for part in parts:
        for start in range(0, len(part), CHUNK_SIZE):
            waiting.append(part[start : start + CHUNK_SIZE])
            size += len(waiting[-1])
            if size >= CHUNK_SIZE:
                yield b"".join(waiting)
                waiting.clear()
                size = 0
    if waiting:
        yield b"".join(waiting)


def _decompressed(parts: Iterable[bytes]) -> Iterator[bytes]:
    decompressor = zlib_ng.decompressobj(_GZIP)
    for part in parts:
        rest = part
        while rest:
            yield decompressor.decompress(rest, CHUNK_SIZE)
            rest = decompressor.unconsumed_tail
    yield decompressor.flush()


def _uncompressed_length(parts: Sequence[bytes]) -> int:
    """Return the uncompressed size, which gzip stores in the last four bytes."""
    return int.from_bytes(parts[-1][-4:], "little")

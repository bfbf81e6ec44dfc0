"""An exposition on its way to a client: part by part, never whole in memory."""

from collections.abc import Iterable, Iterator, Sequence

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from zlib_ng import zlib_ng

CHUNK = 64 * 1024  # bytes; of the rest of an answer nothing is made before its client took these
_GZIP = 31


class StreamingExposition(Response):
    """Sends an exposition that is kept in gzip; who does not accept that has it inflated on the way.

    So an answer costs hardly any memory while it is sent, however large it is and however slow its client:
    its parts are those of all other answers.

    Args:
        parts: one gzip member, as `Exposition.parts` gives it.
        kind: the content type.
        gzip: whether the client accepts gzip.
    """

    def __init__(self, parts: Sequence[bytes], kind: str, *, gzip: bool) -> None:
        length = sum(map(len, parts)) if gzip else _inflated_length(parts)
        headers = {"Content-Type": kind, "Content-Length": str(length), "Vary": "Accept, Accept-Encoding"}
        super().__init__(headers=headers | ({"Content-Encoding": "gzip"} if gzip else {}))
        self._parts = parts
        self._gzip = gzip

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send it."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        if scope["method"] != "HEAD":
            for chunk in _in_chunks(self._parts if self._gzip else _inflated(self._parts)):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _in_chunks(parts: Iterable[bytes]) -> Iterator[bytes]:
    chunk = bytearray()
    for part in parts:
        for start in range(0, len(part), CHUNK):
            chunk += part[start : start + CHUNK]
            if len(chunk) >= CHUNK:
                yield bytes(chunk)
                chunk.clear()
    if chunk:
        yield bytes(chunk)


def _inflated(parts: Iterable[bytes]) -> Iterator[bytes]:
    inflate = zlib_ng.decompressobj(_GZIP)
    for part in parts:
        rest = part
        while rest:
            yield inflate.decompress(rest, CHUNK)
            rest = inflate.unconsumed_tail
    yield inflate.flush()


def _inflated_length(parts: Sequence[bytes]) -> int:
    """Read it where gzip has it: in the last four bytes."""
    return int.from_bytes(parts[-1][-4:], "little")

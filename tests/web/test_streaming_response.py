"""An exposition on its way: as it is or inflated, in small chunks, with its true length."""

import asyncio
import gzip
import tracemalloc
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from starlette.types import Message

from exporter.web.server.streaming_response import CHUNK_SIZE, StreamingExposition

TEXTS = {
    "nothing": b"",
    "little": b"up 1\n",
    "a chunk": bytes(CHUNK_SIZE),
    "much of the same": b"aws_backup_up 1\n" * 500_000,
    "much of everything": Random(1).randbytes(1_000_000),
}


def sent(exposed: StreamingExposition, method: str = "GET") -> tuple[dict[str, str], list[bytes]]:
    """Send it to nobody; returns the headers and the chunks."""
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)

    async def receive() -> Message:
        raise AssertionError("nothing is to be received")

    asyncio.run(exposed({"type": "http", "method": method}, receive, send))
    assert [message.get("more_body", True) for message in messages] == [True] * (len(messages) - 1) + [False]
    headers = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
    return headers, [message["body"] for message in messages[1:]]


def in_parts(whole: bytes) -> Sequence[bytes]:
    """Cut a gzip member as an exposition is: large parts, and its end for itself."""
    return [whole[:10], whole[10:-8], whole[-8:]]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("accepted", [True, False], ids=["gzip", "plain"])
def test_an_exposition_arrives(text: bytes, accepted: bool) -> None:
    """What is sent is the whole text, in gzip or not, in chunks of bounded size, and its length is true."""
    whole = gzip.compress(text)
    headers, chunks = sent(StreamingExposition(in_parts(whole), "text/plain", gzip=accepted))
    body = b"".join(chunks)
    assert body == (whole if accepted else text)
    assert headers.get("content-encoding") == ("gzip" if accepted else None)
    assert (headers["content-type"], int(headers["content-length"])) == ("text/plain", len(body))
    assert max(map(len, chunks)) < 2 * CHUNK_SIZE


def test_a_head_has_the_headers_alone() -> None:
    """HEAD has the headers of GET and nothing of the body."""
    exposed = StreamingExposition(in_parts(gzip.compress(b"up 1\n")), "text/plain", gzip=False)
    assert sent(exposed, "HEAD") == (sent(exposed)[0], [b""])


def test_a_large_answer_takes_little_memory() -> None:
    """An answer of fifty megabytes takes less than one while it is sent."""
    parts = in_parts(gzip.compress(bytes(50_000_000)))

    async def forget(_: Message) -> None:
        pass

    tracemalloc.start()
    try:
        scope = {"type": "http", "method": "GET"}
        receive: Any = asyncio.Event().wait
        asyncio.run(StreamingExposition(parts, "text/plain", gzip=False)(scope, receive, forget))
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()

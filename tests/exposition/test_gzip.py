"""A gzip answer is one member that every client can read."""

import gzip
import io
import subprocess
import zlib

import pytest
from urllib3.response import GzipDecoder

from exporter.exposition.exposition import Form
from exporter.exposition.finished_job_lines import MOST_JOBS_IN_A_BLOCK
from tests.support.makers import HOUR, NOW, Written, job, ledger, written
from tests.support.programs import require

GZIP = Form(gzip=True)
MANY = MOST_JOBS_IN_A_BLOCK + 10
SOURCES: dict[str, dict[str, int]] = {
    "nothing": {},
    "active only": {"active": 3},
    "final only": {"final": 3},
    "many of both": {"active": MANY, "final": MANY},
    "beyond the limit": {"active": 3, "final": MANY, "most": MANY // 2},
}
NODE_READS = (
    "const {createGunzip} = require('node:zlib');"
    "process.stdin.pipe(createGunzip()).on('error', e => { console.error(e); process.exit(1) })"
    ".pipe(process.stdout)"
)


def account(*, active: int = 0, final: int = 0, most: int = 10 * MANY) -> Written:
    """Make a scope of many jobs, spread over some hours and told in several goes."""
    made = written(ledger(max_jobs=most))
    made.enter(*(job(f"active{number}", message="é\n" * (number % 3)) for number in range(active)))
    for part in range(3):
        told = (job(f"s{number}", "COMPLETED", created=NOW - number % 5 * HOUR) for number in range(final))
        made.enter(*list(told)[part::3])
        made.text(GZIP)
    return made


@pytest.fixture(params=list(SOURCES.values()), ids=list(SOURCES))
def both(request: pytest.FixtureRequest) -> tuple[bytes, bytes]:
    """Give a gzip answer, and the plain answer that it should hold."""
    made = account(**request.param)
    return made.text(GZIP), made.text()


def test_python_reads_it(both: tuple[bytes, bytes]) -> None:
    """Python's gzip finds the plain answer, length and checksum included."""
    body, plain = both
    assert gzip.decompress(body) == plain
    with gzip.open(io.BytesIO(body)) as stream:
        assert b"".join(iter(lambda: stream.read(1000), b"")) == plain


@pytest.mark.parametrize("step", [1, 100, 1 << 16])
def test_a_stream_reads_it(both: tuple[bytes, bytes], step: int) -> None:
    """Whoever reads it bit by bit finds one member that ends with the last byte."""
    body, plain = both
    reader = zlib.decompressobj(16 + zlib.MAX_WBITS)
    found = b"".join(reader.decompress(body[start : start + step]) for start in range(0, len(body), step))
    assert found + reader.flush() == plain
    assert reader.eof
    assert reader.unused_data == b""


def test_http_clients_read_it(both: tuple[bytes, bytes]) -> None:
    """urllib3, and with it requests, finds the plain answer."""
    body, plain = both
    reader = GzipDecoder()
    assert reader.decompress(body) + reader.flush() == plain


def test_the_gzip_program_reads_it(both: tuple[bytes, bytes]) -> None:
    """The gzip program finds no fault in it, and the plain answer."""
    body, plain = both
    program = require("gzip")
    tested = subprocess.run([program, "-t"], input=body, capture_output=True, check=False)
    assert (tested.returncode, tested.stderr) == (0, b"")
    assert subprocess.run([program, "-dc"], input=body, capture_output=True, check=True).stdout == plain


def test_node_reads_it(both: tuple[bytes, bytes]) -> None:
    """Node's zlib, which reads further members but not garbage, finds the plain answer."""
    body, plain = both
    read = subprocess.run([require("node"), "-e", NODE_READS], input=body, capture_output=True, check=False)
    assert read.stderr == b""
    assert read.stdout == plain


def test_a_broken_answer_is_noticed() -> None:
    """The checksum is that of the plain answer: one other bit in it and nobody takes the answer."""
    body = bytearray(account(active=3, final=3).text(GZIP))
    body[-8] ^= 1
    with pytest.raises(gzip.BadGzipFile, match="CRC check failed"):
        gzip.decompress(body)


def test_the_same_records_give_the_same_bytes() -> None:
    """Nothing in an answer tells when it was written: what did not change gives the same bytes."""
    made = account(active=3, final=3)
    assert made.text(GZIP) == made.text(GZIP)


def test_it_is_much_smaller() -> None:
    """A thousand jobs, which are much alike, take less than a tenth of their plain size."""
    made = account(active=0, final=MANY)
    assert len(made.text(GZIP)) < len(made.text()) / 10


def test_parts_are_the_whole() -> None:
    """An exposition written in parts is the same as in one."""
    made = account(active=3, final=3)
    for form in (GZIP, Form(), Form(openmetrics=True)):
        assert b"".join(made.exposition.parts(form, scope=made.ledger.scope)) == made.text(form)

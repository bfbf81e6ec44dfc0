"""Lines that never change again: kept deflated, merged as they come, taken out by job or by bucket."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zlib_ng import zlib_ng

from exporter.exposition.compression import RAW_DEFLATE, Run, deflate, inflate, join
from exporter.exposition.finished_job_lines import MOST_JOBS_IN_A_BLOCK, FinishedJobLines
from exporter.exposition.text_format import label_text, line

ODD_IDS = [
    'a"',
    "a\\",
    'a\\"',
    "a\r",
    "a\n",
    "\\n",
    'x"} 1',
    'a{job_id="b"}',
    "a\0",
    "\ud800",
    "é😀",
    "?",
    "a",
]


def row(job_id: str, *, both: bool = True) -> dict[str, bytes]:
    """Make the lines of a job: one of the first metric, two of the second."""
    labels = (("job_id", job_id), ("note", '{job_id="b"}'))
    two = line("n", label_text((*labels, ("s", "1"))), 1) + line("n", label_text((*labels, ("s", "2"))), 2)
    return {"m": line("m", label_text(labels), 1), **({"n": two} if both else {})}


def rows(job_ids: Iterable[str]) -> dict[str, dict[str, bytes]]:
    """Make the lines of some jobs."""
    return {job_id: row(job_id) for job_id in job_ids}


def text(of: FinishedJobLines, family: str = "m") -> bytes:
    """Give the lines of a metric."""
    return joined(of.runs().get(family, Run()))


def joined(run: Run) -> bytes:
    """Give the lines of a run, and see that it tells their checksum and length."""
    found = b"".join(inflate(run))
    assert (run.crc, run.length) == (zlib_ng.crc32(found), len(found))
    return found


def should_be(job_ids: Iterable[str], family: str = "m") -> bytes:
    """Give the lines that some jobs have."""
    return b"".join(row(job_id)[family] for job_id in job_ids)


def empty() -> FinishedJobLines:
    """Make an empty set of lines."""
    return FinishedJobLines(["m", "n"])


@given(st.lists(st.binary(max_size=200), max_size=6))
def test_runs_stand_one_behind_the_other(texts: list[bytes]) -> None:
    """Deflated lines, one behind the other, are one deflate stream; the checksum is that of all."""
    run = join([deflate(text) for text in texts])
    assert joined(run) == b"".join(texts)
    stream = zlib_ng.decompressobj(RAW_DEFLATE)
    assert stream.decompress(b"".join(run.parts)) == b"".join(texts)
    assert not stream.eof, "something can follow"


def test_an_empty_run() -> None:
    """Where there are no lines there are no parts."""
    assert empty().runs() == {}


def test_buckets_come_oldest_first() -> None:
    """Lines come in the order of their buckets, in whatever order those were added."""
    of = empty()
    of.add(2, rows("cd"))
    of.add(1, rows("ab"))
    of.add(2, rows("e"))
    assert text(of) == should_be("abcde")
    assert text(of, "n") == should_be("abcde", "n")


def test_a_job_need_not_have_lines_of_every_metric() -> None:
    """A metric has the lines of those jobs that have any."""
    of = empty()
    of.add(1, {"a": row("a", both=False), "b": row("b")})
    assert text(of, "n") == should_be("b", "n")
    of.remove(1, {"b"})
    assert set(of.runs()) == {"m"}
    assert text(of) == should_be("a")


@pytest.mark.parametrize("gone", ODD_IDS)
def test_one_job_is_taken_out(gone: str) -> None:
    """Taking out one job leaves all lines of all others, whatever the ids look like."""
    of = empty()
    of.add(1, rows(ODD_IDS))
    of.remove(1, {gone})
    kept = [job_id for job_id in ODD_IDS if job_id != gone]
    assert text(of) == should_be(kept)
    assert text(of, "n") == should_be(kept, "n")


def test_taking_out_what_is_not_there_changes_nothing() -> None:
    """A job that is unknown, or in another bucket, is not missed."""
    of = empty()
    of.add(1, rows("ab"))
    of.remove(1, {"c"})
    of.remove(2, {"a"})
    of.remove_bucket(3)
    assert text(of) == should_be("ab")


def test_a_bucket_leaves_as_one() -> None:
    """A bucket that leaves takes its jobs along, and can be filled again."""
    of = empty()
    of.add(1, rows("ab"))
    of.add(2, rows("c"))
    assert text(of) == should_be("abc")
    of.remove_bucket(1)
    assert text(of) == should_be("c")
    of.add(1, rows("d"))
    assert text(of) == should_be("dc")


def test_a_bucket_can_be_emptied_job_by_job() -> None:
    """A bucket whose jobs were all taken out has no lines, and can be filled again."""
    of = empty()
    of.add(1, rows("ab"))
    of.remove(1, {"a"})
    of.remove(1, {"b"})
    assert of.runs() == {}
    of.add(1, rows("c"))
    assert text(of) == should_be("c")


def test_jobs_that_come_one_by_one_are_put_together() -> None:
    """However jobs come, there are few parts: those that come one by one end up in large blocks."""
    of = empty()
    for number in range(MOST_JOBS_IN_A_BLOCK):
        of.add(1, rows([f"j{number}"]))
    assert text(of) == should_be(f"j{number}" for number in range(MOST_JOBS_IN_A_BLOCK))
    assert len(of.runs()["m"].parts) <= 12


def test_a_block_holds_a_thousand_jobs_at_most() -> None:
    """Many jobs at once make several blocks, and taking some out of each leaves the rest in order."""
    of = empty()
    job_ids = [f"j{number}" for number in range(2 * MOST_JOBS_IN_A_BLOCK + 5)]
    of.add(1, rows(job_ids))
    assert len(of.runs()["m"].parts) == 3
    of.remove(1, set(job_ids[::3]))
    kept = [job_id for place, job_id in enumerate(job_ids) if place % 3]
    assert text(of) == should_be(kept)
    assert text(of, "n") == should_be(kept, "n")


STEPS: st.SearchStrategy[tuple[str, int, set[str]]] = st.one_of(
    st.tuples(st.just("add"), st.integers(0, 2), st.sets(st.sampled_from(ODD_IDS), min_size=1)),
    st.tuples(st.just("remove"), st.integers(0, 2), st.sets(st.sampled_from(ODD_IDS))),
    st.tuples(st.just("remove bucket"), st.integers(0, 2), st.just(set())),
)


@given(st.lists(STEPS, max_size=30))
def test_any_sequence(steps: list[tuple[str, int, set[str]]]) -> None:
    """After any sequence there are the lines of the jobs that were added and not taken out, in order."""
    of = empty()
    there: dict[int, list[str]] = {0: [], 1: [], 2: []}
    for step, bucket, job_ids in steps:
        if step == "add":
            new = sorted(job_ids - {job_id for of_bucket in there.values() for job_id in of_bucket})
            of.add(bucket, rows(new))
            there[bucket] += new
        elif step == "remove":
            of.remove(bucket, job_ids)
            there[bucket] = [job_id for job_id in there[bucket] if job_id not in job_ids]
        else:
            of.remove_bucket(bucket)
            there[bucket] = []
        assert text(of) == should_be(job_id for number in range(3) for job_id in there[number])

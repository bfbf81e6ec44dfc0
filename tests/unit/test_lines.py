"""Lines of text, and those of live jobs that are made anew where they differ."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from exporter.kinds import BACKUP
from exporter.lines import encode, escape, label_text, line, render
from exporter.live import LiveLines
from exporter.metrics import Group, Sample, job_group
from exporter.model import Job
from exporter.sealed import inflate
from tests.unit.makers import job, ledger

LEDGER = ledger()


def group_of(told: Job) -> Group:
    """Make the samples of a job."""
    return job_group(BACKUP, told, LEDGER)


def live() -> LiveLines:
    """Make an empty set of live lines."""
    return LiveLines(BACKUP, group_of)


def lines(of: LiveLines) -> dict[str, bytes]:
    """Give all lines, by metric."""
    found = {name: b"".join(map(inflate, run.parts)) for name, run in of.runs()}
    assert all(found.values()), "a metric without lines is left out"
    return found


@given(st.text(st.characters()), st.one_of(st.integers(), st.floats(allow_nan=False)))
def test_a_line_is_read_back(text: str, value: float) -> None:
    """Any text in a label, lone surrogates aside, and any number come back as they were put in."""
    written = line("m", label_text((("a", text), ("b", ""))), value).decode()
    [family] = text_string_to_metric_families(written)
    [sample] = family.samples
    assert sample.labels == {"a": encode(text).decode(), "b": ""}
    assert sample.value == value


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a\\b", r"a\\b"),
        ("a\nb", r"a\nb"),
        ('a"b', r"a\"b"),
        ("\\n", r"\\n"),
        ("a\rb\0\t{}=,", "a\rb\0\t{}=,"),
    ],
)
def test_escapes(text: str, escaped: str) -> None:
    """Backslash, line feed and quote are escaped, nothing else is."""
    assert escape(text) == escaped


@pytest.mark.parametrize(
    ("text", "encoded"),
    [("é😀", "é😀".encode()), ("a\ud800b\udfffc", "a\ufffdb\ufffdc".encode()), ("?", b"?")],
)
def test_lone_surrogates(text: str, encoded: bytes) -> None:
    """A lone surrogate, which UTF-8 cannot tell, becomes U+FFFD."""
    assert encode(text) == encoded


def test_a_sample_without_labels() -> None:
    """A sample that has no labels has no braces."""
    assert line("m", "", 1) == b"m 1\n"


def test_samples_of_a_group_share_its_labels() -> None:
    """Each sample has its group's labels first, then its own."""
    group = Group((("x", "1"),), (Sample("m", (), 1), Sample("n", (("y", "2"),), 0.5), Sample("m", (), 3)))
    assert render(group) == {"m": b'm{x="1"} 1\nm{x="1"} 3\n', "n": b'n{x="1",y="2"} 0.5\n'}


@pytest.mark.parametrize(
    "other",
    [
        {"state": "ABORTING"},
        {"account_id": "1"},
        {"info": job("a", resource_name="other").info},
        {"values": job("a", numbers={"progress_ratio": 0.5}).values},
        {"values": (None,) * len(BACKUP.gauges)},
        {"child_states": (("RUNNING", 1),)},
        {"message": "other"},
        {"category": "OTHER"},
        {"category": ""},
        {"message": "", "category": "SUCCESS"},
    ],
    ids=str,
)
def test_whatever_changes_is_shown(other: dict[str, Any]) -> None:
    """When one thing of a job changes, its lines are those that it would have if it were new."""
    before = job("a", numbers={"transferred_bytes": 7, "child_jobs": 2}, message="why", category="FAILED")
    after = replace(before, **other)
    of, anew = live(), live()
    of.put(before)
    assert lines(of) != {}
    of.put(after)
    anew.put(after)
    assert lines(of) == lines(anew)
    assert lines(of) != render(group_of(before))


def test_what_did_not_change_is_kept() -> None:
    """When one number of one job changes, the lines of other metrics are not deflated again."""
    of = live()
    of.put(job("a", numbers={"transferred_bytes": 1, "progress_ratio": 0.1}))
    before = dict(of.runs())
    of.put(job("a", numbers={"transferred_bytes": 2, "progress_ratio": 0.1}))
    after = dict(of.runs())
    anew = {name for name in before if after[name] is not before[name]}
    assert anew == {"aws_backup_job_transferred_bytes"}


def test_a_removed_job_has_no_lines() -> None:
    """A job that is no longer live leaves the lines of the others; removing it twice does nothing."""
    of, other = live(), live()
    of.put(job("a"))
    of.put(job("b"))
    lines(of)
    of.remove("a")
    of.remove("a")
    other.put(job("b"))
    assert lines(of) == lines(other)
    of.remove("b")
    assert lines(of) == {}

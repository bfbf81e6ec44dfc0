"""Lines of text, and those of tracked jobs that are made anew where they differ."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from exporter.exposition.active_job_lines import ActiveJobLines
from exporter.exposition.compression import inflate
from exporter.exposition.job_metrics import job_group
from exporter.exposition.metric_types import Group, Sample
from exporter.exposition.text_format import encode, escape, label_text, line, render
from exporter.model.job_kinds import BACKUP
from exporter.model.records import Job
from tests.support.makers import NOW, job, ledger, store

LEDGER = ledger()


class Followed:
    """Tracked jobs from what AWS tells of them to their lines."""

    def __init__(self) -> None:
        self.store = store()
        self.active = ActiveJobLines(BACKUP, group_of)

    def tell(self, *jobs: Job) -> None:
        """AWS tells of jobs, and their lines are brought up to date."""
        for told in jobs:
            self.store.update(told, NOW, described=True)
        self._take()

    def forget(self, job_id: str) -> None:
        """AWS does not know a job any longer."""
        self.store.remove(job_id)
        self._take()

    def _take(self) -> None:
        changes = self.store.drain()
        self.active.update(changes.tracked, changes.progressed)

    def lines(self) -> dict[str, bytes]:
        """Give all lines, by metric."""
        found = {name: b"".join(inflate(run)) for name, run in self.active.runs().items()}
        assert all(found.values()), "a metric without lines is left out"
        return found


def followed(*jobs: Job) -> Followed:
    """Follow some jobs, told one after the other."""
    made = Followed()
    for told in jobs:
        made.tell(told)
    return made


def group_of(told: Job) -> Group:
    """Make the samples of a job."""
    return job_group(BACKUP, told, LEDGER)


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


@pytest.mark.parametrize("special", ["\\", "\n", '"'])
def test_labels_are_escaped(special: str) -> None:
    """One character that needs an escape, in whichever label, is escaped, and no other."""
    for place in range(3):
        values = ["a", "b", "c"]
        values[place] += special
        labels = label_text(tuple(zip("xyz", values, strict=True)))
        assert labels == ",".join(
            f'{name}="{escape(value)}"' for name, value in zip("xyz", values, strict=True)
        )


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
        {"values": job("a", created=None, numbers={"transferred_bytes": 7}).values},
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
    assert followed(before, after).lines() == followed(after).lines() == render(group_of(after))
    assert render(group_of(after)) != render(group_of(before))


def test_what_did_not_change_is_kept() -> None:
    """When one number of one job changes, the lines of other metrics are not deflated again."""
    of = followed(job("a", numbers={"transferred_bytes": 1, "progress_ratio": 0.1}))
    before = dict(of.active.runs())
    of.tell(job("a", numbers={"transferred_bytes": 2, "progress_ratio": 0.1}))
    after = of.active.runs()
    anew = {name for name in before if after[name] is not before[name]}
    assert anew == {"aws_backup_job_transferred_bytes"}


def test_a_number_that_is_again_what_it_was() -> None:
    """A number that goes up and down again is shown as it is each time."""
    up, down = (job("a", numbers={"size_bytes": size}) for size in (2, 1))
    for steps in ([down], [down, up], [down, up, down]):
        assert followed(*steps).lines() == followed(steps[-1]).lines()


def test_several_changes_at_once() -> None:
    """Whatever became of a job since its lines were last written, they are those of how it is now."""
    steps = [
        job("a", numbers={"progress_ratio": 0.1}),
        job("a", numbers={"progress_ratio": 0.2}),
        job("a", message="why", numbers={"progress_ratio": 0.3}),
        job("a", message="why", numbers={"progress_ratio": 0.4}),
    ]
    for first in range(len(steps)):
        for last in range(first, len(steps)):
            of = followed(*steps[:first])
            of.tell(*steps[first : last + 1])
            assert of.lines() == followed(steps[last]).lines()


def test_a_forgotten_job_has_no_lines() -> None:
    """A job that is no longer tracked leaves the lines of the others; forgetting it twice does nothing."""
    of = followed(job("a"), job("b"))
    of.lines()
    of.forget("a")
    of.forget("a")
    assert of.lines() == followed(job("b")).lines()
    of.forget("b")
    assert of.lines() == {}


@pytest.mark.parametrize("end", [job("a", "COMPLETED"), None], ids=["ends", "is forgotten"])
def test_the_last_steps_of_a_job(end: Job | None) -> None:
    """A job that goes on and then ends or is forgotten, all since its lines were last written, has none."""
    of = followed(job("a"), job("b"))
    of.store.update(job("a", numbers={"progress_ratio": 0.2}), NOW, described=True)
    if end:
        of.tell(end)
    else:
        of.forget("a")
    assert of.lines() == followed(job("b")).lines()


def test_a_job_that_comes_back() -> None:
    """A job that is forgotten and told of again at once has the lines of how it is now."""
    of = followed(job("a", numbers={"progress_ratio": 0.2, "size_bytes": 7}))
    of.store.remove("a")
    of.tell(job("a", numbers={"progress_ratio": 0.3}))
    assert of.lines() == followed(job("a", numbers={"progress_ratio": 0.3})).lines()

"""Lists whose rows, pages or tokens are not as they should be."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.faults.sight import Log, calls, malformed, up
from tests.faults.wire import Breakage, Exchange, Wire, answers, only, refuses, resets
from tests.support.harness import START, Bench, Clock, Watch, bench, job

LIST = "ListBackupJobs"
LISTS = "/backup-jobs/?"
HOUR = 3600.0


def page(*rows: Any, token: Any = None) -> str:
    """Write a page of a list."""
    return json.dumps({"BackupJobs": rows} | ({"NextToken": token} if token else {}))


def turns(exchange: Exchange, pages: Mapping[str, str]) -> None:
    """Answer list calls by their token; the first page has none."""
    url = urlsplit(exchange.path)
    if url.path == "/backup-jobs/":
        [token] = parse_qs(url.query).get("nextToken", [""])
        exchange.give(200, pages[token])
    else:
        exchange.forward()


def watch(aws: Bench, wire: Wire) -> Watch:
    """Watch AWS over the wire."""
    return aws.watch(aws.target(endpoint_url=wire.endpoint_url))


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"State": "RUNNING"},
        {"BackupJobId": "", "State": "RUNNING"},
        {"BackupJobId": None},
        None,
        "row",
        7,
        [],
        [[[]]],
    ],
)
def test_a_row_that_is_none(aws: Bench, wire: Wire, log: Log, row: Any) -> None:
    """A row without a job id is left out, counted and logged once; the other rows count."""
    aws.account.put(job("a"))
    aws.account.put(job("b"))
    wire.breakage = only(LISTS, answers(200, page(job("a"), row, job("b"))))

    watched = watch(aws, wire)
    watched.scrape()
    series = watched.scrape()

    assert up(series) == 1
    assert (series.state("a"), series.state("b")) == ("RUNNING", "RUNNING")
    assert series.value("aws_backup_jobs", state="RUNNING") == 2
    assert malformed(series, LIST) >= 2
    assert [place for place, _, _ in log.omissions] == ["BackupJobs[1]"]
    assert len(log.events) == 1


def test_an_empty_id_is_never_asked_about(aws: Bench, wire: Wire) -> None:
    """A list row with an empty id makes no describe call: that would be the list call in disguise."""
    wire.breakage = only(LISTS, answers(200, page({"BackupJobId": "", "State": "RUNNING"})))
    watched = watch(aws, wire)
    for _ in range(3):
        series = watched.scrape()

    paths = [urlsplit(path) for path, _ in wire.requests]
    assert all("maxResults" in parse_qs(path.query) for path in paths)
    assert series.find("aws_backup_job_info") == []


@pytest.mark.parametrize(
    "body",
    [
        '{"BackupJobs": null}',
        '{"BackupJobs": "none"}',
        '{"BackupJobs": 7}',
        '{"BackupJobs": true}',
        '{"BackupJobs": {"BackupJobId": "a"}}',
        '{"CopyJobs": []}',
        '{"BackupJobs": [], "NextToken": ["t"]}',
        '{"BackupJobs": [], "NextToken": {"t": 1}}',
        '{"BackupJobs": [], "NextToken": 7}',
        '{"BackupJobs": [], "NextToken": false}',
    ],
)
def test_a_list_of_another_shape(aws: Bench, wire: Wire, log: Log, body: str) -> None:
    """A list of another shape is malformed, not an empty account: up is 0 and no job is lost."""
    aws.account.put(job("a"))
    watched = watch(aws, wire)
    watched.scrape()
    wire.breakage = only(LISTS, answers(200, body))

    series = watched.scrape()

    assert up(series) == 0
    assert log.failure["code"] == "malformed"
    assert series.state("a") == "RUNNING"
    wire.mend()
    assert up(watched.scrape()) == 1
    assert log.bugs == 0


def test_an_empty_account(aws: Bench, log: Log) -> None:
    """An account without jobs is healthy and has no job series."""
    series = aws.watch().scrape()

    assert up(series) == 1
    assert series.find("aws_backup_job_info") == []
    assert series.find("aws_backup_jobs") == []
    assert log.events == []


def test_an_id_on_two_pages(aws: Bench, wire: Wire) -> None:
    """A job that comes on two pages, or twice on one, is published and counted once."""
    for job_id in "abc":
        aws.account.put(job(job_id))
    pages = {"": page(job("a"), job("b"), job("b"), token="2"), "2": page(job("b"), job("c"))}
    wire.breakage = lambda exchange: turns(exchange, pages)

    series = watch(aws, wire).scrape()

    assert sorted(labels["job_id"] for labels, _ in series.find("aws_backup_job_info")) == ["a", "b", "c"]
    assert series.value("aws_backup_jobs", state="RUNNING") == 3


def test_a_finished_id_on_two_pages(aws: Bench, wire: Wire) -> None:
    """A finished job that comes twice has finished once."""
    done = job("a", "COMPLETED", created=START - 60, CompletionDate=START + 1)
    pages = {"": page(done, done, token="2"), "2": page(done)}
    wire.breakage = lambda exchange: turns(exchange, pages)
    watched = watch(aws, wire)
    watched.scrape()

    series = watched.scrape()

    assert series.value("aws_backup_jobs_finished_total", state="COMPLETED") == 1
    assert len(series.find("aws_backup_job_info")) == 1


@pytest.mark.parametrize("sizes", [(0,), (0, 0, 1), (1, 0, 1, 0)])
def test_an_empty_page_in_between(aws: Bench, sizes: Sequence[int]) -> None:
    """A short or empty page with a token does not end the list."""
    for job_id in "abc":
        aws.account.put(job(job_id))
    aws.account.shorten_pages(*sizes)

    series = aws.watch().scrape()

    assert up(series) == 1
    assert sorted(labels["job_id"] for labels, _ in series.find("aws_backup_job_info")) == ["a", "b", "c"]


def test_the_same_token_for_ever(aws: Bench, wire: Wire, log: Log) -> None:
    """A list that never ends is malformed: up is 0, and what its pages told is not lost."""
    aws.account.put(job("a"))
    wire.breakage = only(LISTS, answers(200, page(job("a"), token="again")))

    series = watch(aws, wire).scrape()

    assert up(series) == 0
    assert log.failure["code"] == "malformed"
    assert "NextToken" in log.failure["reason"]
    assert calls(series, LIST, "ok") == 2
    assert series.state("a") == "RUNNING"


def test_tokens_that_take_turns(aws: Bench, wire: Wire, log: Log) -> None:
    """Tokens that lead round in a circle are found out as well."""
    pages = {"": page(token="x"), "x": page(token="y"), "y": page(token="x")}
    wire.breakage = lambda exchange: turns(exchange, pages)

    series = watch(aws, wire).scrape()

    assert up(series) == 0
    assert log.failure["code"] == "malformed"


def test_an_empty_token_ends_the_list(aws: Bench, wire: Wire) -> None:
    """A NextToken that is empty is none."""
    aws.account.put(job("a"))
    wire.breakage = only(LISTS, answers(200, json.dumps({"BackupJobs": [job("a")], "NextToken": ""})))

    assert up(watch(aws, wire).scrape()) == 1


def test_a_token_that_ran_out(aws: Bench, wire: Wire, log: Log) -> None:
    """When AWS refuses a token, the list is begun anew on the next scrape."""
    aws.account.put(job("a"))
    aws.account.put(job("b"))
    aws.account.shorten_pages(1)
    refused = answers(400, '{"message": "expired token"}', x_amzn_ErrorType="InvalidParameterValueException")
    wire.breakage = only("nextToken=", refused)
    watched = watch(aws, wire)

    series = watched.scrape()
    assert up(series) == 0
    assert log.failure["code"] == "InvalidParameterValueException"

    series = watched.scrape()
    assert up(series) == 1
    assert len(series.find("aws_backup_job_info")) == 2


class Earlier:
    """Three pages of what came before the start, the last of which breaks until it is mended.

    Attributes:
        tokens: those that were asked for.
    """

    def __init__(self, wire: Wire, breakage: Breakage) -> None:
        self.tokens: list[str] = []
        self._breakage: Breakage | None = breakage
        wire.breakage = self._answer

    def mend(self) -> None:
        """Let the last page through."""
        self._breakage = None

    def _answer(self, exchange: Exchange) -> None:
        asked = parse_qs(urlsplit(exchange.path).query)
        if asked.keys() & {"createdAfter", "createdBefore"} == {"createdBefore"} and "state" not in asked:
            exchange.give(200, page(token="2"))  # all earlier jobs, which are too many for one page
            return
        if asked.get("createdAfter") != [datetime.fromtimestamp(START - 6 * HOUR, UTC).strftime("%FT%TZ")]:
            exchange.forward()
            return
        [token] = asked.get("nextToken", [""])
        self.tokens.append(token)
        if token == "3" and self._breakage:
            self._breakage(exchange)
        else:
            exchange.give(200, self._pages[token])

    _pages: Mapping[str, str] = {
        "": page(job("a", "COMPLETED", created=START - 2 * HOUR), token="2"),
        "2": page(job("b", "COMPLETED", created=START - 3 * HOUR), token="3"),
        "3": page(job("c", "COMPLETED", created=START - 4 * HOUR)),
    }


def everything_is_there_in_the_end(watched: Watch, earlier: Earlier) -> bool:
    """Catch up while the last page breaks, and once more when it is mended."""
    watched.catch_up()
    assert {labels["job_id"] for labels, _ in watched.read().find("aws_backup_job_info")} == {"a", "b"}
    earlier.mend()
    watched.catch_up()
    return {labels["job_id"] for labels, _ in watched.read().find("aws_backup_job_info")} == {"a", "b", "c"}


@pytest.mark.parametrize(
    "breakage", [refuses("ServiceUnavailableException", 503), resets], ids=["503", "reset"]
)
def test_a_long_list_goes_on_where_it_broke(aws: Bench, wire: Wire, breakage: Breakage) -> None:
    """When one page of what came before the start breaks, that page is asked for again and none before it."""
    earlier = Earlier(wire, breakage)
    assert everything_is_there_in_the_end(watch(aws, wire), earlier)
    assert list(dict.fromkeys(earlier.tokens)) == ["", "2", "3"]
    assert Counter(earlier.tokens)[""] == Counter(earlier.tokens)["2"] == 1


def test_a_long_list_whose_token_ran_out_is_begun_anew(aws: Bench, wire: Wire) -> None:
    """When AWS refuses the token of a page, the list is read from its first page."""
    earlier = Earlier(wire, refuses("InvalidParameterValueException"))
    assert everything_is_there_in_the_end(watch(aws, wire), earlier)
    assert Counter(earlier.tokens)[""] > 1


def test_jobs_that_arrive_between_pages() -> None:
    """While new jobs arrive between the pages of a list, every job is published, and none twice."""
    clock = Clock()
    arrived: Counter[str] = Counter()

    def arrive(operation: str) -> None:
        if operation == LIST and arrived.total() < 20:
            arrived["n"] += 1
            job_id = f"new{arrived.total():02}"
            made.account.put(job(job_id, created=clock() + arrived.total() / 1000))

    with bench(clock, delay=arrive) as made:
        for number in range(20):
            made.account.put(job(f"old{number:02}", created=START - number))
        made.account.shorten_pages(*[3] * 10)
        watched = made.watch()
        for _ in range(3):
            clock.advance(15)
            series = watched.scrape()

        found = Counter(labels["job_id"] for labels, _ in series.find("aws_backup_job_info"))
        everything = {answer["BackupJobId"] for answer in made.account.jobs()}
        assert set(found) == everything
        assert set(found.values()) == {1}
        assert series.value("aws_backup_jobs", state="RUNNING") == len(everything)
        assert up(series) == 1

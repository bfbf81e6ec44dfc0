"""Two targets that turn out to be the same account and Region."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest

from exporter.config import Target
from exporter.model.records import Scope
from tests.faults.sight import Log, up
from tests.faults.wire import Wire
from tests.support.harness import REGION, Bench, Series, Watch, job


def targets(aws: Bench, wire: Wire, **settings: Any) -> tuple[Target, Target]:
    """Give two targets that reach the same account by different ways."""
    return (
        aws.target(name="one", **settings),
        aws.target(name="two", endpoint_url=wire.endpoint_url, labels={"team": "second"}, **settings),
    )


def start(aws: Bench, wire: Wire, **settings: Any) -> Watch:
    """Start an exporter with both; `one` comes first."""
    watch = aws.watch(*targets(aws, wire, **settings))
    watch.exporter.refresher.refresh(Scope("one", REGION)).all.result()
    return watch


def twice(series: Series) -> list[tuple[str, Mapping[str, str]]]:
    """Give the samples that come more than once, static labels aside."""
    keys = [
        (name, tuple(sorted((label, value) for label, value in labels.items() if label != "team")))
        for name, labels, _ in series.samples
    ]
    return [(name, dict(labels)) for (name, labels), times in Counter(keys).items() if times > 1]


def test_the_first_keeps_the_series(aws: Bench, wire: Wire, log: Log) -> None:
    """The first target is up with all series; the second's up is 0 and the log names both and the remedy."""
    aws.account.put(job("a"))
    watch = start(aws, wire)
    for state in ("RUNNING", "COMPLETED"):
        aws.account.put(job("a", state))
        aws.clock.advance(15)
        series = watch.scrape()
        assert (up(series, target="one"), up(series, target="two")) == (1, 0)
        assert series.state("a") == state
        assert "team" not in series.labels("aws_backup_job_info")
        assert twice(series) == []

    failure = log.failure
    assert failure["target"] == "two"
    assert "123456789012" in failure["reason"]
    assert "target one" in failure["reason"]
    assert "remove one" in failure["remedy"]


def test_whichever_comes_first(aws: Bench, wire: Wire, log: Log) -> None:
    """When both begin at once, one of them keeps the series and goes on to do so."""
    aws.account.put(job("a"))
    watch = aws.watch(*targets(aws, wire))
    holders = []
    for _ in range(3):
        series = watch.scrape()
        holders.append([name for name in ("one", "two") if up(series, target=name)])
        assert twice(series) == []
        aws.clock.advance(15)

    assert holders in ([["one"]] * 3, [["two"]] * 3)
    assert len(log.failures) == 1


@pytest.mark.parametrize("state", ["RUNNING", "COMPLETED"])
def test_discovered_late(aws: Bench, wire: Wire, state: str) -> None:
    """An account that is empty at first is found to be the same when its first job comes."""
    watch = start(aws, wire)
    series = watch.scrape()
    assert (up(series, target="one"), up(series, target="two")) == (1, 1)
    aws.account.put(job("a", state))
    aws.clock.advance(15)
    watch.exporter.refresher.refresh(Scope("one", REGION)).all.result()

    series = watch.scrape()

    assert (up(series, target="one"), up(series, target="two")) == (1, 0)
    assert twice(series) == []


def test_a_job_that_tells_no_account(aws: Bench, wire: Wire) -> None:
    """A job with neither an account nor an ARN comes once, too."""
    aws.account.put({"BackupJobId": "a", "State": "CREATED", "CreationDate": aws.clock()})
    watch = start(aws, wire)

    assert twice(watch.scrape()) == []


def test_a_configured_job_in_both(aws: Bench, wire: Wire) -> None:
    """A job id that both targets have is published once."""
    aws.account.put(job("a", "COMPLETED"))
    watch = start(aws, wire, job_ids=("a",))

    series = watch.scrape()

    assert (up(series, target="one"), up(series, target="two")) == (1, 0)
    assert twice(series) == []


def test_two_accounts_in_one_region(aws: Bench, wire: Wire) -> None:
    """Two accounts in one Region are two: both are up and both have series."""
    aws.account.put(job("a"))
    other = dict(job("b")) | {"AccountId": "210987654321"}
    of_other = {"/backup-jobs/b": other, "/backup-jobs/": {"BackupJobs": [other]}}
    wire.breakage = lambda exchange: exchange.give(200, json.dumps(of_other[urlsplit(exchange.path).path]))
    watch = start(aws, wire)

    series = watch.scrape()

    assert (up(series, target="one"), up(series, target="two")) == (1, 1)
    accounts = {
        labels["job_id"]: labels["aws_account_id"] for labels, _ in series.find("aws_backup_job_info")
    }
    assert accounts == {"a": "123456789012", "b": "210987654321"}

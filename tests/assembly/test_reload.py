"""Another configuration takes the place of the one in force."""

import gc
import logging
import weakref
from collections.abc import Callable
from concurrent.futures import wait
from contextlib import ExitStack

import pytest

from exporter.config import Config, ConfigError, Problem, Target
from exporter.web.routes import Site
from tests.assembly.reloading import Running
from tests.e2e.http import ask, asked, read
from tests.e2e.process import PATIENCE, until
from tests.support.harness import Bench, job
from tests.web.served import served

RELOADED = "aws_backup_exporter_config_last_reload_successful"
RELOADED_AT = "aws_backup_exporter_config_last_reload_success_timestamp_seconds"


Start = Callable[..., Running]


@pytest.fixture
def start(aws: Bench, request: pytest.FixtureRequest) -> Start:
    """Start an exporter on a configuration file."""

    def begin(config: Config, read_timeout: float = PATIENCE) -> Running:
        running = Running(aws, config, read_timeout)
        request.addfinalizer(lambda: running.reloader.exporter.stop())
        request.addfinalizer(running.file.answers.set)
        return running

    return begin


def config(*targets: Target, **settings: object) -> Config:
    """A configuration that collects backup jobs."""
    return Config.model_validate({"collectors": ("backup_jobs",), **settings, "targets": targets})


@pytest.fixture
def east(aws: Bench) -> Target:
    """A target in a Region of its own."""
    return aws.target(name="east", regions=("us-east-1",))


@pytest.fixture
def west(aws: Bench) -> Target:
    """A target in another Region."""
    return aws.target(name="west", regions=("eu-west-1",))


def test_an_added_target_is_watched(aws: Bench, start: Start, east: Target, west: Target) -> None:
    """A target that a reload adds has its series on the next scrape."""
    aws.server.account("us-east-1").put(job("new"))
    running = start(config(west))
    assert not running.scrape().find("aws_backup_up", target="east")
    running.reload(config(west, east))
    series = running.scrape()
    assert series.value("aws_backup_up", target="east", collector="backup_jobs") == 1
    assert series.state("new") == "RUNNING"


def test_an_added_target_catches_up_unasked(aws: Bench, start: Start, east: Target, west: Target) -> None:
    """While the exporter runs, a target that a reload adds is asked for before any scrape."""
    running = start(config(west))
    running.reloader.exporter.refresher.start()
    running.reload(config(west, east))
    until(lambda: "ListBackupJobs" in {call.operation for call in aws.server.account("us-east-1").calls})


def test_a_removed_target_leaves_no_series(aws: Bench, start: Start, east: Target, west: Target) -> None:
    """No series names a target that a reload removed, nor a job of it."""
    aws.server.account("us-east-1").put(job("gone"))
    running = start(config(west, east))
    assert running.scrape().state("gone") == "RUNNING"
    running.reload(config(west))
    text = running.scrape().text
    assert "gone" not in text
    assert "us-east-1" not in text


def test_a_removed_target_leaves_no_memory(start: Start, east: Target, west: Target) -> None:
    """What was known of a target that a reload removed is garbage, its background thread ended."""
    both = ("backup_jobs", "vaults")
    running = start(config(west, east, collectors=both))
    running.reloader.exporter.refresher.start()
    running.scrape()
    ledger = weakref.ref(running.ledger("east"))
    running.reload(config(west, collectors=both))

    def is_gone() -> bool:
        gc.collect()
        return ledger() is None

    until(is_gone)


def test_a_removed_target_is_not_asked_again(aws: Bench, start: Start, east: Target, west: Target) -> None:
    """AWS hears no more of a target that a reload removed."""
    running = start(config(west, east))
    running.scrape()
    running.reload(config(west))
    calls = len(aws.server.account("us-east-1").calls)
    running.scrape()
    assert len(aws.server.account("us-east-1").calls) == calls


def test_what_stays_the_same_keeps_what_it_knows(start: Start, east: Target, west: Target) -> None:
    """A target that a reload leaves as it was keeps its ledger, and so its counters."""
    running = start(config(west, east))
    ledger = running.ledger("west")
    running.reload(config(east, west))
    assert running.ledger("west") is ledger


@pytest.mark.parametrize(
    "settings",
    [
        {"discovery": {"window": 3600.0}},
        {"limits": {"max_jobs": 5}},
        {"collectors": ("backup_jobs", "copy_jobs")},
        {
            "collectors": ("backup_jobs", "resources"),
            "expectations": (
                {"resource_arn": "arn:aws:ec2:eu-west-1:123456789012:volume/vol-1", "within": 3600.0},
            ),
        },
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_other_settings_take_effect(start: Start, west: Target, settings: dict[str, object]) -> None:
    """A target starts anew where a setting that it depends on has changed."""
    running = start(config(west))
    ledger = running.ledger("west")
    running.reload(config(west, **settings))
    assert running.ledger("west") is not ledger


@pytest.mark.parametrize(
    "settings",
    [{"api": {"requests_per_second": 1.0}}, {"inventory": {"enabled": False, "resource_types": ("EBS",)}}],
    ids=lambda settings: next(iter(settings)),
)
def test_settings_of_calls_keep_what_is_known(
    start: Start, west: Target, settings: dict[str, object]
) -> None:
    """A target whose calls change keeps its jobs and counters, and gets new collectors."""
    running = start(config(west))
    ledger = running.ledger("west")
    before = running.reloader.exporter.targets[0].scopes[0].refresh
    running.reload(config(west, **settings))
    assert running.ledger("west") is ledger
    assert running.reloader.exporter.targets[0].scopes[0].refresh is not before


def test_another_region_keeps_what_is_known_of_the_first(start: Start, west: Target) -> None:
    """A target to which a Region is added keeps the jobs and counters of its other Regions."""
    running = start(config(west))
    ledger = running.ledger("west")
    more = west.model_copy(update={"regions": (*west.regions, "ap-south-1")})
    running.reload(config(more))
    assert running.ledger("west") is ledger
    assert len(running.reloader.exporter.ledgers) == 2


def test_a_changed_target_takes_its_own_place(aws: Bench, start: Start, west: Target) -> None:
    """A target with another label has its series once, with that label; it does not clash with itself."""
    aws.account.put(job("a"))
    running = start(config(west))
    running.scrape()
    running.reload(config(west.model_copy(update={"labels": {"team": "storage"}})))
    [(labels, _)] = running.scrape().find("aws_backup_job_state", job_id="a")
    assert labels["team"] == "storage"


def test_an_account_is_free_once_its_target_is_gone(aws: Bench, start: Start, west: Target) -> None:
    """A target with another name may publish the account of one that a reload removed."""
    aws.account.put(job("a"))
    running = start(config(west))
    running.scrape()
    running.reload(config(west.model_copy(update={"name": "renamed"})))
    series = running.scrape()
    assert series.value("aws_backup_up", target="renamed", collector="backup_jobs") == 1
    assert series.state("a") == "RUNNING"


def test_a_bad_configuration_changes_nothing(aws: Bench, start: Start, west: Target) -> None:
    """A reload that fails raises, and what is published goes on."""
    aws.account.put(job("a"))
    running = start(config(west))
    before = running.reloader.exporter
    running.file.break_()
    with pytest.raises(ConfigError):
        running.reloader.reload()
    assert running.reloader.exporter is before
    assert running.scrape().state("a") == "RUNNING"


def test_a_reload_fails_when_the_web_configuration_is_invalid(
    start: Start, east: Target, west: Target
) -> None:
    """A mistake in the file beside keeps a good configuration from coming into force."""
    running = start(config(west))
    running.web_config_error = ConfigError([Problem("web.yaml", 1, 1, "tls", "unknown key")])
    with pytest.raises(ConfigError):
        running.reload(config(west, east))
    assert [ledger.scope.target for ledger in running.reloader.exporter.ledgers] == ["west"]


def test_the_metrics_tell_of_a_reload_that_failed(aws: Bench, start: Start, west: Target) -> None:
    """A failed reload sets the gauge to 0 and leaves the time of the last good one; a good one sets both."""
    running = start(config(west))
    good = aws.clock.now
    aws.clock.advance(60)
    running.file.break_()
    with pytest.raises(ConfigError):
        running.reloader.reload()
    series = running.scrape()
    assert (series.value(RELOADED), series.value(RELOADED_AT)) == (0, good)
    running.reload(config(west))
    series = running.scrape()
    assert (series.value(RELOADED), series.value(RELOADED_AT)) == (1, good + 60)


def test_the_reason_is_kept_until_a_reload_succeeds(start: Start, west: Target) -> None:
    """Why the last reload failed can be told, and is forgotten with the next good one."""
    running = start(config(west))
    running.file.break_()
    with pytest.raises(ConfigError):
        running.reloader.reload()
    assert running.reloader.last_reload.reason == "config.yaml:3:5: targets[0].regoins: unknown key"
    running.reload(config(west))
    assert running.reloader.last_reload.successful
    assert not running.reloader.last_reload.reason


def test_the_log_says_why(caplog: pytest.LogCaptureFixture, start: Start, west: Target) -> None:
    """Each problem of a refused configuration has a line in the log."""
    running = start(config(west))
    running.file.break_()
    with caplog.at_level(logging.ERROR), pytest.raises(ConfigError):
        running.reloader.reload()
    assert [record.__dict__["reason"] for record in caplog.records] == [
        "config.yaml:3:5: targets[0].regoins: unknown key"
    ]


SOON = 0.05  # seconds; whoever waits in vain need not wait for long


def test_a_read_that_hangs_is_given_up(start: Start, east: Target, west: Target) -> None:
    """A reload that cannot read in time is refused, with the reason, and changes nothing."""
    running = start(config(west), SOON)
    running.file.answers.clear()
    with pytest.raises(
        ConfigError, match=r"^the files could not be read within 0.05 seconds; check that the file systems"
    ):
        running.reload(config(west, east))
    assert [ledger.scope.target for ledger in running.reloader.exporter.ledgers] == ["west"]
    assert running.scrape().value(RELOADED) == 0
    assert not running.reloader.last_reload.successful


def test_what_comes_too_late_is_dropped(start: Start, east: Target, west: Target) -> None:
    """What a read gives that was given up does not take effect; the next reload reads anew."""
    running = start(config(west), SOON)
    running.file.answers.clear()
    with pytest.raises(ConfigError):
        running.reload(config(west, east))
    running.file.answers.set()

    def is_read_anew() -> bool:
        assert [ledger.scope.target for ledger in running.reloader.exporter.ledgers] == ["west"]
        try:
            running.reload(config(east))
        except ConfigError:
            return False
        return True

    until(is_read_anew)
    assert [ledger.scope.target for ledger in running.reloader.exporter.ledgers] == ["east"]
    assert running.scrape().value(RELOADED) == 1


def test_one_read_hangs_and_no_more(start: Start, west: Target) -> None:
    """While a read hangs no other is begun: each would keep a thread."""
    running = start(config(west), SOON)
    running.file.answers.clear()
    before = running.file.reads
    for _ in range(3):
        with pytest.raises(ConfigError, match="could not be read within"):
            running.reloader.reload()
    until(lambda: running.file.reads > before)
    assert running.file.reads == before + 1


def test_who_asks_meanwhile_shares_the_next(start: Start, east: Target, west: Target) -> None:
    """Reloads that are asked for while one reads are one more, which sees what was saved meanwhile."""
    running = start(config(west))
    before = running.file.reads
    running.file.answers.clear()
    asked = running.ask(45)
    running.file.content = config(west, east)
    running.file.answers.set()
    assert not wait(asked, PATIENCE).not_done
    assert running.file.reads == before + 2
    assert [ledger.scope.target for ledger in running.reloader.exporter.ledgers] == ["west", "east"]


def test_who_gives_up_waiting_cancels_nothing(start: Start, west: Target) -> None:
    """One who no longer waits for a reload leaves it to the others."""
    running = start(config(west))
    running.file.answers.clear()
    asked = running.ask(3)
    assert not asked[2].cancel()
    running.file.answers.set()
    assert asked[1].result(PATIENCE) is None


def test_a_failure_of_ours_ends_no_reloads(
    caplog: pytest.LogCaptureFixture, start: Start, west: Target
) -> None:
    """A failure that is a bug is logged, and the next reload works."""
    running = start(config(west))
    running.file.content = None  # type: ignore[assignment] # nothing that could be assembled
    with pytest.raises(AttributeError):
        running.reloader.reload()
    assert "Unexpected error" in caplog.text
    running.reload(config(west))
    assert running.reloader.last_reload.successful


def test_answers_while_a_read_hangs(start: Start, west: Target) -> None:
    """However many wait for a reload that hangs, health and metrics are answered, and so is the end.

    Those who wait are told that the configuration is not in force.
    """
    running = start(config(west))
    site = Site("/metrics", running.reloader, lifecycle=True)
    running.file.answers.clear()
    with served(app=site.app()) as server, ExitStack() as stack:
        address = f"127.0.0.1:{server.port}"
        waiting = [stack.enter_context(asked(address, "/-/reload", method="POST")) for _ in range(60)]
        for path in ("/-/healthy", "/-/ready", "/metrics", "/", "/config"):
            assert ask(address, path).status == 200
        server.loop.call_soon_threadsafe(site.stopping.set)
        answers = [read(connection.getresponse()) for connection in waiting]
    assert {answer.status for answer in answers} == {500}
    assert {answer.text for answer in answers} == {
        "The reload is still running, with the previous configuration in use; see the log for its result.\n"
    }

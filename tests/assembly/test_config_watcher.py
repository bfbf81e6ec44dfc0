"""The watcher of the configuration file: when it is read again, and when it is left alone."""

import os
import threading
from pathlib import Path
from threading import Semaphore

import pytest

from exporter.assembly.config_watcher import RETRY_INTERVAL, ConfigWatcher
from exporter.config import SETTLE_TIME, Config, ConfigError, load_file
from exporter.model import Reload
from tests.e2e.process import until
from tests.support.volume import Volume

START = 1_800_000_000.0  # seconds since the epoch
ONE = "targets: [{name: one}]\n"
TWO = "targets: [{name: one}, {name: two, regions: [us-east-1]}]\n"
BAD = "targets: [{name: one, regoins: [eu-west-1]}]\n"


class Watched:
    """A configuration file under a watcher, whose changes are dated by a clock that moves when told."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "config.yaml"
        self.now = START
        self.reloads = 0
        self.last_reload = Reload(True, START)
        self.write(ONE)
        self.watcher = ConfigWatcher(str(self.path), lambda: load_file(self.path), lambda: self.now)
        self.config: Config = self.watcher.read()
        self.now += SETTLE_TIME

    def write(self, text: str) -> None:
        """Change the file now."""
        self.path.write_text(text)
        self.date(self.path)

    def date(self, path: Path) -> None:
        """Let a file have changed now."""
        os.utime(path, (self.now, self.now))

    def reload(self) -> None:
        """Read the file again, as the reloader does."""
        self.reloads += 1
        try:
            self.config = self.watcher.read()
        except ConfigError as error:
            self.last_reload = Reload(False, START, str(error))
            raise
        self.last_reload = Reload(True, self.now)

    def targets(self, after: float = SETTLE_TIME) -> list[str]:
        """Give the targets in force after one more check, so many seconds later."""
        self.now += after
        self.watcher.check(self)
        return [target.name for target in self.config.targets]


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    """A configuration file with one target."""
    return Watched(tmp_path)


def test_an_unchanged_file_is_left_alone(watched: Watched) -> None:
    """A file that is as it was is not read again, however long that lasts."""
    assert watched.targets(after=10 * RETRY_INTERVAL) == ["one"]
    assert watched.reloads == 0


def test_a_changed_file_is_in_force(watched: Watched) -> None:
    """A file that was written in place is read at the next check, once."""
    watched.write(TWO)
    assert watched.targets() == ["one", "two"]
    assert watched.targets() == ["one", "two"]
    assert watched.reloads == 1


def test_a_file_that_is_being_written_waits(watched: Watched) -> None:
    """A file that was written a moment ago may be incomplete, and waits for the next check."""
    watched.write(TWO)
    assert watched.targets(after=SETTLE_TIME / 2) == ["one"]
    assert watched.targets(after=SETTLE_TIME / 2) == ["one", "two"]


def test_a_replaced_file_of_the_same_age_and_size(watched: Watched) -> None:
    """A file that takes the place of another with the same size and time is noticed."""
    new = watched.path.with_name("new")
    new.write_text(ONE.replace("one", "eno"))
    os.utime(new, (START, START))
    new.replace(watched.path)
    assert watched.targets() == ["eno"]


def test_a_swapped_volume_is_noticed(tmp_path: Path) -> None:
    """A file behind the symbolic link `..data`, which Kubernetes swaps, is read when the link is swapped."""
    volume = Volume(tmp_path)
    volume.write({"config.yaml": ONE})
    watched = Watched(tmp_path)
    for path in volume.write({"config.yaml": TWO}):
        watched.date(path)
    assert watched.targets() == ["one", "two"]


def test_a_bad_file_is_kept_out(watched: Watched) -> None:
    """A file with a mistake leaves the configuration in force and is not tried at each check."""
    watched.write(BAD)
    assert watched.targets() == ["one"]
    assert watched.targets() == ["one"]
    assert watched.reloads == 1
    assert 'unknown key; did you mean "regions"?' in watched.last_reload.reason


def test_a_bad_file_is_tried_again(watched: Watched) -> None:
    """A file that could not be used is tried once a minute: what it refers to may have been corrected."""
    watched.write(BAD)
    watched.targets()
    watched.targets(after=RETRY_INTERVAL)
    assert watched.reloads == 2
    watched.targets()
    assert watched.reloads == 2


def test_a_corrected_file_is_in_force(watched: Watched) -> None:
    """A mistake that is corrected ends with the next check."""
    watched.write(BAD)
    watched.targets()
    watched.write(TWO)
    assert watched.targets() == ["one", "two"]


def test_a_file_that_is_gone_and_comes_back(watched: Watched) -> None:
    """A file that was removed is a failed reload; when it is back, unchanged, it is read."""
    aside = watched.path.rename(watched.path.with_name("aside"))
    assert watched.targets() == ["one"]
    assert "the file does not exist" in watched.last_reload.reason
    aside.rename(watched.path)
    watched.targets()
    assert watched.last_reload.successful


def test_a_reload_on_request_counts(watched: Watched) -> None:
    """A change that a signal or a request has brought into force is not read a second time."""
    watched.write(TWO)
    watched.reload()
    assert watched.targets() == ["one", "two"]
    assert watched.reloads == 1


def test_a_change_while_it_is_read(tmp_path: Path) -> None:
    """A file that changes while it is read is read again: the stamp is that from before."""
    watched = Watched(tmp_path)

    def read() -> Config:
        config = load_file(watched.path)
        if watched.reloads == 0:
            watched.write(TWO)
        return config

    watched.watcher = ConfigWatcher(str(watched.path), read, lambda: watched.now)
    watched.config = watched.watcher.read()
    assert watched.targets() == ["one", "two"]


class Sleep:
    """Sleeps until it is woken."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self._wake = Semaphore(0)

    def __call__(self, seconds: float) -> None:
        """Sleep."""
        self.asked.append(seconds)
        self._wake.acquire()

    def end(self) -> None:
        """Wake the sleeper, and wait until it sleeps again."""
        before = len(self.asked)
        self._wake.release()
        until(lambda: len(self.asked) > before)


def test_it_is_checked_at_intervals(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    """The file is checked after each interval; an unexpected error is logged and does not end that."""
    sleep = Sleep()
    watched.watcher.watch(watched, 5, sleep)
    until(lambda: sleep.asked)
    working, watched.watcher = watched.watcher, None  # type: ignore[assignment] # reloads fail now
    watched.write(TWO)
    watched.now += SETTLE_TIME
    sleep.end()
    assert "Unexpected error" in caplog.text
    watched.watcher = working
    sleep.end()
    assert [target.name for target in watched.config.targets] == ["one", "two"]
    assert sleep.asked == [5, 5, 5]


@pytest.mark.parametrize("path", [None, "config.yaml"], ids=str)
def test_nothing_is_watched_unless_wanted(watched: Watched, path: str | None) -> None:
    """Without a file, or without an interval, no thread is started."""
    before = threading.active_count()
    watcher = ConfigWatcher(path, Config, lambda: START)
    sleep = Sleep()
    watcher.watch(watched, 0 if path else 5, sleep)
    assert threading.active_count() == before
    assert watcher.read() == Config()

"""The configuration in force, and how another takes its place while the exporter runs."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress

from exporter.assembly.assembly import Assembler, Exporter
from exporter.config import Config, ConfigError, Problem
from exporter.exposition import Telemetry
from exporter.model import Reload

log = logging.getLogger(__name__)

PATIENCE = 5.0  # seconds to read all files; a file system that is gone would keep us for ever


class Reloader:
    """The exporter for the configuration in force. May be used from several threads.

    Args:
        read: reads the configuration anew; raises ConfigError with all that is wrong with it.
        assembler: builds the exporter for a configuration.
        read_along: reads anew, with each reload, what was read before the start; raises ConfigError likewise.
        telemetry: told how each reading ended.
        clock: seconds since 1970.
        patience: seconds that a reload may take to read.

    Raises:
        ConfigError: the first configuration cannot be used.
    """

    def __init__(
        self,
        read: Callable[[], Config],
        assembler: Assembler,
        *,
        read_along: Callable[[], None],
        telemetry: Telemetry,
        clock: Callable[[], float],
        patience: float = PATIENCE,
    ) -> None:
        def read_all() -> Config:
            config = read()
            read_along()
            return config

        self._read = _Bounded(read_all, patience)
        self._assembler = assembler
        self._telemetry = telemetry
        self._clock = clock
        self._reloads = _OneAtATime(self._reload)
        self._exporter = assembler.assemble(read())
        self._last_reload = self._took_effect()

    @property
    def exporter(self) -> Exporter:
        """The exporter for the configuration in force."""
        return self._exporter

    @property
    def last_reload(self) -> Reload:
        """How the configuration was last read."""
        return self._last_reload

    def begin_reload(self) -> Future[None]:
        """Begin to read the configuration again and put it in force; one that is wrong changes nothing.

        One reload runs at a time, in a thread of its own. All who ask while one runs share the next.

        Returns:
            What to wait for. It raises ConfigError when the configuration is wrong or cannot be read in time;
            that has been said in the log and in the metrics by then.
        """
        return self._reloads.begin()

    def reload(self) -> None:
        """Read the configuration again, put it in force, and wait for that.

        Raises:
            ConfigError: as `begin_reload` tells.
        """
        self.begin_reload().result()

    def _reload(self) -> None:
        try:
            self._exporter = self._assembler.assemble(self._read())
        except ConfigError as error:
            self._telemetry.configuration_refused()
            self._last_reload = Reload(False, self._last_reload.succeeded_at, str(error))
            for problem in error.problems:
                log.error("configuration refused, the one before stays", extra={"reason": str(problem)})
            raise
        self._last_reload = self._took_effect()
        log.info("configuration reloaded", extra={"targets": len(self._exporter.config.targets)})

    def _took_effect(self) -> Reload:
        now = self._clock()
        self._telemetry.configuration_read(now)
        return Reload(True, now)


class _Bounded:
    """Reads for so long and no longer; what comes later is dropped.

    A read that hangs is left alone in its thread, and no other begins before it has ended.
    """

    def __init__(self, read: Callable[[], Config], patience: float) -> None:
        self._read = read
        self._patience = patience
        self._under_way: Future[Config] | None = None

    def __call__(self) -> Config:
        if self._under_way is None or self._under_way.done():
            self._under_way = Future()
            _in_background(self._fulfil, self._under_way)
            with suppress(TimeoutError):
                return self._under_way.result(self._patience)
        message = (
            f"not read within {self._patience:g} seconds; check that the file systems "
            "of the configuration, the web configuration and the certificates answer"
        )
        raise ConfigError([Problem("", 0, 0, "", message)])

    def _fulfil(self, outcome: Future[Config]) -> None:
        try:
            outcome.set_result(self._read())
        except BaseException as error:
            outcome.set_exception(error)


class _OneAtATime:
    """Does something in a thread of its own, once at a time; who asks meanwhile shares the next time."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._next: Future[None] | None = None
        self._at_work = False

    def begin(self) -> Future[None]:
        """Do it, or do it once more; returns what to wait for."""
        with self._lock:
            if self._next is None:
                self._next = Future()
                self._next.set_running_or_notify_cancel()  # who gives up waiting cancels it for nobody
            if not self._at_work:
                self._at_work = True
                _in_background(self._work_off)
            return self._next

    def _work_off(self) -> None:
        while wanted := self._take():
            try:
                self._work()
            except ConfigError as error:
                wanted.set_exception(error)
            except BaseException as error:
                log.exception("the exporter has a bug")
                wanted.set_exception(error)
            else:
                wanted.set_result(None)

    def _take(self) -> Future[None] | None:
        with self._lock:
            wanted, self._next = self._next, None
            self._at_work = wanted is not None
            return wanted


def _in_background(work: Callable[..., None], *arguments: object) -> None:
    threading.Thread(target=work, args=arguments, name="reload", daemon=True).start()

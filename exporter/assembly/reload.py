"""Holds the exporter for the current configuration and replaces it on a reload."""

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

READ_TIMEOUT = 5.0  # seconds to read all files; a file system that does not respond would block forever


class Reloader:
    """Holds the exporter for the current configuration. Thread-safe.

    Args:
        read: reads the configuration; raises ConfigError with all problems.
        assembler: builds the exporter for a configuration.
        reload_web_config: reads the web configuration again; raises ConfigError with all problems.
        telemetry: records the result of each reload.
        clock: seconds since 1970.
        read_timeout: how long a reload may take to read all files, in seconds.

    Raises:
        ConfigError: the initial configuration is invalid.
    """

    def __init__(
        self,
        read: Callable[[], Config],
        assembler: Assembler,
        *,
        reload_web_config: Callable[[], None],
        telemetry: Telemetry,
        clock: Callable[[], float],
        read_timeout: float = READ_TIMEOUT,
    ) -> None:
        def read_all() -> Config:
            config = read()
            reload_web_config()
            return config

        self._read = _ReadWithTimeout(read_all, read_timeout)
        self._assembler = assembler
        self._telemetry = telemetry
        self._clock = clock
        self._reloads = _SerialRunner(self._reload)
        self._rebuilds = _SerialRunner(self._rebuild)
        self._exporter_lock = threading.Lock()
        assembler.on_members = self._rebuilds.begin
        self._exporter = assembler.assemble(read())
        self._last_reload = self._record_success()

    @property
    def exporter(self) -> Exporter:
        """The exporter for the current configuration."""
        return self._exporter

    @property
    def last_reload(self) -> Reload:
        """The result of the last reload."""
        return self._last_reload

    def begin_reload(self) -> Future[None]:
        """Start to reload the configuration. An invalid configuration changes nothing.

        Reloads run one at a time, in a separate thread. Requests that arrive during a reload share the next.

        Returns:
            A future that is done after the reload. It raises ConfigError when the configuration is invalid or
            cannot be read in time; the log and the metrics report that too.
        """
        return self._reloads.begin()

    def reload(self) -> None:
        """Reload the configuration and wait until that is done.

        Raises:
            ConfigError: see `begin_reload`.
        """
        self.begin_reload().result()

    def rebuild(self) -> None:
        """Build the exporter again with the members of organizations that are known now."""
        self._rebuilds.begin().result()

    def _rebuild(self) -> None:
        """Build the exporter again, because the members of an organization have changed."""
        with self._exporter_lock:
            self._exporter = self._assembler.assemble(self._exporter.config)

    def _reload(self) -> None:
        try:
            config = self._read()
            with self._exporter_lock:
                self._exporter = self._assembler.assemble(config)
        except ConfigError as error:
            self._telemetry.configuration_refused()
            self._last_reload = Reload(False, self._last_reload.succeeded_at, str(error))
            for problem in error.problems:
                log.error(
                    "Configuration reload failed; keeping the previous configuration",
                    extra={"reason": str(problem)},
                )
            raise
        self._last_reload = self._record_success()
        log.info("Configuration reloaded", extra={"targets": len(self._exporter.config.targets)})

    def _record_success(self) -> Reload:
        now = self._clock()
        self._telemetry.configuration_read(now)
        return Reload(True, now)


class _ReadWithTimeout:
    """Reads the configuration with a timeout. A result that arrives later is discarded.

    A read that hangs stays in its thread; no other read starts before it has ended.
    """

    def __init__(self, read: Callable[[], Config], timeout: float) -> None:
        self._read = read
        self._timeout = timeout
        self._future: Future[Config] | None = None

    def __call__(self) -> Config:
        if self._future is None or self._future.done():
            self._future = Future()
            _start_thread(self._run, self._future)
            with suppress(TimeoutError):
                return self._future.result(self._timeout)
        message = (
            f"the files could not be read within {self._timeout:g} seconds; check that the file systems "
            "of the configuration, the web configuration and the certificates respond"
        )
        raise ConfigError([Problem("", 0, 0, "", message)])

    def _run(self, future: Future[Config]) -> None:
        try:
            future.set_result(self._read())
        except BaseException as error:
            future.set_exception(error)


class _SerialRunner:
    """Runs a function in a separate thread, one run at a time. Requests during a run share the next run."""

    def __init__(self, run: Callable[[], None]) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._next: Future[None] | None = None
        self._running = False

    def begin(self) -> Future[None]:
        """Request a run; return a future that is done after it."""
        with self._lock:
            if self._next is None:
                self._next = Future()
                self._next.set_running_or_notify_cancel()  # one waiter must not cancel it for the others
            if not self._running:
                self._running = True
                _start_thread(self._run_pending)
            return self._next

    def _run_pending(self) -> None:
        while future := self._take_next():
            try:
                self._run()
            except ConfigError as error:
                future.set_exception(error)
            except BaseException as error:
                log.exception("Unexpected error; please report it as a bug")
                future.set_exception(error)
            else:
                future.set_result(None)

    def _take_next(self) -> Future[None] | None:
        with self._lock:
            future, self._next = self._next, None
            self._running = future is not None
            return future


def _start_thread(function: Callable[..., None], *arguments: object) -> None:
    threading.Thread(target=function, args=arguments, name="reload", daemon=True).start()

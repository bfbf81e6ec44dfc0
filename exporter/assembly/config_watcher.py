"""Reloads the configuration when its file changed."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from exporter.config import Config, ConfigError, Stamp, settled, stamp
from exporter.model import Reload

log = logging.getLogger(__name__)

RETRY_INTERVAL = 60.0
"""Seconds until an invalid or unreadable file is tried again, even if it did not change."""


class Reloads(Protocol):
    """Reloads the configuration."""

    @property
    def last_reload(self) -> Reload:
        """The result of the last reload."""

    def reload(self) -> None:
        """Reload, log the result, and raise ConfigError if the configuration is invalid."""


class ConfigWatcher:
    """Reads the configuration file and reloads it when it changed.

    The file may be replaced or written in place, or be a symbolic link to another file, also through its
    directories, as in a Kubernetes volume. A file that was written less than SETTLE_TIME ago may be
    incomplete; it waits for the next check.

    Args:
        path: the configuration file, if any.
        read: reads it; raises ConfigError with all problems.
        clock: seconds since 1970.
    """

    def __init__(self, path: str | None, read: Callable[[], Config], clock: Callable[[], float]) -> None:
        self._path = path
        self._read = read
        self._clock = clock
        self._last_read: tuple[Stamp, float] = None, 0.0  # the file's stamp before it was read, and when

    def read(self) -> Config:
        """Read the configuration. Each reload must read it by this method, whatever requested the reload.

        Raises:
            ConfigError: it is invalid; holds all problems.
        """
        self._last_read = self._stamp(), self._clock()
        return self._read()

    def watch(self, reloads: Reloads, interval: float, sleep: Callable[[float], object] = time.sleep) -> None:
        """Start to check for changes in the background, every `interval` seconds; 0: never."""
        if self._path is not None and interval:
            arguments = (reloads, interval, sleep)
            threading.Thread(target=self._watch, args=arguments, name="configuration", daemon=True).start()

    def check(self, reloads: Reloads) -> None:
        """Reload the file if it changed, or if it could not be used RETRY_INTERVAL ago."""
        if self._is_due(failed=not reloads.last_reload.successful):
            with suppress(ConfigError):  # the reload has logged it
                reloads.reload()

    def _is_due(self, *, failed: bool) -> bool:
        now, current = self._clock(), self._stamp()
        last, read_at = self._last_read
        if current == last:
            return failed and abs(now - read_at) >= RETRY_INTERVAL
        return settled([current], now)

    def _stamp(self) -> Stamp:
        return None if self._path is None else stamp(self._path)

    def _watch(self, reloads: Reloads, interval: float, sleep: Callable[[float], object]) -> None:
        while True:
            sleep(interval)
            try:
                self.check(reloads)
            except Exception:
                log.exception("Unexpected error; please report it as a bug")

"""The configuration in force, and how another takes its place while the exporter runs."""

import logging
import threading
from collections.abc import Callable

from exporter.assembly import Assembler, Exporter
from exporter.config import Config, ConfigError
from exporter.model import Reload
from exporter.telemetry import Telemetry

log = logging.getLogger(__name__)


class InForce:
    """The exporter for the configuration in force. May be used from several threads.

    Args:
        read: reads the configuration anew; raises ConfigError with all that is wrong with it.
        assembler: builds the exporter for a configuration.
        read_along: reads anew, with each reload, what was read before the start; raises ConfigError likewise.
        telemetry: told how each reading ended.
        clock: seconds since 1970.

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
    ) -> None:
        self._read = read
        self._assembler = assembler
        self._read_along = read_along
        self._telemetry = telemetry
        self._clock = clock
        self._lock = threading.Lock()
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

    def reload(self) -> None:
        """Read the configuration again and put it in force; one that is wrong changes nothing.

        Raises:
            ConfigError: it is wrong. That has been said in the log and in the metrics.
        """
        with self._lock:
            try:
                config = self._read()
                self._read_along()
                self._exporter = self._assembler.assemble(config)
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

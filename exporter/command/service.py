"""What the exporter reports to systemd while it serves."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future

from exporter.config import ConfigError
from exporter.runtime import Secrets, ServiceManager

PINGS_PER_TIMEOUT = 3  # more than the usual two, because a busy machine delays them


class Service:
    """Reports to systemd when the exporter is ready, reloads and stops, and that it works.

    Use it in the event loop only.

    Args:
        manager: where to report.
        begin_reload: starts to reload the configuration; the future raises ConfigError if it is invalid.
        is_responsive: whether the refresh still works.
        secrets: what to mask in reports.
    """

    def __init__(
        self,
        manager: ServiceManager,
        *,
        begin_reload: Callable[[], Future[None]],
        is_responsive: Callable[[], bool],
        secrets: Secrets,
    ) -> None:
        self._manager = manager
        self._begin_reload = begin_reload
        self._is_responsive = is_responsive
        self._secrets = secrets
        self._reloads: set[asyncio.Task[None]] = set()

    def ready(self, status: str) -> None:
        """Report that the exporter listens."""
        self._manager.ready(self._secrets.clean(" ".join(status.split())))

    def reload(self) -> None:
        """Start to reload the configuration, and report the beginning and the result."""
        self._manager.reloading()
        task = asyncio.create_task(self._reload())
        self._reloads.add(task)
        task.add_done_callback(self._reloads.discard)

    def stopping(self) -> None:
        """Report that the exporter stops."""
        self._manager.stopping()

    async def keep_alive(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Report regularly that the exporter works, if systemd expects that.

        The reports stop when the event loop, which runs this, or the refresh does. Then systemd restarts the
        exporter. AWS that does not respond, or refuses calls, stops nothing.
        """
        if self._manager.watchdog_timeout is None:
            return
        while True:
            if self._is_responsive():
                self._manager.keep_alive()
            await sleep(self._manager.watchdog_timeout / PINGS_PER_TIMEOUT)

    async def _reload(self) -> None:
        try:
            await asyncio.wrap_future(self._begin_reload())
        except ConfigError as error:
            status = f"Configuration reload failed; keeping the previous configuration: {error}"
        except Exception as error:
            status = f"Configuration reload failed; see the log: {type(error).__name__}"
        else:
            status = "Configuration reloaded"
        if self._reloads == {asyncio.current_task()}:  # otherwise the last one reports
            self.ready(status)

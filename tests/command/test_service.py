"""What the exporter reports to systemd while it serves."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from exporter.command.service import Service
from exporter.config import ConfigError, Problem
from exporter.runtime import Secrets, ServiceManager


class Manager(ServiceManager):
    """Keeps what is reported."""

    def __init__(self, watchdog_timeout: float | None = None) -> None:
        super().__init__({})
        self.watchdog_timeout = watchdog_timeout
        self.sent: list[str] = []

    def _send(self, *assignments: str) -> None:
        self.sent += [text for text in assignments if not text.startswith("MONOTONIC")]


class Reloads:
    """Reloads that end when the test says so."""

    def __init__(self) -> None:
        self.begun: list[Future[None]] = []

    def begin(self) -> Future[None]:
        """Begin one."""
        self.begun.append(Future())
        return self.begun[-1]


class Sleep:
    """Sleeps that take no time, until an end."""

    def __init__(self, most: int) -> None:
        self.seconds: list[float] = []
        self._most = most

    async def __call__(self, seconds: float) -> None:
        """Keep the time; cancel the caller at the end."""
        self.seconds.append(seconds)
        if len(self.seconds) == self._most:
            raise asyncio.CancelledError


def make(manager: Manager, reloads: Reloads, *, responsive: bool = True, secret: str = "") -> Service:
    """Make the service."""
    secrets = Secrets()
    secrets.keep("test", secret)
    return Service(manager, begin_reload=reloads.begin, is_responsive=lambda: responsive, secrets=secrets)


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run until the end, or until the fake of sleep cancels."""
    with suppress(asyncio.CancelledError):
        asyncio.run(coroutine)


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_reload() -> None:
    """A reload is reported at its beginning and, with its result, at its end."""
    manager, reloads = Manager(), Reloads()

    async def reload() -> None:
        make(manager, reloads).reload()
        await _settle()
        assert manager.sent == ["RELOADING=1", "STATUS=Reloading"]
        reloads.begun[0].set_result(None)
        await _settle()

    run(reload())
    assert manager.sent[2:] == ["READY=1", "STATUS=Configuration reloaded"]


def test_reload_that_fails() -> None:
    """An invalid configuration is reported on one line, without secrets; the exporter stays ready."""
    manager, reloads = Manager(), Reloads()
    secret = "wJalrXUtnFEMI/K7MDENG"

    async def reload() -> None:
        make(manager, reloads, secret=secret).reload()
        await _settle()
        problems = [Problem("a.yaml", 1, 2, "one", "wrong"), Problem("a.yaml", 3, 4, "two", secret)]
        reloads.begun[0].set_exception(ConfigError(problems))
        await _settle()

    run(reload())
    assert manager.sent[2:] == [
        "READY=1",
        "STATUS=Configuration reload failed; keeping the previous configuration: "
        "a.yaml:1:2: one: wrong a.yaml:3:4: two: ***",
    ]


def test_two_reloads() -> None:
    """While a second reload runs, the end of the first one is not reported."""
    manager, reloads = Manager(), Reloads()

    async def reload() -> None:
        service = make(manager, reloads)
        service.reload()
        service.reload()
        await _settle()
        reloads.begun[0].set_result(None)
        await _settle()
        assert "READY=1" not in manager.sent
        reloads.begun[1].set_result(None)
        await _settle()

    run(reload())
    assert manager.sent[-2:] == ["READY=1", "STATUS=Configuration reloaded"]


def test_watchdog() -> None:
    """The watchdog hears of the exporter three times within its timeout."""
    manager, sleep = Manager(watchdog_timeout=30.0), Sleep(3)
    run(make(manager, Reloads()).keep_alive(sleep))
    assert manager.sent == ["WATCHDOG=1"] * 3
    assert sleep.seconds == [10.0] * 3


def test_watchdog_of_a_refresh_that_hangs() -> None:
    """If the refresh hangs, the watchdog hears nothing."""
    manager = Manager(watchdog_timeout=30.0)
    run(make(manager, Reloads(), responsive=False).keep_alive(Sleep(3)))
    assert manager.sent == []


def test_no_watchdog() -> None:
    """If systemd expects no reports, there are none."""
    manager = Manager()
    run(make(manager, Reloads()).keep_alive(Sleep(3)))
    assert manager.sent == []

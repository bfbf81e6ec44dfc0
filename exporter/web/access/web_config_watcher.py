"""Who comes in: the web configuration in force, read again when its file or a certificate changes."""

import logging
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from exporter.config import ConfigError, Problem
from exporter.config.web import Stamp, WebConfig, expiry, load_web_config, stamp
from exporter.runtime import Secrets
from exporter.web.access.tls import make_context, names_in

log = logging.getLogger(__name__)

SETTLED = 1.0
"""Seconds for which a file must lie still before it is read again: nobody comes in by half a file."""

PATIENCE = 10.0
"""Seconds until a file that could not be used is tried again, though it looks the same."""

LOOK_EVERY = 1.0
"""Seconds between two looks at the files."""

Stamps = Mapping[Path, Stamp]


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A configuration, what it makes of connections, and how the files looked that it is from."""

    config: WebConfig
    context: ssl.SSLContext | None
    stamps: Stamps


class WebConfigWatcher:
    """Decides who comes in, by a web configuration file; without one, everybody does, by plain HTTP.

    The file and what it names are looked at once a second, and read again when they changed, in a thread of
    its own: a file system that is gone would hold up whoever looks. What cannot be used changes nothing: the
    last good configuration stays in force, and the log says why. Whether TLS is spoken holds from the start
    to the end.

    Args:
        path: the file, if any.
        clock: the seconds since the epoch.
        secrets: told of the hashes of passwords.

    Raises:
        ConfigError: the file cannot be used.
    """

    def __init__(
        self,
        path: str | None,
        clock: Callable[[], float] = time.time,
        secrets: Secrets | None = None,
    ) -> None:
        self._secrets = secrets or Secrets()
        self._path = path
        self._clock = clock
        self._in_force = self._read(path) if path else _Loaded(WebConfig(), None, {})
        self._tried: Stamps = self._in_force.stamps
        self._tried_at = clock()
        self._failure = ""
        self._reading = threading.Lock()

    @property
    def config(self) -> WebConfig:
        """The configuration in force."""
        return self._in_force.config

    def context(self) -> ssl.SSLContext | None:
        """Give what to accept a new connection with; None: plain HTTP."""
        return self._in_force.context

    def admits(self, peer_certificate: Mapping[str, Any] | None) -> bool:
        """Tell whether a client may stay who showed this certificate, as `getpeercert()` gives it."""
        allowed = self.config.tls_server_config.client_allowed_sans
        return allowed is None or not names_in(peer_certificate or {}).isdisjoint(allowed)

    def reread(self) -> None:
        """Read the files again, changed or not.

        Raises:
            ConfigError: they cannot be used, and what was in force still is.
        """
        if self._path is not None:
            with self._reading:
                self._reread(self._path)

    def watch(self) -> None:
        """Look for changes from now on, in the background."""
        if self._path is not None:
            threading.Thread(target=self._keep_looking, name="web configuration", daemon=True).start()

    def look(self) -> None:
        """Look whether a file changed, and read them again if so."""
        if self._path is not None:
            with self._reading:
                self._look(self._path)

    def _keep_looking(self) -> None:
        while True:
            time.sleep(LOOK_EVERY)
            try:
                self.look()
            except Exception:
                log.exception("the exporter has a bug")

    def _reread(self, path: str) -> None:
        self._tried, self._tried_at = _look_at(self._in_force.stamps), self._clock()
        try:
            fresh = self._read(path)
            self._refuse_to_open(path, fresh.config)
        except ConfigError as error:
            self._failure = str(error)
            raise
        self._in_force, self._failure = fresh, ""

    def _look(self, path: str) -> None:
        seen = _look_at(self._in_force.stamps)
        if seen == self._in_force.stamps:
            return
        now = self._clock()
        if (seen == self._tried and abs(now - self._tried_at) < PATIENCE) or not _settled(seen, now):
            return
        told = self._failure
        try:
            self._reread(path)
        except ConfigError as error:
            if str(error) != told:
                reason = "; ".join(map(str, error.problems))
                log.error("web configuration not usable, the last good one stays", extra={"reason": reason})
        else:
            log.info("web configuration read again", extra={"file": path})

    def _read(self, path: str) -> _Loaded:
        before = stamp(path)
        config = load_web_config(path)
        self._secrets.keep(
            "web configuration", *(one.get_secret_value() for one in config.basic_auth_users.values())
        )
        stamps = {Path(path): before, **{file.path: file.stamp for file in config.tls_server_config.files}}
        if config.tls is None:
            return _Loaded(config, None, stamps)
        try:
            context = make_context(config.tls)
        except ssl.SSLError as error:
            message = f"OpenSSL does not take these settings together: {error.reason}"
            raise ConfigError([Problem(path, 0, 0, "tls_server_config", message)]) from None
        self._warn_of_expiry(config)
        return _Loaded(config, context, stamps)

    def _refuse_to_open(self, path: str, fresh: WebConfig) -> None:
        if fresh == WebConfig() != self.config:
            message = "empty; restart the exporter to let everybody in"
            raise ConfigError([Problem(path, 0, 0, "", message)])
        if bool(fresh.tls) != bool(self.config.tls):
            message = f"restart the exporter to {'begin' if fresh.tls else 'stop'} speaking TLS"
            raise ConfigError([Problem(path, 0, 0, "tls_server_config", message)])

    def _warn_of_expiry(self, config: WebConfig) -> None:
        tls = config.tls_server_config
        ends = expiry(tls.certificate, tls.private_key)
        if ends is not None and ends <= self._clock():
            when = datetime.fromtimestamp(ends, UTC).isoformat()
            log.warning("the certificate has expired; clients will refuse it", extra={"expired": when})


def _look_at(files: Stamps) -> Stamps:
    return {path: stamp(path) for path in files}


def _settled(stamps: Stamps, now: float) -> bool:
    return all(seen is None or abs(now - seen[0] / 1e9) >= SETTLED for seen in stamps.values())

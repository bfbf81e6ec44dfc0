"""The current web configuration, reloaded when its file or a certificate changes."""

import logging
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from exporter.config import ConfigError, Problem, Stamp, settled, stamp
from exporter.config.web import WebConfig, expiry, load_web_config
from exporter.runtime import Secrets
from exporter.web.access.tls import make_context, names_in

log = logging.getLogger(__name__)

RETRY_INTERVAL = 10.0
"""Seconds until an invalid file is tried again, even if it did not change."""

CHECK_INTERVAL = 1.0
"""Seconds between two checks of the files."""

Stamps = Mapping[Path, Stamp]


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A configuration, its SSL context, and the stamps of the files it was read from."""

    config: WebConfig
    context: ssl.SSLContext | None
    stamps: Stamps


class WebConfigWatcher:
    """Holds the web configuration; without a file, every client is admitted over plain HTTP.

    A separate thread checks the file and the files it names once a second and reloads them when they changed:
    a file system that does not respond must not block the event loop. If the new files are invalid, the last
    valid configuration stays in use and the log gives the reason. TLS cannot be switched on or off without a
    restart.

    Args:
        path: the web configuration file, if any.
        clock: seconds since 1970.
        secrets: where to register the password hashes.

    Raises:
        ConfigError: the file is invalid.
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
        self._current = self._read(path) if path else _Loaded(WebConfig(), None, {})
        self._tried: Stamps = self._current.stamps
        self._tried_at = clock()
        self._failure = ""
        self._reading = threading.Lock()

    @property
    def config(self) -> WebConfig:
        """The current configuration."""
        return self._current.config

    def context(self) -> ssl.SSLContext | None:
        """Return the SSL context for new connections; None for plain HTTP."""
        return self._current.context

    def admits(self, peer_certificate: Mapping[str, Any] | None) -> bool:
        """Return whether to admit a client with this certificate, in the format of `getpeercert()`."""
        allowed = self.config.tls_server_config.client_allowed_sans
        return allowed is None or not names_in(peer_certificate or {}).isdisjoint(allowed)

    def reread(self) -> None:
        """Reload the files even if they did not change.

        Raises:
            ConfigError: they are invalid; the previous configuration stays in use.
        """
        if self._path is not None:
            with self._reading:
                self._reread(self._path)

    def watch(self) -> None:
        """Start to check for changes in the background."""
        if self._path is not None:
            threading.Thread(target=self._watch, name="web configuration", daemon=True).start()

    def check(self) -> None:
        """Reload the files if one of them changed."""
        if self._path is not None:
            with self._reading:
                self._check(self._path)

    def _watch(self) -> None:
        while True:
            time.sleep(CHECK_INTERVAL)
            try:
                self.check()
            except Exception:
                log.exception("Unexpected error; please report it as a bug")

    def _reread(self, path: str) -> None:
        self._tried, self._tried_at = _stamps_of(self._current.stamps), self._clock()
        try:
            loaded = self._read(path)
            self._check_transition(path, loaded.config)
        except ConfigError as error:
            self._failure = str(error)
            raise
        self._current, self._failure = loaded, ""

    def _check(self, path: str) -> None:
        stamps = _stamps_of(self._current.stamps)
        if stamps == self._current.stamps:
            return
        now = self._clock()
        tried_recently = stamps == self._tried and abs(now - self._tried_at) < RETRY_INTERVAL
        if tried_recently or not settled(stamps.values(), now):
            return
        logged_failure = self._failure
        try:
            self._reread(path)
        except ConfigError as error:
            if str(error) != logged_failure:
                reason = "; ".join(map(str, error.problems))
                log.error(
                    "Web configuration reload failed; keeping the previous configuration",
                    extra={"reason": reason},
                )
        else:
            log.info("Web configuration reloaded", extra={"file": path})

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
            message = f"OpenSSL rejects this combination of settings: {error.reason}; change the TLS settings"
            raise ConfigError([Problem(path, 0, 0, "tls_server_config", message)]) from None
        self._warn_of_expiry(config)
        return _Loaded(config, context, stamps)

    def _check_transition(self, path: str, new: WebConfig) -> None:
        """Reject a change that would remove all access control or switch TLS while running."""
        if new == WebConfig() != self.config:
            message = "the file is empty; to disable access control, restart the exporter"
            raise ConfigError([Problem(path, 0, 0, "", message)])
        if bool(new.tls) != bool(self.config.tls):
            message = f"restart the exporter to {'enable' if new.tls else 'disable'} TLS"
            raise ConfigError([Problem(path, 0, 0, "tls_server_config", message)])

    def _warn_of_expiry(self, config: WebConfig) -> None:
        tls = config.tls_server_config
        expires_at = expiry(tls.certificate, tls.private_key)
        if expires_at is not None and expires_at <= self._clock():
            when = datetime.fromtimestamp(expires_at, UTC).isoformat()
            log.warning("TLS certificate has expired; clients will reject it", extra={"expired": when})


def _stamps_of(files: Stamps) -> Stamps:
    return {path: stamp(path) for path in files}

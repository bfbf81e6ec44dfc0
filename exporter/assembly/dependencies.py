"""External resources of the exporter: clocks, sleep and credentials."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from exporter.aws import (
    Clients,
    Deadlines,
    OpenSession,
    Profiles,
    default_session,
    keep_keys,
    shared_loader,
)
from exporter.config import Api
from exporter.runtime import Clock, Secrets


@dataclass(frozen=True)
class Dependencies:
    """External resources of the exporter: clocks, sleep and credentials.

    Attributes:
        open_session: opens a new botocore session for a profile.
        clock: the current time.
        steady: seconds on a monotonic clock.
        sleep: waits the given number of seconds.
        deadlines: aborts calls to AWS that exceed their deadline.
        secrets: values to mask in all text that leaves the process.
    """

    open_session: OpenSession
    clock: Clock = field(default_factory=lambda: Clock(time.time, time.monotonic))
    steady: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    deadlines: Deadlines = field(default_factory=Deadlines)
    secrets: Secrets = field(default_factory=Secrets)

    def profiles(self, api: Api, clients: Clients) -> Profiles:
        """Return the AWS profiles for a configuration."""
        return Profiles(
            api,
            self.open_session,
            clients,
            deadlines=self.deadlines,
            clock=self.clock,
            steady=self.steady,
            on_new_credentials=partial(keep_keys, self.secrets),
        )


def default_dependencies(secrets: Secrets) -> Dependencies:
    """Use the clocks of the machine and the default AWS credential chain; its secrets are masked."""
    return Dependencies(
        open_session=partial(default_session, loader=shared_loader(), secrets=secrets), secrets=secrets
    )

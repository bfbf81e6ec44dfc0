"""What `--demo` runs on: a simulated AWS Backup account on this machine, and a configuration for it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from random import Random
from typing import Any

from botocore.session import Session

from exporter.assembly import World
from exporter.aws import default_session, shared_loader
from exporter.config import Api, Config, Discovery, Target
from exporter.simulator import SITES, Account, fill, serve

WINDOW = (
    3600.0  # seconds: the company makes a thousand jobs an hour, so that there is always something to see
)
_SEED = 20  # the same company each time


@contextmanager
def demo_account(now: Callable[[], float] = time.time) -> Iterator[tuple[Config, World]]:
    """Serve the simulated company until the block ends; gives what the exporter needs to watch it.

    Args:
        now: the company's time, in seconds since 1970.
    """
    with serve(lambda account_id, region: Account(account_id, region, now)) as server:
        fill(server.simulation, now(), Random(_SEED))  # noqa: S311 - a company, not a secret
        regions = tuple(site.region for site in SITES)
        target = Target(name="demo", regions=regions, endpoint_url=server.endpoint_url)
        patient = Api(read_timeout=60.0)  # the account shares this process, and perhaps a slow machine
        open_session = partial(_simulated_session, server.endpoint_url)
        config = Config(targets=(target,), api=patient, discovery=Discovery(window=WINDOW))
        yield config, World(open_session=open_session)


def _simulated_session(endpoint_url: str, profile: str | None) -> Session:
    """Open a session whose credentials mean nothing, whatever the environment holds."""
    session = default_session(profile, shared_loader())
    session.set_credentials("simulated", "simulated")
    session.register("before-call.sts", partial(_send_to, endpoint_url))
    return session


def _send_to(endpoint_url: str, params: dict[str, Any], **_: Any) -> None:
    """Ask the simulated account also who asks: a target's endpoint is that of AWS Backup alone."""
    params["url"] = endpoint_url

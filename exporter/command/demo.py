"""The simulated AWS Backup account that `--demo` runs against, and a configuration for it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from random import Random
from typing import Any

from botocore.session import Session

from exporter.assembly import Dependencies
from exporter.aws import default_session, shared_loader
from exporter.config import Api, Config, Discovery, ResourceInventory, Target
from exporter.simulator import SITES, Account, fill, serve

WINDOW = 3600.0  # seconds; the simulated company creates about a thousand jobs an hour
_SEED = 20  # creates the same company each time


@contextmanager
def demo_account(now: Callable[[], float] = time.time) -> Iterator[tuple[Config, Dependencies]]:
    """Serve the simulated company until the block ends.

    Args:
        now: current time of the simulation, in seconds since 1970.

    Yields:
        The configuration and the runtime environment with which the exporter monitors the company.
    """
    with serve(lambda account_id, region: Account(account_id, region, now)) as server:
        fill(server.simulation, now(), Random(_SEED))  # noqa: S311 - a company, not a secret
        regions = tuple(site.region for site in SITES)
        target = Target(name="demo", regions=regions, endpoint_url=server.endpoint_url)
        api = Api(read_timeout=60.0)  # the account runs in this process, perhaps on a slow machine
        open_session = partial(_simulated_session, server.endpoint_url)
        config = Config(
            targets=(target,),
            api=api,
            discovery=Discovery(window=WINDOW),
            inventory=ResourceInventory(enabled=True),
        )
        yield config, Dependencies(open_session=open_session)


def _simulated_session(endpoint_url: str, profile: str | None) -> Session:
    """Open a session with dummy credentials, whatever the environment contains."""
    session = default_session(profile, shared_loader())
    session.set_credentials("simulated", "simulated")
    for service in ("sts", "resource-groups-tagging-api"):
        session.register(f"before-call.{service}", partial(_redirect, endpoint_url))
    return session


def _redirect(endpoint_url: str, params: dict[str, Any], **_: Any) -> None:
    """Send these requests to the simulated account too: endpoint_url applies to AWS Backup only."""
    params["url"] = endpoint_url

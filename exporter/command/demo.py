"""What `--demo` and `--demo.organization` run against, and a configuration for it."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from random import Random
from typing import Any

from botocore.session import Session

from exporter.assembly import Dependencies
from exporter.aws import default_session, shared_loader
from exporter.config import Api, Config, Discovery, Members, Organization, ResourceInventory, Target
from exporter.simulator import ROLE_NAME, SITES, Account, Simulation, fill, found_organization, serve

WINDOW = 3600.0  # seconds; the simulated company creates about a thousand jobs an hour
_SEED = 20  # creates the same company each time

Demo = AbstractContextManager[tuple[Config, Dependencies]]
"""Serves a simulation; yields the configuration and the runtime environment to monitor it."""


def demo_account(now: Callable[[], float] = time.time) -> Demo:
    """Serve a simulated company with one account until the block ends.

    Args:
        now: current time of the simulation, in seconds since 1970.
    """
    return _demo(fill, now, name="demo")


def demo_organization(now: Callable[[], float] = time.time) -> Demo:
    """Serve a simulated company with twelve accounts until the block ends; `now` as for demo_account."""
    organization = Organization(members=Members(role_name=ROLE_NAME))
    return _demo(found_organization, now, name="company", organization=organization)


@contextmanager
def _demo(
    fill: Callable[[Simulation, float, Random], object], now: Callable[[], float], **target: Any
) -> Iterator[tuple[Config, Dependencies]]:
    with serve(lambda account_id, region: Account(account_id, region, now)) as server:
        fill(server.simulation, now(), Random(_SEED))  # noqa: S311 - a company, not a secret
        regions = tuple(site.region for site in SITES)
        config = Config(
            targets=(Target(regions=regions, endpoint_url=server.endpoint_url, **target),),
            api=Api(read_timeout=60.0),  # the accounts run in this process, perhaps on a slow machine
            discovery=Discovery(window=WINDOW),
            inventory=ResourceInventory(enabled=True),
        )
        yield config, Dependencies(open_session=partial(_simulated_session, server.endpoint_url))


def _simulated_session(endpoint_url: str, profile: str | None) -> Session:
    """Open a session with dummy credentials, whatever the environment contains."""
    session = default_session(profile, shared_loader())
    session.set_credentials("simulated", "simulated")
    for service in ("organizations", "resource-groups-tagging-api", "sts"):
        session.register(f"before-call.{service}", partial(_redirect, endpoint_url))
    return session


def _redirect(endpoint_url: str, params: dict[str, Any], **_: Any) -> None:
    """Send these requests to the simulation too: endpoint_url applies to AWS Backup only."""
    params["url"] = endpoint_url

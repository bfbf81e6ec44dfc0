"""A simulation on a clock that only the test moves, reached over HTTP and in process."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto import mock_aws

from exporter.simulator.account import Account
from exporter.simulator.backend import Simulation
from exporter.simulator.server import serve

REGION = "eu-west-1"
NOW = 1_760_000_000.0

Connect = Callable[..., Any]
"""Gives a boto3 client: connect(), connect(region="us-east-1"), connect(service="sts")."""


class Clock:
    """A clock that stands still until it is moved. Epoch seconds."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        """Tell the time."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@pytest.fixture(scope="session")
def session() -> boto3.Session:
    """Give the one Session all clients are made from: making one is slow."""
    return boto3.Session()


@pytest.fixture
def clock() -> Clock:
    """Give the clock all simulated accounts go by."""
    return Clock()


@pytest.fixture
def simulation(clock: Clock) -> Simulation:
    """Give the simulation behind `connect`."""
    return Simulation(partial(Account, clock=clock))


@pytest.fixture
def account(simulation: Simulation) -> Account:
    """Give the account that `client` talks to."""
    return simulation.account(REGION)


@pytest.fixture(params=["http", "in process"])
def connect(
    request: pytest.FixtureRequest, simulation: Simulation, session: boto3.Session
) -> Iterator[Connect]:
    """Give real boto3 clients of the simulation, over HTTP on the loopback and through mock_aws."""
    if request.param == "http":
        with serve(simulation) as server:
            yield partial(make_client, session, server.endpoint_url)
    else:
        with simulation.in_process(), mock_aws():
            yield partial(make_client, session, None)


@pytest.fixture
def client(connect: Connect) -> Any:
    """Give an AWS Backup client of the account's Region."""
    return connect()


def refusal(call: Any, **parameters: Any) -> str:
    """Give the error code of a call that fails."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return str(caught.value.response["Error"]["Code"])


def assume(connect: Connect, account_id: str, **parameters: Any) -> dict[str, Any]:
    """Assume a role of an account; gives the credentials."""
    role = f"arn:aws:iam::{account_id}:role/aws-backup-exporter"
    answer = connect(service="sts").assume_role(RoleArn=role, RoleSessionName="test", **parameters)
    keys: dict[str, Any] = answer["Credentials"]
    return keys


def using(connect: Connect, keys: dict[str, Any], **options: Any) -> Any:
    """Give a client with these credentials."""
    return connect(access_key=keys["AccessKeyId"], token=keys["SessionToken"], **options)


def make_client(
    session: boto3.Session,
    endpoint_url: str | None,
    *,
    service: str = "backup",
    region: str = REGION,
    access_key: str = "AKIAEXAMPLE",
    token: str | None = None,
) -> Any:
    """Give a client of any service, which does not retry."""
    return session.client(
        service,
        region_name=region,
        endpoint_url=endpoint_url,
        aws_access_key_id=access_key,
        aws_secret_access_key="secret",
        aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
    )

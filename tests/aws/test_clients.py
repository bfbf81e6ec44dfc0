"""Who shares a client: targets with the same Region, endpoint and settings, whatever their credentials."""

import gc
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from exporter.aws import Clients, Deadlines, Profiles, default_session
from exporter.config import Api
from tests.support.harness import LOADER, Clock

CONFIG = """
[profile east]
region = eu-west-1
role_arn = arn:aws:iam::111122223333:role/reader
source_profile = base
[profile west]
region = us-west-2
credential_process = /bin/true
[profile fips]
use_fips_endpoint = true
[profile local]
services = here
[services here]
backup =
  endpoint_url = http://127.0.0.1:1
"""


@pytest.fixture
def clients() -> Clients:
    """No client yet."""
    return Clients()


@pytest.fixture
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clients: Clients) -> Profiles:
    """The profiles of a configuration file."""
    (tmp_path / "config").write_text(CONFIG)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return made(clients)


def made(clients: Clients, **api: float) -> Profiles:
    """Make profiles that use these clients."""
    clock = Clock()
    settings: dict[str, Any] = api
    open_session = partial(default_session, loader=LOADER)
    return Profiles(Api(**settings), open_session, clients, deadlines=Deadlines(), clock=clock, steady=clock)


def test_profiles_that_differ_by_credentials_share(profiles: Profiles) -> None:
    """Profiles with other credentials and another Region of their own share the client for a Region."""
    east, west = (profiles.get(name).client("backup", "eu-west-1") for name in ("east", "west"))
    assert east is west


@pytest.mark.parametrize("profile", ["fips", "local"])
def test_other_settings_make_another_client(profiles: Profiles, profile: str) -> None:
    """A profile whose settings lead elsewhere has a client of its own."""
    other = profiles.get(profile).client("backup", "eu-west-1")
    assert other is not profiles.get("east").client("backup", "eu-west-1")


def test_other_time_outs_make_another_client(profiles: Profiles, clients: Clients) -> None:
    """After a reload with other time-outs the clients are others; with the same ones they are the same."""
    client = profiles.get("east").client("backup", "eu-west-1")
    assert made(clients).get("east").client("backup", "eu-west-1") is client
    assert made(clients, read_timeout=1.0).get("east").client("backup", "eu-west-1") is not client


def test_endpoints_and_regions_make_others(profiles: Profiles) -> None:
    """Each Region, endpoint and service has a client of its own."""
    east = profiles.get("east")
    different = {
        id(east.client(*wanted))
        for wanted in (
            ("backup", "eu-west-1", None),
            ("backup", "us-east-1", None),
            ("backup", "eu-west-1", "http://127.0.0.1:1"),
            ("sts", "eu-west-1", None),
        )
    }
    assert len(different) == 4


def test_a_client_that_nobody_uses_is_let_go(clients: Clients) -> None:
    """Clients of a configuration that is gone leave no memory."""
    made(clients).get(None).client("backup", "eu-west-1")
    gc.collect()
    assert len(clients) == 0


@pytest.mark.parametrize(
    ("profile", "region"),
    [("east", "eu-west-1"), ("west", "us-west-2"), ("fips", ""), ("unknown", ""), (None, "")],
)
def test_region_of_a_profile(profiles: Profiles, profile: str | None, region: str) -> None:
    """Each profile has the Region that the file names; where there is none it is empty."""
    profiles.region_of("west")
    assert profiles.region_of(profile) == region

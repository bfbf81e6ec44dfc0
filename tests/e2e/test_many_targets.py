"""A thousand targets and Regions, and an AWS that answers at once: whoever asks is answered all the same."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from bench.prompt_aws import PromptAws, prompt_aws
from tests.e2e.conftest import Run
from tests.e2e.http import ask

ROLES = 500
REGIONS = "eu-west-1, us-east-1"
TIMEOUT = 10.0  # seconds, which each scrape announces
PATIENCE = 40.0  # seconds until a test gives up: other tests keep the machine busy meanwhile
SCRAPES = 2
PROBES = 10  # that are answered meanwhile, at the least
TARGET = "  - {{name: a{0}, regions: [{1}], endpoint_url: '{2}', role_arn: 'arn:aws:iam::{0}:role/reader'}}\n"
Write = Callable[[int], None]


@pytest.fixture
def aws() -> Iterator[PromptAws]:
    """An AWS that answers at once."""
    with prompt_aws() as made:
        yield made


@pytest.fixture
def write(tmp_path: Path, aws: PromptAws) -> Write:
    """Writes a configuration with so many roles."""

    def write(roles: int) -> None:
        targets = (TARGET.format(10**11 + number, REGIONS, aws.endpoint_url) for number in range(roles))
        (tmp_path / "config.yaml").write_text("api: {idle_refresh: 0s}\ntargets:\n" + "".join(targets))

    return write


@pytest.fixture
def start(run: Run, tmp_path: Path, aws: PromptAws) -> Callable[[], str]:
    """Starts the exporter; gives where it listens."""

    def begin() -> str:
        process = run(
            *("--config.file", str(tmp_path / "config.yaml"), "--web.listen-address", "127.0.0.1:0"),
            "--web.enable-lifecycle",
            AWS_ENDPOINT_URL_STS=aws.endpoint_url,
        )
        return process.address()

    return begin


def is_answered(address: str) -> None:
    """Scrape a few times while the health path is probed."""
    over = Event()

    def probe() -> int:
        answered = 0
        while not over.wait(0.1):
            answered += ask(address, "/-/healthy", within=PATIENCE).status == 200
        return answered

    with ThreadPoolExecutor(1) as thread:
        probes = thread.submit(probe)
        try:
            headers = {"X-Prometheus-Scrape-Timeout-Seconds": f"{TIMEOUT:g}", "Accept-Encoding": "gzip"}
            scrapes = [ask(address, "/metrics", headers, within=PATIENCE).status for _ in range(SCRAPES)]
        finally:
            over.set()
        assert scrapes == [200] * SCRAPES
        assert probes.result() >= PROBES


def test_from_the_start(write: Write, start: Callable[[], str]) -> None:
    """During a start with 500 roles in two Regions probes and scrapes are answered."""
    write(ROLES)
    is_answered(start())


def test_after_a_reload(write: Write, start: Callable[[], str]) -> None:
    """During a reload that adds 500 roles in two Regions probes and scrapes are answered."""
    write(1)
    address = start()
    write(ROLES)
    assert ask(address, "/-/reload", method="POST").status == 200
    is_answered(address)

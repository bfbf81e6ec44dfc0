from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.e2e.aws import Aws, simulated_aws
from tests.e2e.fork_server import ForkServer
from tests.e2e.process import Process, environment, exporter_command, never_idle

Run = Callable[..., Process]


@pytest.fixture
def aws() -> Iterator[Aws]:
    """A simulated AWS with one empty account, by the machine's own clock."""
    with simulated_aws() as made:
        yield made


@pytest.fixture
def run(tmp_path: Path, forks: ForkServer) -> Iterator[Run]:
    """Runs the command with some arguments and more environment; ended with the test.

    `anew` imports everything again, for what Python or botocore read from the environment at the import.
    """
    made: list[Process] = []
    numbers = count()

    def start(*arguments: str, anew: bool = False, **more: str) -> Process:
        directory, variables = tmp_path / f"exporter-{next(numbers)}", environment(tmp_path, **more)
        made.append(
            Process(exporter_command(*arguments), variables, directory)
            if anew or any(name.startswith("PYTHON") for name in more)
            else Process(arguments, variables, directory, forks.launch)
        )
        return made[-1]

    yield start
    for process in made:
        process.kill()


@pytest.fixture
def listen(run: Run, aws: Aws, tmp_path: Path) -> Run:
    """Runs the command against the simulated AWS, listening on a free port; each scrape asks AWS."""

    def start(*arguments: str, **more: str) -> Process:
        address = ("--web.listen-address", "127.0.0.1:0")
        config = () if "--config.file" in arguments else never_idle(tmp_path)
        return run(*address, *config, *arguments, **({"AWS_ENDPOINT_URL_BACKUP": aws.endpoint_url} | more))

    return start

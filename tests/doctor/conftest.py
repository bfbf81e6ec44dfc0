import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.aws import Aws
from tests.e2e.conftest import Run, aws, run
from tests.e2e.process import Process
from tests.faults.wire import Wire, unplugged

__all__ = ["aws", "run"]


@dataclass(frozen=True)
class Told:
    """What the doctor said, as JSON, and the code it exited with."""

    code: int
    report: dict[str, Any]

    @property
    def scopes(self) -> list[dict[str, Any]]:
        """What it said of each target and Region."""
        found: list[dict[str, Any]] = self.report["scopes"]
        return found

    @property
    def scope(self) -> dict[str, Any]:
        """What it said of the only one."""
        [scope] = self.scopes
        return scope

    def check(self, name: str, place: int = 0) -> dict[str, Any]:
        """The one check of that name in one of the scopes."""
        found: dict[str, Any]
        [found] = [check for check in self.scopes[place]["checks"] if check["name"] == name]
        return found

    def results(self, place: int = 0) -> dict[str, str]:
        """The result of each check, by name."""
        return {check["name"]: check["result"] for check in self.scopes[place]["checks"]}


Doctor = Callable[..., Told]
Start = Callable[..., Process]


@pytest.fixture
def start(aws: Aws, run: Run, tmp_path: Path) -> Start:
    """Runs the doctor until it ends, by default on the simulated AWS; `config` is a configuration."""

    def until_it_ends(*arguments: str, config: str = "", anew: bool = False, **variables: str) -> Process:
        if config:
            (tmp_path / "config.yaml").write_text(config)
            arguments = ("--config.file", str(tmp_path / "config.yaml"), *arguments)
        endpoint = {"AWS_ENDPOINT_URL": aws.endpoint_url}
        process = run("doctor", *arguments, anew=anew, **(endpoint | variables))
        process.wait()
        return process

    return until_it_ends


@pytest.fixture
def doctor(start: Start) -> Doctor:
    """Runs the doctor until it ends, and reads its JSON."""

    def ask(**settings: Any) -> Told:
        process = start("--json", **settings)
        assert process.err == ""
        return Told(process.wait(), json.loads(process.out))

    return ask


@pytest.fixture
def wire(aws: Aws) -> Iterator[Wire]:
    """A wire to the simulated AWS, in working order."""
    with unplugged(aws.endpoint_url) as laid:
        laid.plug_in()
        yield laid

"""The simulated company at different ages, for tests to share: a day of its time takes seconds."""

from functools import partial
from random import Random
from typing import NamedTuple

from exporter.simulator.account import Account
from exporter.simulator.backend import Simulation
from exporter.simulator.company import fill
from tests.simulator.conftest import NOW, Clock


class Company(NamedTuple):
    """The accounts of a company and their clock."""

    simulation: Simulation
    clock: Clock


def new_company(clock: Clock, seed: int) -> Simulation:
    """Create a company at the time of a clock."""
    simulation = Simulation(partial(Account, clock=clock))
    fill(simulation, clock(), Random(seed))
    return simulation


class Companies:
    """Companies by age, each of which grows older only by what the tests that share it watch.

    Args:
        seed: creates them all.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._by_age: dict[float, Company] = {}

    def aged(self, age: float) -> Company:
        """Return a company that began so many seconds ago, or some minutes more."""
        if age not in self._by_age:
            clock = Clock(NOW)
            self._by_age[age] = Company(new_company(clock, self._seed), clock)
            clock.advance(age)
        return self._by_age[age]

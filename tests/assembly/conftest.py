import pytest

from exporter.config import Target
from exporter.simulator.organization import Organization as SimulatedOrganization
from tests.assembly.company import SHOP, WIKI, Company, Start
from tests.support.harness import Bench


@pytest.fixture
def organization(aws: Bench) -> SimulatedOrganization:
    """An organization with two accounts beside the management account."""
    made = aws.server.simulation.create_organization()
    unit = made.add_unit("Workloads")
    made.add_account(SHOP, "shop", unit)
    made.add_account(WIKI, "wiki", unit)
    return made


@pytest.fixture
def start(aws: Bench, organization: SimulatedOrganization, request: pytest.FixtureRequest) -> Start:
    """Start an exporter on the organization."""
    assert organization

    def begin(target: Target, *others: Target) -> Company:
        company = Company(aws, target, *others)
        request.addfinalizer(lambda: company.exporter.stop())
        return company

    return begin

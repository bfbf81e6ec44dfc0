"""The doctor on an organization: which permissions it checks, and that it comes to an end."""

from exporter.config import Config, Members, Organization
from exporter.doctor import examine, organization_actions
from tests.support.harness import bench, dependencies

ACCOUNTS = {
    "organizations:ListAccounts",
    "organizations:ListRoots",
    "organizations:ListOrganizationalUnitsForParent",
    "organizations:ListAccountsForParent",
}


def test_an_organization_needs_lists_only() -> None:
    """The view needs the lists of jobs and the lists of accounts and units, and describes nothing."""
    needed = organization_actions(Config(collectors=("backup_jobs", "vaults")))

    assert needed["backup_jobs"] == ["backup:ListBackupJobs"]
    assert {*needed["accounts"]} == ACCOUNTS
    assert needed.keys() == {"backup_jobs", "accounts"}


def test_the_innermost_unit_ends_the_check() -> None:
    """A unit without units in it is no reason to look for more."""
    with bench() as aws:
        organization = aws.server.simulation.create_organization()
        organization.add_account("111111111111", "shop", organization.add_unit("Workloads"))
        members = Members(role_name="exporter")
        target = aws.target(name="company", organization=Organization(jobs=True, members=members))
        report = examine(
            Config(targets=(target,), collectors=("backup_jobs",)),
            dependencies(aws.clock, aws.server.endpoint_url),
        )

    results = {check.name: check.result for scope, check in report.checks() if scope.target == "company"}
    assert {results[action] for action in ACCOUNTS & results.keys()} == {"ok"}
    assert "organizations:ListOrganizationalUnitsForParent" in results

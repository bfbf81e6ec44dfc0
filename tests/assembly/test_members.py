"""Which accounts of an organization become targets, and how they are entered."""

import pytest

from exporter.assembly.members import member_targets
from exporter.config import Members, Organization, Target
from exporter.model import Account

ROLE = "arn:aws:iam::999999999999:role/exporter"


def account(account_id: str, *unit_ids: str, status: str = "ACTIVE", is_own: bool = False) -> Account:
    """An account in the root and organizational units with these IDs."""
    arn = f"arn:aws:organizations::9:account/o-1/{account_id}"
    return Account(account_id, arn, "name", status, is_own, ("r-1", *unit_ids))


ACCOUNTS = (
    account("111111111111", "ou-a"),
    account("222222222222", "ou-a", "ou-b"),
    account("333333333333", status="SUSPENDED"),
    account("999999999999", is_own=True),
)


def members(**settings: object) -> dict[str, Target]:
    """The members of the organization, by account."""
    of = Members.model_validate({"role_name": "exporter"} | settings)
    target = Target(
        name="company",
        regions=("eu-west-1",),
        role_arn=ROLE,
        job_ids=("1b2c3d4e",),
        organization=Organization(members=of),
    )
    return member_targets(target, of, ACCOUNTS)


def test_members_have_the_role_of_the_same_name() -> None:
    """Each member is entered with the role of the configured name in its account."""
    assert members()["111111111111"].role_arn == "arn:aws:iam::111111111111:role/exporter"


def test_members_are_named_after_the_target_and_the_account() -> None:
    """The name of a member is that of the organization's target and its account ID."""
    assert members()["111111111111"].name == "company/111111111111"


def test_the_own_account_needs_no_role() -> None:
    """The account of the target's own credentials is read with these credentials."""
    assert members()["999999999999"].role_arn is None


def test_suspended_accounts_are_left_out() -> None:
    """An account that is not active is no member."""
    assert "333333333333" not in members()


def test_members_take_what_the_target_has() -> None:
    """Members have the Regions of the target, but neither its job IDs nor its organization."""
    member = members()["222222222222"]
    assert (member.regions, member.job_ids, member.organization) == (("eu-west-1",), (), None)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"accounts": ("111111111111",)}, {"111111111111"}),
        ({"exclude_accounts": ("111111111111",)}, {"222222222222", "999999999999"}),
        ({"organizational_units": ("ou-b",)}, {"222222222222"}),
        ({"organizational_units": ("ou-a",)}, {"111111111111", "222222222222"}),
        (
            {"organizational_units": ("ou-b",), "accounts": ("111111111111",)},
            {"111111111111", "222222222222"},
        ),
    ],
)
def test_members_are_selected_by_id_and_unit(settings: dict[str, object], expected: set[str]) -> None:
    """Accounts are selected by their ID or by any of the organizational units above them."""
    of = Members(role_name="exporter").model_copy(update=settings)  # the IDs here are too short to be valid
    target = Target(name="company", organization=Organization())
    assert {*member_targets(target, of, ACCOUNTS)} == expected


def test_the_role_is_in_the_partition_of_the_account() -> None:
    """In China, the ARN of the role starts with arn:aws-cn."""
    chinese = Account("111111111111", "arn:aws-cn:organizations::9:account/o/1", "one", "ACTIVE")
    of = Members(role_name="exporter")
    [member] = member_targets(Target(name="company"), of, [chinese]).values()
    assert member.role_arn == "arn:aws-cn:iam::111111111111:role/exporter"

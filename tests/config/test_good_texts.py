"""What is accepted, and what it becomes."""

import pytest
from botocore.session import Session

from exporter.config import Config, Members, Organization, Target, default, load

ROLE = "arn:aws:iam::123456789012:role/backup"


def target(text: str) -> Target:
    """Load one target, given as a YAML flow mapping without its braces."""
    (only,) = load(f"targets: [{{name: a, {text}}}]", "config.yaml").targets
    return only


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "---\n", "{}", "null", "\ufeff"])
def test_an_empty_file_is_the_default(text: str) -> None:
    """A file that says nothing is the same as no file."""
    assert load(text, "config.yaml") == default()


def test_the_default() -> None:
    """Without a file there is one target on the default chain, and the documented values."""
    config = default()
    assert [(t.name, t.regions, t.profile, t.role_arn) for t in config.targets] == [
        ("default", (), None, None)
    ]
    assert (config.discovery.window, config.discovery.lookback) == (86400.0, 604800.0)
    jobs = ("backup_jobs", "copy_jobs", "restore_jobs", "scan_jobs")
    of_the_account = ("resources", "vaults", "plans", "recovery_points", "settings", "restore_testing")
    assert config.collectors == (*jobs, *of_the_account, "frameworks") == config.enabled_collectors
    assert (config.api.requests_per_second, config.api.connect_timeout, config.api.read_timeout) == (10, 2, 5)
    assert (config.discovery.finished_jobs, config.api.idle_refresh) == ("all", 60)
    assert config.limits.max_jobs == 20000
    assert config.expectations == ()


@pytest.mark.parametrize(
    "region",
    [
        "eu-west-1",
        "us-gov-west-1",
        "cn-north-1",
        "ap-southeast-2",
        "eusc-de-east-1",
        "us-iso-east-1",
        "us-isob-east-1",
    ],
)
def test_regions_of_every_partition(region: str) -> None:
    """Any name of a Region's form is taken; AWS adds Regions faster than releases come."""
    assert target(f"regions: [{region}]").regions == (region,)


def test_regions_that_aws_names() -> None:
    """Every Region of every partition that the AWS SDK knows is taken."""
    sdk = Session()
    partitions = sdk.get_available_partitions()
    regions = [name for one in partitions for name in sdk.get_available_regions("ec2", one)]
    assert len(regions) > 30
    assert target(f"regions: [{', '.join(regions)}]").regions == tuple(regions)


@pytest.mark.parametrize("name", ["Default", "aws/efs/automatic-backup-vault", "a_b-c", "a" * 50])
def test_vaults(name: str) -> None:
    """Vaults are taken by the names that people and AWS itself give them."""
    assert load(f"discovery: {{vaults: [{name}]}}", "config.yaml").discovery.vaults == (name,)


@pytest.mark.parametrize(
    "name",
    [
        "Aurora",
        "CloudFormation",
        "DocumentDB",
        "DynamoDB",
        "EBS",
        "EC2",
        "EFS",
        "EKS",
        "FSx",
        "Neptune",
        "RDS",
        "Redshift",
        "Redshift Serverless",
        "S3",
        "SAP HANA on Amazon EC2",
        "Storage Gateway",
        "Timestream",
        "VirtualMachine",
    ],
)
def test_resource_types(name: str) -> None:
    """Every resource type is taken as AWS Backup spells it, blanks included."""
    assert load(f"discovery: {{resource_types: [{name}]}}", "config.yaml").discovery.resource_types == (name,)


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:s3:::photos",
        "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/a.b_c-d",
        "arn:aws-eusc:ec2:eusc-de-east-1:123456789012:volume/vol-0abc",
        "arn:aws-iso-f:rds:us-isof-east-1:123456789012:cluster:main",
        "arn:aws:ssm-sap:eu-west-1:123456789012:HANA/app/DB/HDB 00",
        "arn:aws:backup-gateway:eu-west-1:123456789012:vm/vm-0ABC",
    ],
)
def test_resources_of_every_partition(arn: str) -> None:
    """A resource's ARN may be of any partition and service, and have blanks in the resource's own name."""
    expectations = load(f'expectations: [{{within: 1d, resource_arn: "{arn}"}}]', "config.yaml").expectations
    assert expectations[0].resource_arn == arn


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::123456789012:role/backup",
        "arn:aws-cn:iam::123456789012:role/backup",
        "arn:aws-us-gov:iam::123456789012:role/a/path/backup",
        "arn:aws-iso-b:iam::123456789012:role/a+b=c,d.e@f-g_h",
        "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_a_0123",
        "arn:aws:iam::123456789012:role/team:storage/!odd~path/backup",
    ],
)
def test_roles_of_every_partition(arn: str) -> None:
    """Role ARNs may be of any partition and have a path."""
    assert target(f'role_arn: "{arn}"').role_arn == arn


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:5000",
        "HTTPS://Backup.Example.Com.",
        "https://vpce-1.backup.eu-west-1.vpce.amazonaws.com/",
        "http://[::1]:80",
    ],
)
def test_endpoints(url: str) -> None:
    """An endpoint may have a port, a path and an IPv6 address."""
    assert target(f'endpoint_url: "{url}"').endpoint_url == url


def test_merge_keys() -> None:
    """Anchors and `<<` work; what a target says itself wins over what it takes over."""
    config = load(
        """
        targets:
          - &base
            name: production
            regions: [eu-west-1]
            labels: &labels {team: storage, floor: "3"}
          - <<: *base
            name: staging
            profile: staging
            labels:
              <<: [*labels, {floor: "4", room: "1"}]
        """,
        "config.yaml",
    )
    assert config.targets[1].regions == ("eu-west-1",)
    assert config.targets[1].labels == {"team": "storage", "floor": "3", "room": "1"}


def test_dates_are_text() -> None:
    """YAML would make a date of it, and nobody means one here."""
    assert target("labels: {since: 2024-01-31}").labels == {"since": "2024-01-31"}


@pytest.mark.parametrize(
    ("written", "number"), [("10", 10), ("+10", 10), ("0.5", 0.5), (".5", 0.5), ("5.", 5)]
)
def test_plain_numbers(written: str, number: float) -> None:
    """Numbers in decimal digits are what they look like."""
    api = load(f"api: {{requests_per_second: {written}}}", "config.yaml").api
    assert api.requests_per_second == number


@pytest.mark.parametrize(
    ("written", "enabled"), [("true", True), ("yes", True), ("On", True), ("no", False), ("OFF", False)]
)
def test_words_that_are_booleans(written: str, enabled: bool) -> None:
    """The words that YAML has for true and false are taken for what they say."""
    config = load(f"targets: [{{name: a, job_ids: [b]}}]\ndiscovery: {{enabled: {written}}}", "config.yaml")
    assert config.discovery.enabled is enabled


def test_whole_numbers_are_numbers() -> None:
    """A budget may be whole or a fraction."""
    assert load("api: {requests_per_second: 5}", "config.yaml").api.requests_per_second == 5.0
    assert load("api: {requests_per_second: 0.5}", "config.yaml").api.requests_per_second == 0.5


GOOD_PAIRS = {
    "other Regions": ("regions: [eu-west-1]", "regions: [us-east-1]"),
    "other accounts": (f"role_arn: '{ROLE}'", "role_arn: 'arn:aws:iam::210987654321:role/backup'"),
    "other profiles": ("profile: a", "profile: b"),
    "profile and default chain": ("profile: a", "regions: []"),
    "other endpoints": ("endpoint_url: http://localhost:1", "endpoint_url: http://localhost:2"),
    "same account, Regions of other profiles": (
        f"profile: a, role_arn: '{ROLE}'",
        f"profile: b, role_arn: '{ROLE}'",
    ),
    "a Region and the default one": ("regions: [eu-west-1]", "regions: []"),
    "a member's account in other Regions": (
        f"role_arn: '{ROLE}', regions: [eu-west-1]",
        "regions: [us-east-1], organization: {members: {role_name: r, accounts: ['123456789012']}}",
    ),
    "an organization and one of its accounts": (
        f"role_arn: '{ROLE}'",
        "organization: {members: {role_name: r}}",
    ),
}


@pytest.mark.parametrize("pair", GOOD_PAIRS.values(), ids=GOOD_PAIRS)
def test_targets_that_may_differ(pair: tuple[str, str]) -> None:
    """Two targets are refused only where the file itself shows that they are the same account and Region."""
    first, second = pair
    assert len(load(f"targets: [{{name: a, {first}}}, {{name: b, {second}}}]", "config.yaml").targets) == 2


def expecting(targets: str, expectation: str) -> Config:
    """Load targets and one expectation, given as YAML flow."""
    return load(f"targets: [{targets}]\nexpectations: [{{within: 26h, {expectation}}}]", "config.yaml")


GOOD_EXPECTATIONS = {
    "the ARN tells all": (
        f"{{name: a, role_arn: '{ROLE}', regions: [eu-west-1, us-east-1]}}, {{name: b}}",
        "resource_arn: 'arn:aws:rds:us-east-1:123456789012:db:main'",
    ),
    "the only target, of the default Region": ("{name: a}", "resource_arn: 'arn:aws:s3:::photos'"),
    "the only target, of one Region": (
        "{name: a, regions: [eu-west-1]}",
        "resource_arn: 'arn:aws:s3:::photos'",
    ),
    "target and region given": (
        "{name: a, regions: [eu-west-1, us-east-1]}, {name: b, profile: b}",
        "resource_arn: 'arn:aws:s3:::photos', target: a, region: us-east-1",
    ),
    "an unlisted default Region may be any": (
        "{name: a}",
        "resource_arn: 'arn:aws:rds:us-east-1:123456789012:db:main'",
    ),
    "the target named wins over the ARN's account": (
        f"{{name: a, role_arn: '{ROLE}'}}",
        "resource_arn: 'arn:aws:rds:us-east-1:210987654321:db:main', target: a",
    ),
}


VOLUME = "arn:aws:ec2:eu-west-1:123456789012:volume/vol-0abc"
COMPANY = "{name: company, role_arn: 'arn:aws:iam::999999999999:role/r', organization: {%s}}"
EXPECTED_IN = {
    "a role in the account, before an organization": (
        COMPANY % "" + f", {{name: a, role_arn: '{ROLE}'}}",
        "a",
    ),
    "an organization, before a role in another account": (
        "{name: a, role_arn: 'arn:aws:iam::210987654321:role/r'}, " + COMPANY % "",
        "company",
    ),
    "an organization, before credentials of an unknown account": (
        "{name: a, profile: a}, " + COMPANY % "",
        "company",
    ),
    "an organization, where a role in the account is for another Region": (
        f"{{name: a, role_arn: '{ROLE}', regions: [us-east-1]}}, " + COMPANY % "",
        "company",
    ),
    "an organization that enters the account": (
        COMPANY % "jobs: false, members: {role_name: r, accounts: ['123456789012']}",
        "company",
    ),
    "an organization that enters accounts of a unit": (
        COMPANY
        % "jobs: false, members: {role_name: r, accounts: ['111111111111'], organizational_units: [r-ab12]}",
        "company",
    ),
    "an organization that lists the jobs of an account that it does not enter": (
        COMPANY % "members: {role_name: r, exclude_accounts: ['123456789012']}",
        "company",
    ),
    "credentials of an unknown account, before an organization that excludes it": (
        "{name: a, profile: a}, "
        + COMPANY % "jobs: false, members: {role_name: r, exclude_accounts: ['123456789012']}",
        "a",
    ),
}


@pytest.mark.parametrize(("targets", "name"), EXPECTED_IN.values(), ids=EXPECTED_IN)
def test_the_target_of_an_expectation(targets: str, name: str) -> None:
    """An expectation goes to exactly one target: the one that most certainly monitors its account."""
    config = expecting(targets, f"resource_arn: '{VOLUME}'")
    expected = {target.name: config.expected_in(target, "eu-west-1") for target in config.targets}
    assert {name: found for name, found in expected.items() if found} == {name: {VOLUME: 26 * 3600}}


@pytest.mark.parametrize("case", GOOD_EXPECTATIONS.values(), ids=GOOD_EXPECTATIONS)
def test_expectations_that_find_their_target(case: tuple[str, str]) -> None:
    """An expectation need say no more than what its ARN and the targets leave open."""
    assert expecting(*case).expectations[0].within == 26 * 3600


def test_an_organization() -> None:
    """Its jobs are listed unless that is turned off; its accounts are entered only where a role is given."""
    assert target("regions: []").organization is None
    assert target("organization: {}").organization == Organization(jobs=True, members=None)
    members = (
        "{role_name: 'a+b=c,d.e@f-g_h', accounts: ['012345678901'], organizational_units: [ou-ab12-34cd56ef]}"
    )
    assert target(f"organization: {{jobs: false, members: {members}}}").organization == Organization(
        jobs=False,
        members=Members(
            role_name="a+b=c,d.e@f-g_h",
            external_id=None,
            accounts=("012345678901",),
            exclude_accounts=(),
            organizational_units=("ou-ab12-34cd56ef",),
            refresh=3600.0,
        ),
    )


def test_only_job_ids_of_an_organization() -> None:
    """Without discovery an organization can still enter its accounts."""
    text = "targets: [{name: a, job_ids: [b], organization: {jobs: false, members: {role_name: r}}}]"
    assert load(f"{text}\ndiscovery: {{enabled: false}}", "config.yaml").targets[0].job_ids == ("b",)


def test_the_inventory_is_enabled_by_its_own_block() -> None:
    """Then its collector runs beside those that are listed; otherwise it does not."""
    block = """
      enabled: true
      resource_types: [EC2, SAP HANA on Amazon EC2]
      exclude_tags: {backup: none, a b: ""}
    """
    config = load(f"collectors: [plans]\ninventory: {block}", "config.yaml")
    assert config.enabled_collectors == ("plans", "inventory")
    assert config.inventory.resource_types == ("EC2", "SAP HANA on Amazon EC2")
    assert dict(config.inventory.exclude_tags) == {"backup": "none", "a b": ""}
    assert load("collectors: [plans]", "config.yaml").enabled_collectors == ("plans",)

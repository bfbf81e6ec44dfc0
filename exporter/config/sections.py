"""The parts of a configuration: frozen records, each valid on its own."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from exporter.config import duration
from exporter.config.base import Record as Record
from exporter.config.duration import DAY
from exporter.config.fields import (
    UNREPEATED,
    Broken,
    Duration,
    EndpointUrl,
    FrozenMapping,
    JobId,
    Labels,
    Region,
    ResourceArn,
    ResourceType,
    RoleArn,
    Secret,
    TargetName,
    Text,
    VaultName,
    within,
)

_WINDOW = within(30 * DAY, duration.text, "AWS Backup lists the jobs of the last 30 days")


class Target(Record):
    """An AWS account as seen with one set of credentials, and its Regions."""

    name: TargetName = Field(examples=["production"])
    """What the target is called in labels and in `/probe?target=`. Letters, digits, `-` and `_`; unique."""

    regions: Annotated[tuple[Region, ...], UNREPEATED] = Field(
        default=(), examples=["[eu-west-1, us-east-1]"]
    )
    """The Regions to watch. Empty: the one Region that the default AWS chain gives."""

    profile: Text | None = Field(default=None, examples=["backup"])
    """A profile of the AWS configuration files. Left out: the default credential chain."""

    role_arn: RoleArn | None = Field(
        default=None, examples=["arn:aws:iam::123456789012:role/aws-backup-exporter"]
    )
    """A role to assume with those credentials. Left out: they are used as they are."""

    external_id: Secret | None = Field(default=None, examples=["a-long-random-text"])
    """The external id that the role's trust policy asks for; needs `role_arn`. A secret: never shown."""

    endpoint_url: EndpointUrl | None = Field(default=None, examples=["https://backup.example.com"])
    """Where to call AWS Backup, http or https, without credentials. Left out: AWS's own endpoint."""

    job_ids: Annotated[tuple[JobId, ...], UNREPEATED] = Field(
        default=(), examples=["[1b2c3d4e-0f1a-2b3c-4d5e-6f7a8b9c0d1e]"]
    )
    """Jobs to follow whatever discovery finds, for as long as AWS knows them. Empty: only discovery's."""

    labels: Labels = Field(default=FrozenMapping({}), examples=["team: storage"])
    """Static labels for all series of this target. Empty: none."""

    def broken_rules(self) -> Iterable[Broken]:
        """An external id is of no use without a role."""
        if self.external_id is not None and self.role_arn is None:
            yield Broken(("external_id",), "needs role_arn; add the role, or remove the external id")


class Discovery(Record):
    """Which jobs to look for."""

    enabled: bool = True
    """Whether to look for jobs. false: only the targets' `job_ids` are followed."""

    window: Annotated[Duration, _WINDOW] = Field(default=DAY, examples=["24h"])
    """Jobs created within this time get series of their own. At most 30d."""

    lookback: Annotated[Duration, _WINDOW] = Field(default=7 * DAY, examples=["7d"])
    """How far back to read jobs at start, for the facts about resources. From `window` to 30d."""

    resource_types: Annotated[tuple[ResourceType, ...], UNREPEATED] = Field(
        default=(), examples=["[EBS, RDS]"]
    )
    """Only jobs of these resource types, as AWS spells them. Empty: all."""

    vaults: Annotated[tuple[VaultName, ...], UNREPEATED] = Field(default=(), examples=["[Default]"])
    """Only jobs of these vaults, by name. Empty: all."""

    @property
    def selects_some(self) -> bool:
        """Whether only jobs of some resource types or vaults are looked for."""
        return bool(self.resource_types or self.vaults)

    def broken_rules(self) -> Iterable[Broken]:
        """What gets series must have been read."""
        if self.lookback < self.window:
            lookback, window = duration.text(self.lookback), duration.text(self.window)
            given = "lookback" if "lookback" in self.model_fields_set else "window"
            message = f"lookback ({lookback}) is shorter than window ({window}); "
            yield Broken(
                (given,), f"{message}set lookback to {window} or more, or window to {lookback} or less"
            )


class Api(Record):
    """How hard and how patiently to call AWS."""

    requests_per_second: Annotated[
        float, within(50.0, "{:g}".format, "AWS allows 50 for all calls of an account together")
    ] = Field(default=10.0, examples=["10", "0.5"])
    """Calls a second for each target and Region, retries included; the burst is twice that. At most 50."""

    connect_timeout: Duration = Field(default=2.0, examples=["2s"])
    """How long to wait for a connection to AWS."""

    read_timeout: Duration = Field(default=5.0, examples=["5s"])
    """How long to wait for AWS to answer."""


class Limits(Record):
    """What keeps the number of series within bounds."""

    max_jobs: Annotated[int, within(10**9, str, "more will never fit in memory")] = Field(
        default=20_000, examples=["20000"]
    )
    """Jobs with series for each target and Region; beyond it the oldest finished ones lose theirs first."""


class Expectation(Record):
    """A resource that must be backed up, whether or not AWS Backup knows it."""

    resource_arn: ResourceArn = Field(examples=["arn:aws:ec2:eu-west-1:123456789012:volume/vol-0abc"])
    """The resource's ARN."""

    within: Duration = Field(examples=["26h"])
    """How old the last successful backup may get; published as the resource's expected interval."""

    target: TargetName | None = Field(default=None, examples=["production"])
    """The target that watches it. Left out: the one whose account the ARN names, or the only one there is."""

    region: Region | None = Field(default=None, examples=["eu-west-1"])
    """The Region where it is backed up. Left out: the one in the ARN, or the target's only one."""

    @property
    def arn_region(self) -> str:
        """The Region in the ARN; empty where it has none (S3)."""
        return self.resource_arn.split(":")[3]

    @property
    def arn_account(self) -> str:
        """The account id in the ARN; empty where it has none (S3)."""
        return self.resource_arn.split(":")[4]

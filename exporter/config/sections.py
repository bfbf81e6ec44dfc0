"""The sections of a configuration as frozen records."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from exporter.config import duration
from exporter.config.base import Record as Record
from exporter.config.duration import DAY
from exporter.config.fields import (
    UNREPEATED,
    BackedUpType,
    Broken,
    Duration,
    DurationOrZero,
    EndpointUrl,
    FrozenMapping,
    JobId,
    Labels,
    Region,
    ResourceArn,
    ResourceType,
    RoleArn,
    Secret,
    Tags,
    TargetName,
    Text,
    VaultName,
    at_most,
    within,
)
from exporter.config.organization import Organization

_IDLE = at_most(300.0, duration.text, "data counts as stale after 15 minutes")
_WINDOW = within(30 * DAY, duration.text, "AWS Backup lists only the jobs of the last 30 days")


class Target(Record):
    """An AWS account, accessed with one set of credentials, and its Regions."""

    name: TargetName = Field(examples=["production"])
    """The name of the target in labels and in `/probe?target=`. Letters, digits, `-` and `_`; unique."""

    regions: Annotated[tuple[Region, ...], UNREPEATED] = Field(
        default=(), examples=["[eu-west-1, us-east-1]"]
    )
    """The Regions to monitor. Empty: the Region of the default AWS chain."""

    profile: Text | None = Field(default=None, examples=["backup"])
    """A profile of the AWS configuration files. Default: the default credential chain."""

    role_arn: RoleArn | None = Field(
        default=None, examples=["arn:aws:iam::123456789012:role/aws-backup-exporter"]
    )
    """A role to assume with these credentials. Default: no role is assumed."""

    external_id: Secret | None = Field(default=None, examples=["a-long-random-text"])
    """The external id that the trust policy of the role requires; needs `role_arn`. Secret: never shown."""

    endpoint_url: EndpointUrl | None = Field(default=None, examples=["https://backup.example.com"])
    """The http or https URL of AWS Backup, without credentials. Default: the endpoint of AWS."""

    job_ids: Annotated[tuple[JobId, ...], UNREPEATED] = Field(
        default=(), examples=["[1b2c3d4e-0f1a-2b3c-4d5e-6f7a8b9c0d1e]"]
    )
    """Ids of backup jobs to monitor in addition to discovered ones, while AWS knows them. Empty: none."""

    labels: Labels = Field(default=FrozenMapping({}), examples=["team: storage"])
    """Static labels to add to all series of this target. Empty: none."""

    organization: Organization | None = Field(default=None, examples=["{jobs: true}"])
    """The organization to monitor with these credentials. Default: only this account."""

    @property
    def external_ids(self) -> tuple[str, ...]:
        """The external ids of the target and of the roles in its member accounts: secrets."""
        members = self.organization and self.organization.members
        secrets = (self.external_id, members and members.external_id)
        return tuple(secret.get_secret_value() for secret in secrets if secret)

    def broken_rules(self) -> Iterable[Broken]:
        """Check that an external id comes with a role."""
        if self.external_id is not None and self.role_arn is None:
            yield Broken(("external_id",), "requires role_arn; set role_arn or remove external_id")


class Discovery(Record):
    """Which jobs to discover."""

    enabled: bool = True
    """Whether to discover jobs. false: only the `job_ids` of the targets are monitored."""

    window: Annotated[Duration, _WINDOW] = Field(default=DAY, examples=["24h"])
    """Jobs created within this time have series of their own. At most 30d."""

    lookback: Annotated[Duration, _WINDOW] = Field(default=7 * DAY, examples=["7d"])
    """How far back to list jobs at start, for the metrics of resources. From `window` to 30d."""

    resource_types: Annotated[tuple[ResourceType, ...], UNREPEATED] = Field(
        default=(), examples=["[EBS, RDS]"]
    )
    """Only jobs of these resource types, as AWS spells them. Empty: all."""

    vaults: Annotated[tuple[VaultName, ...], UNREPEATED] = Field(default=(), examples=["[Default]"])
    """Only jobs of these vaults, by name. Empty: all."""

    finished_jobs: Literal["all", "unsuccessful", "none"] = Field(default="all", examples=["unsuccessful"])
    """Which finished jobs have series of their own, in addition to `job_ids`. `unsuccessful`: those that did
    not succeed, whose message category is not `SUCCESS`, or that found threats. All jobs count in the metrics
    of resources and of the fleet."""

    @property
    def selects_some(self) -> bool:
        """Whether only jobs of some resource types or vaults are looked for."""
        return bool(self.resource_types or self.vaults)

    def broken_rules(self) -> Iterable[Broken]:
        """Check that lookback covers the window."""
        if self.lookback < self.window:
            lookback, window = duration.text(self.lookback), duration.text(self.window)
            given = "lookback" if "lookback" in self.model_fields_set else "window"
            message = f"lookback ({lookback}) is shorter than window ({window}); "
            yield Broken(
                (given,), f"{message}set lookback to {window} or more, or window to {lookback} or less"
            )


class ResourceInventory(Record):
    """Which resources of the account to check for a backup plan that selects them."""

    enabled: bool = False
    """Whether to list the tagged resources of the account once an hour. Needs the collector `plans`."""

    resource_types: Annotated[tuple[BackedUpType, ...], UNREPEATED] = Field(
        default=(), examples=["[EC2, RDS]"]
    )
    """Only resources of these types, as AWS Backup spells them. Empty: all that AWS Backup supports."""

    exclude_tags: Tags = Field(default=FrozenMapping({}), examples=["backup: none"])
    """Resources with one of these tags are not published: they need no backups. Empty: none."""


class Api(Record):
    """Rate limit and timeouts for calls to AWS."""

    requests_per_second: Annotated[
        float, within(50.0, "{:g}".format, "AWS allows 50 for all calls of an account in total")
    ] = Field(default=10.0, examples=["10", "0.5"])
    """Calls per second for each target and Region, including retries; the burst is twice that. At most 50."""

    connect_timeout: Duration = Field(default=2.0, examples=["2s"])
    """Timeout for connecting to AWS."""

    read_timeout: Duration = Field(default=5.0, examples=["5s"])
    """Timeout for a response from AWS."""

    idle_refresh: Annotated[DurationOrZero, _IDLE] = Field(default=60.0, examples=["60s", "0s"])
    """How often to refresh the jobs of a target and Region without active jobs or unfinished `job_ids`; with
    any, they are refreshed on each scrape. `0s`: always on each scrape. At most 5m."""


class Limits(Record):
    """Limits on the number of series."""

    max_jobs: Annotated[int, within(10**9, str, "a larger number does not fit in memory")] = Field(
        default=20_000, examples=["20000"]
    )
    """Maximum number of jobs with series for each target and Region; the oldest finished jobs are dropped."""


class Expectation(Record):
    """A resource that must be backed up, even if AWS Backup does not know it."""

    resource_arn: ResourceArn = Field(examples=["arn:aws:ec2:eu-west-1:123456789012:volume/vol-0abc"])
    """The ARN of the resource."""

    within: Duration = Field(examples=["26h"])
    """The maximum age of the last successful backup; exported as the expected interval of the resource."""

    target: TargetName | None = Field(default=None, examples=["production"])
    """The target that monitors it. Default: the target of the account in the ARN, or the only target."""

    region: Region | None = Field(default=None, examples=["eu-west-1"])
    """The Region in which it is backed up. Default: the Region in the ARN, or the only one of the target."""

    @property
    def arn_region(self) -> str:
        """The Region in the ARN; empty if it has none (S3)."""
        return self.resource_arn.split(":")[3]

    @property
    def arn_account(self) -> str:
        """The account id in the ARN; empty if it has none (S3)."""
        return self.resource_arn.split(":")[4]

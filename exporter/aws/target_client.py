"""Calls to AWS for one target, signed with its own credentials."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any
from zlib import crc32

from botocore.credentials import Credentials

from exporter.aws.client_cache import Client
from exporter.aws.credentials import CachedCredentials, FetchedCredentials
from exporter.aws.errors import from_boto, malformed, timed_out
from exporter.aws.profiles import Profiles
from exporter.aws.services import AWS_BACKUP, service_of
from exporter.config import Target
from exporter.model import Answer

MAX_CONCURRENT_CALLS = 32  # list and describe calls at the same time, of all targets together
ROLE_SESSION_NAME = "aws-backup-exporter"

RENEW_FROM, RENEW_UNTIL = 0.6, 0.8  # fraction of the lifetime of a role's credentials; varies by role
EXPIRY_MARGIN = 60.0  # seconds before the expiry: a request has to arrive before it


class TargetClient:
    """Makes the calls of one target.

    Args:
        target: gives the profile, role and endpoint.
        region: the Region in which the role is assumed.
        profiles: the profiles in use.
        source: the client whose credentials assume the role; by default, those of the profile do.

    Attributes:
        cached_credentials: those that sign the calls.
    """

    def __init__(
        self, target: Target, region: str, profiles: Profiles, source: "TargetClient | None" = None
    ) -> None:
        self._target = target
        self._profile = profiles.get(target.profile)
        self._profiles = profiles
        self._cpu_limiter = profiles.clients.cpu_limiter
        self._region = region
        self._source: CachedCredentials = source.cached_credentials if source else self._profile.credentials
        self.cached_credentials: CachedCredentials = (
            profiles.cached(self._assume_role) if target.role_arn else self._source
        )

    def call(self, region: str, operation: str, **parameters: Any) -> Answer:
        """Make one call. The endpoint of the target is that of AWS Backup alone.

        Args:
            region: the Region to call.
            operation: as AWS spells it.
            parameters: the call's parameters.

        Raises:
            AwsError: there are no usable credentials, AWS refused the call or could not be reached.
        """
        service = service_of(operation)
        endpoint_url = self._target.endpoint_url if service is AWS_BACKUP else None
        client = partial(self._profile.client, service.name, region, endpoint_url)
        return self._signed_call(self.cached_credentials, client, operation, parameters)

    def _signed_call(
        self,
        credentials: CachedCredentials,
        get_client: Callable[[], Client],
        operation: str,
        parameters: Mapping[str, Any],
    ) -> Answer:
        """Make a call with these credentials; if AWS rejects them, they are fetched again.

        Raises:
            AwsError: there are no credentials, AWS refused the call or could not be reached.
        """
        signing, client = credentials.get(), get_client()
        with self._cpu_limiter.acquired(), self._profiles.within_deadline() as call:
            try:
                answer = client.call(operation, parameters, signing)
            except Exception as error:
                if call.expired:
                    raise timed_out(operation) from None
                fault = from_boto(operation, error)
                if fault.is_about_credentials:
                    credentials.mark_rejected(signing)
                raise fault from error
        if call.expired:
            raise timed_out(operation)
        return answer

    def _assume_role(self, _start_over: bool) -> FetchedCredentials:
        role_arn, external_id = self._target.role_arn or "", self._target.external_id
        parameters = {"RoleArn": role_arn, "RoleSessionName": ROLE_SESSION_NAME}
        if external_id:
            parameters["ExternalId"] = external_id.get_secret_value()
        sts = partial(self._profile.client, "sts", self._region)
        answer = self._signed_call(self._source, sts, "AssumeRole", parameters)
        keys = answer.get("Credentials") or {}
        try:
            credentials = Credentials(
                keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], "assume-role"
            )
            lifetime = (keys["Expiration"] - _date(answer, self._profiles.clock)).total_seconds()
        except (KeyError, TypeError):
            raise malformed("AssumeRole", "a response without credentials") from None
        spread = crc32(role_arn.encode()) / 2**32  # roles that start together do not renew together
        renew_after = (RENEW_FROM + (RENEW_UNTIL - RENEW_FROM) * spread) * lifetime
        return FetchedCredentials(credentials, renew_after, max(renew_after, lifetime - EXPIRY_MARGIN))


def _date(answer: Answer, clock: Callable[[], float]) -> datetime:
    """When AWS responded, by its own clock if the response has a Date header."""
    try:
        return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
    except (KeyError, TypeError, ValueError):
        return datetime.fromtimestamp(clock(), UTC)

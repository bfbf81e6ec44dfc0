"""STS: roles lead into accounts, for a time, and can be refused."""

from threading import Event

from exporter.simulator.account import DEFAULT_ACCOUNT
from exporter.simulator.backend import Simulation
from exporter.simulator.errors import access_denied, throttled
from exporter.simulator.role_sessions import account_of
from exporter.simulator.sts import into_account
from tests.simulator.conftest import NOW, REGION, Clock, Connect, assume, refusal, using

MEMBER, OTHER = "111111111111", "222222222222"


def test_each_role_leads_into_its_account(connect: Connect, simulation: Simulation) -> None:
    """Credentials of several accounts can be used side by side, in every Region."""
    keys = {account_id: assume(connect, account_id) for account_id in (MEMBER, OTHER)}
    for account_id in keys:
        for region in (REGION, "us-east-1"):
            job_id = f"{account_id}-{region}"
            simulation.account(region, account_id).put({"BackupJobId": job_id, "State": "RUNNING"})
    for account_id, own in keys.items():
        for region in (REGION, "us-east-1"):
            [job] = using(connect, own, region=region).list_backup_jobs()["BackupJobs"]
            assert job["BackupJobId"] == f"{account_id}-{region}"


def test_callers_know_who_they_are(connect: Connect) -> None:
    """GetCallerIdentity tells the account and the session of the credentials."""
    told = using(connect, assume(connect, MEMBER), service="sts").get_caller_identity()
    assert told["Account"] == MEMBER
    assert told["Arn"] == f"arn:aws:sts::{MEMBER}:assumed-role/aws-backup-exporter/test"
    assert connect(service="sts").get_caller_identity()["Account"] == DEFAULT_ACCOUNT


def test_credentials_expire(connect: Connect, clock: Clock) -> None:
    """Credentials work for as long as was asked for, by the clock of the simulation."""
    keys = assume(connect, MEMBER, DurationSeconds=900)
    assert keys["Expiration"].timestamp() == NOW + 900
    client = using(connect, keys)
    clock.advance(899)
    assert client.list_backup_jobs()["BackupJobs"] == []
    clock.advance(1)
    assert refusal(client.list_backup_jobs) == "ExpiredTokenException"


def test_keys_and_tokens_belong_together(connect: Connect) -> None:
    """The key of one session with the token of another one is refused."""
    one, other = assume(connect, MEMBER), assume(connect, OTHER)
    client = using(connect, one | {"SessionToken": other["SessionToken"]})
    assert refusal(client.list_backup_jobs) == "UnrecognizedClientException"


def test_an_account_can_refuse(connect: Connect, simulation: Simulation) -> None:
    """AssumeRole can fail for one account alone, as often as was said."""
    refused = access_denied("not authorized to perform: sts:AssumeRole")
    simulation.sts_requests.fail("AssumeRole", refused, 2, into_account(MEMBER))
    codes = [refusal(assume, connect=connect, account_id=MEMBER) for _ in range(2)]
    assert codes == ["AccessDenied"] * 2
    assert assume(connect, OTHER)
    assert assume(connect, MEMBER)


def test_sts_throttles(connect: Connect, simulation: Simulation) -> None:
    """Any operation of STS can fail until it recovers."""
    simulation.sts_requests.fail(None, throttled())
    assert refusal(connect(service="sts").get_caller_identity) == "ThrottlingException"
    simulation.sts_requests.recover()
    assert assume(connect, MEMBER)


def test_an_account_can_be_slow(connect: Connect, simulation: Simulation) -> None:
    """A call waits for what was passed in as the delay, and those for other accounts do not."""
    waited = Event()
    simulation.sts_requests.delay("AssumeRole", waited.set, condition=into_account(MEMBER))
    assume(connect, OTHER)
    assert not waited.is_set()
    assume(connect, MEMBER)
    assert waited.is_set()


def test_calls_are_on_record(connect: Connect, simulation: Simulation) -> None:
    """Each AssumeRole is on record with the role and the external ID."""
    assume(connect, MEMBER, ExternalId="hush-hush")
    [call] = simulation.sts_requests.calls
    assert (call.time, call.operation) == (NOW, "AssumeRole")
    assert account_of(call.parameters["RoleArn"]) == MEMBER
    assert call.parameters["ExternalId"] == "hush-hush"


def test_a_suspended_account_lets_no_one_in(connect: Connect, simulation: Simulation) -> None:
    """The roles of a member that is not active cannot be assumed."""
    organization = simulation.create_organization()
    organization.add_account(MEMBER, "shop")
    assert assume(connect, MEMBER)
    organization.set_state(MEMBER, "SUSPENDED")
    assert refusal(assume, connect=connect, account_id=MEMBER) == "AccessDenied"

"""Requests to AWS Backup and their responses, against those of botocore's own client."""

from calendar import timegm
from collections.abc import Iterator, Mapping
from time import strptime
from typing import Any

import botocore.session
import pytest
from botocore import xform_name
from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, EndpointConnectionError

from exporter.aws.backup_client import BackupClient
from exporter.aws.client_cache import client_config
from exporter.aws.cpu_limiter import CpuLimiter
from exporter.aws.deadlines import Deadlines
from exporter.aws.rest_json import GetOperation
from exporter.config import Api, ResourceInventory
from exporter.config import Config as Settings
from exporter.doctor import actions
from tests.faults.wire import JSON, Exchange, Wire, unplugged

SESSION = botocore.session.get_session()
MODEL = SESSION.get_service_model("backup")
KEYS = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
ROLE_KEYS = Credentials("ASIAEXAMPLE", "secret", "a token/with+odd=characters")
OPERATIONS = sorted(
    {
        action.removeprefix("backup:")
        for needed in actions(Settings(inventory=ResourceInventory(enabled=True))).values()
        for action in needed
        if action.startswith("backup:")
    }
)
VALUES: Mapping[str, Any] = {
    "boolean": True,
    "integer": 1000,
    "string": "arn:aws:backup:eu-west-1:1:plan/a b+c~*'é%2F",
    "timestamp": 1_760_000_000.123456,
}
SIGNED = ("Host", "X-Amz-Date", "X-Amz-Security-Token", "Authorization")


@pytest.fixture
def wire() -> Iterator[Wire]:
    """An endpoint that answers each request with an empty object."""
    with unplugged("http://127.0.0.1:1") as wire:
        wire.breakage = lambda exchange: exchange.give(200, "{}")
        wire.plug_in()
        yield wire


def botocore_client(endpoint_url: str | None, keys: Credentials = KEYS, **config: Any) -> Any:
    """Make a client of botocore's own."""
    return SESSION.create_client(
        "backup",
        region_name="eu-west-1",
        endpoint_url=endpoint_url,
        aws_access_key_id=keys.access_key,
        aws_secret_access_key=keys.secret_key,
        aws_session_token=keys.token,
        config=client_config(Api()).merge(Config(**config)),
    )


def client(endpoint_url: str | None, now: float = 0.0, **config: Any) -> BackupClient:
    """Make a client whose clock stands still."""
    inner = botocore_client(endpoint_url, Credentials("none", "none"), **config)
    return BackupClient(inner, cpu_limiter=CpuLimiter(), deadlines=Deadlines(), clock=lambda: now)


def parameters(operation: str) -> dict[str, Any]:
    """Give every parameter of an operation that its lists and descriptions may have."""
    shape: Any = MODEL.operation_model(operation).input_shape
    return {name: VALUES[member.type_name] for name, member in shape.members.items()} if shape else {}


def at(headers: Mapping[str, str]) -> float:
    """Tell when a request was signed."""
    return timegm(strptime(headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ"))


@pytest.mark.parametrize("keys", [KEYS, ROLE_KEYS], ids=["user", "role"])
@pytest.mark.parametrize("path", ["", "/a/proxy~1"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_requests_are_those_of_botocore(wire: Wire, operation: str, path: str, keys: Credentials) -> None:
    """Each operation of the exporter has the path, query and signature that botocore gives it."""
    given = parameters(operation)
    getattr(botocore_client(wire.endpoint_url + path, keys), xform_name(operation))(**given)
    [(theirs, headers)] = wire.requests
    client(wire.endpoint_url + path, at(headers)).call(operation, given, keys)
    ours, our_headers = wire.requests[1]

    found = {name.title(): value for name, value in our_headers.items()}
    assert sorted(ours.partition("?")[2].split("&")) == sorted(theirs.partition("?")[2].split("&"))
    assert ours.partition("?")[0] == theirs.partition("?")[0]
    assert {name: found.get(name) for name in SIGNED} == {name: headers.get(name) for name in SIGNED}


@pytest.mark.parametrize("text", ["a", "a/b", "ümlaut & ?#", "%2f", "~._-"])
def test_labels_are_encoded(wire: Wire, text: str) -> None:
    """A job ID with any characters stays one part of the path."""
    botocore_client(wire.endpoint_url).describe_backup_job(BackupJobId=text)
    client(wire.endpoint_url).call("DescribeBackupJob", {"BackupJobId": text}, KEYS)

    assert wire.requests[0][0] == wire.requests[1][0]


@pytest.mark.parametrize("seconds", [0.0, 1_760_000_000.0, 1_760_000_000.5, 1_760_000_000.000001])
def test_times_are_written_as_botocore_does(wire: Wire, seconds: float) -> None:
    """A time has microseconds where it needs them."""
    botocore_client(wire.endpoint_url).list_backup_jobs(ByCreatedAfter=seconds)
    client(wire.endpoint_url).call("ListBackupJobs", {"ByCreatedAfter": seconds}, KEYS)

    assert wire.requests[0][0] == wire.requests[1][0]


@pytest.mark.parametrize(
    ("region", "config", "url"),
    [
        ("eu-west-1", {}, "https://backup.eu-west-1.amazonaws.com"),
        ("cn-north-1", {}, "https://backup.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", {"use_fips_endpoint": True}, "https://backup-fips.us-gov-west-1.amazonaws.com"),
        ("eu-west-1", {"use_dualstack_endpoint": True}, "https://backup.eu-west-1.api.aws"),
        ("fips-us-east-1", {}, "https://backup-fips.us-east-1.amazonaws.com"),
    ],
)
def test_endpoints_are_those_of_botocore(region: str, config: dict[str, Any], url: str) -> None:
    """The endpoint of each partition and setting is that of the botocore client, and so is the Region."""
    inner: Any = SESSION.create_client(
        "backup",
        region_name=region,
        config=Config(**config),
        aws_access_key_id="none",
        aws_secret_access_key="none",
    )
    inner._endpoint.http_session = session = Unreachable()
    ours = BackupClient(inner, cpu_limiter=CpuLimiter(), deadlines=Deadlines())
    with pytest.raises(EndpointConnectionError):
        ours.call("ListBackupPlans", {}, KEYS)

    [sent] = session.sent
    assert sent.url == f"{url}/backup/plans/"
    assert f"/{region.removeprefix('fips-')}/backup/aws4_request" in sent.headers["authorization"]


class Unreachable:
    """An HTTP session that reaches nothing.

    Attributes:
        sent: the requests.
    """

    def __init__(self) -> None:
        self.sent: list[AWSPreparedRequest] = []

    def send(self, request: AWSPreparedRequest) -> None:
        """Fail."""
        self.sent.append(request)
        raise EndpointConnectionError(endpoint_url=request.url)


def test_the_user_agent_names_the_exporter(wire: Wire) -> None:
    """AWS can tell the exporter's calls from others, as botocore's client would let it."""
    client(wire.endpoint_url).call("ListBackupPlans", {}, KEYS)
    [(_, headers)] = wire.requests
    agent = {name.lower(): value for name, value in headers.items()}["user-agent"]

    assert agent.startswith("Botocore/")
    assert "aws-backup-exporter/" in agent


def gives(status: int, body: str, content_type: str = JSON, **headers: str) -> Any:
    """Answer each request alike."""

    def answer(exchange: Exchange) -> None:
        exchange.give(status, body, content_type, **headers)

    return answer


REFUSALS = {
    "modeled": (
        400,
        '{"Code": "X", "Message": "no"}',
        {"x_amzn_ErrorType": "MissingParameterValueException"},
    ),
    "denied": (403, '{"message": "not authorized"}', {"x_amzn_ErrorType": "AccessDeniedException:http://a/"}),
    "in the body": (400, '{"__type": "a#ThrottlingException", "message": "slow"}', {}),
    "page": (502, "<html>Bad Gateway</html>", {}),
    "empty": (503, "", {}),
    "redirect": (301, "", {}),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_refusals_are_read_as_botocore_does(wire: Wire, refusal: str) -> None:
    """An error response is the exception of botocore, with code, message and headers."""
    status, body, headers = REFUSALS[refusal]
    wire.breakage = gives(status, body, **headers)
    with pytest.raises(ClientError) as theirs:
        botocore_client(wire.endpoint_url).list_backup_jobs()
    with pytest.raises(ClientError) as ours:
        client(wire.endpoint_url).call("ListBackupJobs", {}, KEYS)

    told, found = theirs.value.response, ours.value.response
    assert found["Error"] == told["Error"]
    assert found["ResponseMetadata"].items() <= told["ResponseMetadata"].items()
    assert found["ResponseMetadata"]["HTTPStatusCode"] == status
    assert ours.value.operation_name == "ListBackupJobs"


def test_a_response_has_its_headers(wire: Wire) -> None:
    """The status and the headers of a response come with its fields."""
    wire.breakage = gives(200, '{"BackupJobs": [], "Other": 1}', Date="now")

    answer = client(wire.endpoint_url).call("ListBackupJobs", {}, KEYS)

    assert answer["BackupJobs"] == []
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert answer["ResponseMetadata"]["HTTPHeaders"]["date"] == "now"
    assert "Other" not in answer


@pytest.mark.parametrize(("status", "body"), [(200, ""), (204, '{"BackupJobs": []}')])
def test_other_responses_are_read_by_botocore(wire: Wire, status: int, body: str) -> None:
    """What is no JSON object, or has another status, is what botocore makes of it: never rows."""
    wire.breakage = gives(status, body)
    assert not client(wire.endpoint_url).call("ListBackupJobs", {}, KEYS).get("BackupJobs")


def test_lone_surrogates_are_replaced(wire: Wire) -> None:
    """Half of a surrogate pair in an ID becomes U+FFFD."""
    wire.breakage = gives(200, r'{"BackupJobs": [{"BackupJobId": "a\ud800"}]}')
    answer = client(wire.endpoint_url).call("ListBackupJobs", {}, KEYS)
    assert answer["BackupJobs"] == [{"BackupJobId": "a\ufffd"}]


def test_a_connection_that_fails_is_an_error_of_botocore() -> None:
    """Where nobody listens the exception is botocore's, and the next call tries again."""
    ours = client("http://127.0.0.1:1")
    for _ in range(2):
        with pytest.raises(EndpointConnectionError):
            ours.call("ListBackupJobs", {}, KEYS)


def test_operations_that_are_no_plain_get_are_refused() -> None:
    """An operation with a body is an error of the program, not a request without it."""
    with pytest.raises(ValueError, match="StartBackupJob is not a plain GET request"):
        GetOperation.of(MODEL.operation_model("StartBackupJob"))

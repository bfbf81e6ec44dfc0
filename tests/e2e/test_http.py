"""The HTTP side as clients meet it: methods, formats, encodings, filters."""

from collections.abc import Iterator

import pytest

from tests.e2e import sorts, told
from tests.e2e.aws import Aws, simulated_aws
from tests.e2e.fork_server import ForkServer
from tests.e2e.http import ask
from tests.e2e.process import Process, environment

PLAIN = "text/plain; version=0.0.4; charset=utf-8"
TEXT_1 = "text/plain; version=1.0.0; charset=utf-8; escaping={}"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping={}"
ASKS_OPENMETRICS = {"Accept": "application/openmetrics-text;version=1.0.0"}
GZIP = {"Accept-Encoding": "gzip"}


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    """An account with a running and a finished job."""
    with simulated_aws() as made:
        made.account.put(sorts.full("a", "RUNNING"))
        made.account.put(sorts.full("b", "COMPLETED"))
        yield made


@pytest.fixture(scope="module")
def address(aws: Aws, forks: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where an exporter on it listens."""
    directory = tmp_path_factory.mktemp("exporter")
    variables = environment(directory, AWS_ENDPOINT_URL_BACKUP=aws.endpoint_url)
    config = directory / "config.yaml"
    plenty = "requests_per_second: 50"  # none waits for its turn
    config.write_text(f"targets: [{{name: t}}]\napi: {{{plenty}, idle_refresh: 0s}}\n")
    arguments = ("--config.file", str(config), "--web.listen-address", "127.0.0.1:0")
    process = Process(arguments, variables, directory, forks.launch)
    try:
        yield process.address()
    finally:
        process.kill()


@pytest.mark.parametrize("path", ["/metrics", "/", "/-/healthy", "/-/ready"])
def test_head_is_get_without_a_body(address: str, path: str) -> None:
    """HEAD answers as GET does, without a body."""
    get, head = ask(address, path), ask(address, path, method="HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Type"] == get.headers["Content-Type"]
    assert int(head.headers["Content-Length"]) > 0


@pytest.mark.parametrize(
    "path", ["/nope", "/metrics/a", "/-/", "/probe/../x", "/%00", "/metrics%2fa", "/-%2Fhealthy"]
)
def test_an_unknown_path_is_not_found(address: str, path: str) -> None:
    """A path that there is not is answered with 404."""
    assert ask(address, path).status == 404


@pytest.mark.parametrize("path", ["/metrics", "/", "/-/healthy", "/-/ready"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "BREW"])
def test_another_method_is_not_allowed(address: str, path: str, method: str) -> None:
    """Only GET and HEAD are allowed, and the answer says so."""
    answer = ask(address, path, method=method)
    assert answer.status == 405
    assert {word.strip() for word in answer.headers["Allow"].split(",")} == {"GET", "HEAD"}


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, PLAIN),
        ("", PLAIN),
        ("*/*", PLAIN),
        ("text/html", PLAIN),
        ("text/plain", PLAIN),
        ("text/plain;version=0.0.4", PLAIN),
        ("text/plain;version=1.0.0", TEXT_1.format("underscores")),
        ("text/plain; version=1.0.0; escaping=allow-utf-8", TEXT_1.format("allow-utf-8")),
        ("application/openmetrics-text", OPENMETRICS.format("underscores")),
        ("application/openmetrics-text;version=1.0.0", OPENMETRICS.format("underscores")),
        ("Application/OpenMetrics-Text ; Version=1.0.0", OPENMETRICS.format("underscores")),
        ("application/openmetrics-text;version=0.0.1", PLAIN),
        ("application/openmetrics-text;version=2.0.0", PLAIN),
        ("application/openmetrics-text;version=abc", PLAIN),
        ("application/openmetrics-text;version=1.0.0;escaping=a b", OPENMETRICS.format("underscores")),
        ("application/openmetrics-text;q=0, text/plain;q=0.1", PLAIN),
        ("application/openmetrics-text;version=1.0.0;q=0.1,text/plain;version=0.0.4;q=0.9", PLAIN),
        ("text/plain;q=0.1,application/openmetrics-text;q=0.9", OPENMETRICS.format("underscores")),
        ("application/openmetrics-text;q=x", OPENMETRICS.format("underscores")),
        ("application/openmetrics-text;q=nan, text/plain;q=1e999", OPENMETRICS.format("underscores")),
        (";;;,,=;q=,\t/;version", PLAIN),
        (
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
            "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            OPENMETRICS.format("underscores"),
        ),
        (
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
            "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;"
            "q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
            OPENMETRICS.format("allow-utf-8"),
        ),
    ],
)
def test_the_format_is_the_one_asked_for(address: str, accept: str | None, expected: str) -> None:
    """Accept decides on the format, by weight; what it does not make clear gets plain text."""
    answer = ask(address, "/metrics", {} if accept is None else {"Accept": accept})
    assert answer.status == 200
    assert answer.headers["Content-Type"] == expected
    assert answer.body.endswith(b"# EOF\n") == expected.startswith("application/openmetrics-text")
    assert "Accept" in answer.headers["Vary"]


def test_openmetrics_names_counters_without_total(address: str) -> None:
    """In OpenMetrics a counter's TYPE is that of its name without `_total`; in plain text with it."""
    name = "aws_backup_exporter_api_requests"
    assert f"\n# TYPE {name} counter\n" in ask(address, "/metrics", ASKS_OPENMETRICS).text
    assert f"\n# TYPE {name}_total counter\n" in ask(address, "/metrics").text


@pytest.mark.parametrize(
    ("encodings", "compressed"),
    [
        (None, False),
        ("", False),
        ("identity", False),
        ("br, deflate", False),
        ("x-gzip-not", False),
        ("gzip;q=0", False),
        ("gzip;q=0.000", False),
        ("gzip", True),
        ("deflate, gzip;q=0.5, *;q=0", True),
        ("GZIP", True),
    ],
)
def test_gzip_only_when_asked(address: str, encodings: str | None, compressed: bool) -> None:
    """The answer is compressed only for a client that accepts gzip, and says the same then."""
    answer = ask(address, "/metrics", {} if encodings is None else {"Accept-Encoding": encodings})
    assert answer.headers["Content-Encoding"] == ("gzip" if compressed else None)
    assert answer.body.startswith(b"\x1f\x8b") == compressed
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert told.published(answer.text) == told.published(ask(address, "/metrics").text)


@pytest.mark.parametrize("headers", [{}, GZIP, ASKS_OPENMETRICS, GZIP | ASKS_OPENMETRICS])
@pytest.mark.parametrize(
    "names",
    [
        ("aws_backup_up",),
        ("aws_backup_job_state", "aws_backup_job_size_bytes"),
        ("aws_backup_exporter_api_requests_total",),
        ("aws_backup_job_info", "process_resident_memory_bytes"),
        ("aws_backup_exporter_refresh_duration_seconds_count",),
    ],
)
def test_names_filter(address: str, names: tuple[str, ...], headers: dict[str, str]) -> None:
    """With `name[]` there are only the samples of those names, and all of them."""
    everything = _names_and_labels(ask(address, "/metrics", headers).text)
    answer = ask(address, f"/metrics?{'&'.join(f'name[]={name}' for name in names)}", headers)
    wanted = {sample for sample in everything if sample.partition("{")[0] in names}
    assert wanted
    assert _names_and_labels(answer.text) == wanted


def test_an_unknown_name_filters_all(address: str) -> None:
    """A `name[]` that nothing has gives an empty exposition that is still valid."""
    assert ask(address, "/metrics?name[]=nope").body == b""
    assert ask(address, "/metrics?name[]=nope", ASKS_OPENMETRICS).body == b"# EOF\n"
    assert ask(address, "/metrics?name[]=nope", GZIP).text == ""


def test_another_parameter_filters_nothing(address: str) -> None:
    """Parameters that mean nothing are passed over."""
    assert "aws_backup_up" in ask(address, "/metrics?collect[]=x&name=y&%ff").text


def _names_and_labels(text: str) -> set[str]:
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return {line.rpartition(" ")[0] for line in lines}

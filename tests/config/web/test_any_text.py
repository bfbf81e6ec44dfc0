"""Whatever stands in a web configuration: it loads, or ConfigError says why not, in a line each."""

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.config import ConfigError
from exporter.config.validation import read_text
from exporter.config.web import HttpServer, RateLimit, TlsServer, WebConfig
from exporter.config.web.values import HEADERS
from tests.web.certificates import beside_certificates, server_pem

SECRET = "hush"
KEYS = [
    *(name for record in (WebConfig, TlsServer, HttpServer, RateLimit) for name in record.model_fields),
    *HEADERS,
    "alice",
    "<<",
    "[key]",
]
WORDS = [
    "server.crt",
    "server.key",
    "ca.crt",
    ".",
    "/dev/null",
    "TLS13",
    "X25519",
    "TLS_AES_128_GCM_SHA256",
    "RequireAndVerifyClientCert",
    "deny",
    "1s",
    "20",
    "$2y$10$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze",
    server_pem().certificate,
    server_pem().key,
    "a\0b",
]

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.text(),
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), below, max_size=5)
    ),
    max_leaves=25,
)
sections = st.fixed_dictionaries(
    {},
    optional={
        "tls_server_config": st.dictionaries(
            st.sampled_from(list(TlsServer.model_fields)), values, max_size=6
        ),
        "http_server_config": st.dictionaries(st.sampled_from(list(HttpServer.model_fields)), values),
        "basic_auth_users": st.dictionaries(st.sampled_from(KEYS), values, max_size=3),
        "rate_limit": st.dictionaries(st.sampled_from(list(RateLimit.model_fields)), values),
    },
)
within_one_folder = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with certificates."""
    folder = tmp_path_factory.mktemp("any")
    beside_certificates(folder)
    return folder


def read(text: str, folder: Path) -> ConfigError | None:
    """Read the text, and return what is wrong with it, if anything."""
    try:
        read_text(WebConfig, text, str(folder / "web.yml"))
    except ConfigError as error:
        return error
    return None


@within_one_folder
@given(data=values | sections)
def test_any_values(data: object, folder: Path) -> None:
    """No well-formed YAML brings another exception than ConfigError."""
    error = read(yaml.safe_dump(data, allow_unicode=True), folder)
    assert error is None or len(str(error).split("\n")) == len(error.problems)


@within_one_folder
@given(around=st.text(alphabet="!&*|>%@'\"{}[],:?#- \tab$", max_size=6), after=st.text(max_size=6))
def test_no_password_is_shown(around: str, after: str, folder: Path) -> None:
    """A password in place of a hash is never repeated, whatever YAML makes of it."""
    assert SECRET not in str(read(f"basic_auth_users:\n  alice: {around}{SECRET}{after}\n", folder))

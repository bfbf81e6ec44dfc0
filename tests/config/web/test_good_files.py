"""What is accepted, as people have it for other exporters, and what it becomes."""

import copy
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from exporter.config import ConfigError
from exporter.config.web import WebConfig, load_web_config
from tests.config.web.conftest import Load
from tests.web.certificates import Write, authority, server_pem

HASH = "$2y$10$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze"
PAIR = "cert_file: server.crt, key_file: server.key"


def indented(pem: str) -> str:
    """Put PEM text into YAML as a block."""
    return "|\n" + "".join(f"    {line}\n" for line in pem.splitlines())


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "{}", "tls_server_config:\n", "basic_auth_users:\n#  alice: hash\n"]
)
def test_a_file_that_says_nothing(load: Load, text: str) -> None:
    """A file without a setting, and sections without one, are the same as no file."""
    assert load(text) == WebConfig()


def test_without_a_file() -> None:
    """Without a file there is plain HTTP for everybody, without limit."""
    config = WebConfig()
    assert config.tls is None
    assert (dict(config.basic_auth_users), dict(config.http_server_config.headers)) == ({}, {})
    assert config.rate_limit.interval == 0


def test_a_usual_file(load: Load) -> None:
    """Certificate, users and limit are read as the format has them; what is left out has its default."""
    config = load(f"""
# TLS and basic authentication
tls_server_config:
  cert_file: server.crt
  key_file: server.key

basic_auth_users:
  alice: {HASH}
  bob: $2b$12$w2B0zBiTjtrnWoaG9bWOQ.BC4wRft0L0wZNPEHWdFEamwX4elpUdW

http_server_config:
  http2: true

rate_limit:
  interval: "1s"
  burst: 20
""")
    tls = config.tls
    assert tls is not None
    assert (tls.certificate, tls.private_key) == (server_pem().certificate, server_pem().key)
    assert (tls.min_version, tls.max_version, tls.client_auth_type) == ("TLS12", "TLS13", "NoClientCert")
    assert [*config.basic_auth_users] == ["alice", "bob"]
    assert config.basic_auth_users["alice"].get_secret_value() == HASH
    assert (config.rate_limit.interval, config.rate_limit.burst) == (1.0, 20)


def test_client_certificates(load: Load) -> None:
    """The authority that signs clients' certificates is read, and the names that they may have."""
    tls = load(f"""
tls_server_config:
  {PAIR.replace(", ", chr(10) + "  ")}
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.crt
  client_allowed_sans:
    - prometheus.example.com
    - 10.0.0.1
""").tls
    assert tls is not None
    assert tls.client_authorities == authority().certificate
    assert tls.client_allowed_sans == ("prometheus.example.com", "10.0.0.1")


def test_text_in_place_of_files(load: Load) -> None:
    """Certificate, key and authority may stand in the file itself."""
    tls = load(
        "tls_server_config:\n"
        f"  cert: {indented(server_pem().certificate)}"
        f"  key: {indented(server_pem().key)}"
        f"  client_ca: {indented(authority().certificate)}"
        "  client_auth_type: VerifyClientCertIfGiven\n"
    ).tls
    assert tls is not None
    assert (tls.certificate, tls.private_key) == (server_pem().certificate, server_pem().key)
    assert tls.client_authorities == authority().certificate
    assert tls.files == ()


def test_text_and_a_file(write: Write) -> None:
    """A certificate in the file and another one named there leave open which is meant."""
    path = write(f"tls_server_config:\n  cert: {indented(server_pem().certificate)}  {PAIR}")
    path.write_text(path.read_text().replace(", ", "\n  "))
    with pytest.raises(ConfigError) as caught:
        load_web_config(path)
    (problem,) = caught.value.problems
    expected = "cert is also set; remove one of them; tls_server_config.cert is on line 2"
    assert (problem.key, problem.message) == ("tls_server_config.cert_file", expected)


def test_a_key_in_the_file_that_is_anothers(load: Load) -> None:
    """A key in the file itself is held against the certificate too, at its own line."""
    other = authority().issue()
    with pytest.raises(
        ConfigError, match=r"web.yml:3:3: tls_server_config.key: the key does not match the certificate"
    ):
        load(f"tls_server_config:\n  cert_file: server.crt\n  key: {indented(other.key)}")


def test_paths_are_relative_to_the_file(write: Write, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A file is looked for beside the one that names it, from wherever the exporter is started."""
    path = write(f"tls_server_config: {{{PAIR}}}")
    tls = load_web_config(path).tls
    assert tls is not None
    assert [file.path for file in tls.files] == [path.parent / "server.crt", path.parent / "server.key"]
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "web.yml"
    absolute = PAIR.replace("server", str(path.parent / "server"))
    elsewhere.write_text(f"tls_server_config: {{{absolute}}}")
    assert load_web_config(elsewhere).tls is not None


def test_one_file_for_certificate_and_key(load: Load, tmp_path: Path) -> None:
    """Certificate and key may share a file, with comments before and after."""
    text = f"Für alle\n{server_pem().key}# and\n{server_pem().certificate}the end\n"
    (tmp_path / "both.pem").write_text(text)
    assert load("tls_server_config: {cert_file: both.pem, key_file: both.pem}").tls is not None


def test_blank_keys_are_left_out(load: Load) -> None:
    """Templates leave keys without a value behind; they mean the default."""
    config = load(f"""
tls_server_config:
  cert_file: server.crt
  key_file: server.key
  client_ca_file: ""
  client_auth_type: ""
  client_allowed_sans:
  cipher_suites: []
http_server_config:
  headers:
    X-Frame-Options: ""
    X-XSS-Protection:
basic_auth_users:
  alice: {HASH}
rate_limit:
  interval: 0
  burst: 0
""")
    assert config.tls == load(f"tls_server_config: {{{PAIR}}}").tls
    assert dict(config.http_server_config.headers) == {}


def test_every_header(load: Load) -> None:
    """The five headers of the format are taken as they are, a bare 0 included."""
    config = load("""
http_server_config:
  headers:
    Content-Security-Policy: default-src 'self'
    Strict-Transport-Security: max-age=31536000
    X-Content-Type-Options: nosniff
    X-Frame-Options: sameorigin
    X-XSS-Protection: 0
""")
    assert dict(config.http_server_config.headers) == {
        "Content-Security-Policy": "default-src 'self'",
        "Strict-Transport-Security": "max-age=31536000",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "sameorigin",
        "X-XSS-Protection": "0",
    }


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1), ("250ms", 0.25), ("1m30s", 90), ("1.5h", 5400), (".5s", 0.5), ("100us", 0.0001), ("0", 0)],
)
def test_intervals_as_go_writes_them(load: Load, text: str, seconds: float) -> None:
    """The interval of a limit is written as Go writes durations, fractions included."""
    limit = load(f"rate_limit: {{interval: {text}, burst: 1}}").rate_limit
    assert limit.interval == pytest.approx(seconds)


AES_OF_TLS12 = [
    f"TLS_ECDHE_{signature}_WITH_AES_{cipher}"
    for signature in ("ECDSA", "RSA")
    for cipher in ("128_CBC_SHA", "256_CBC_SHA", "128_GCM_SHA256", "256_GCM_SHA384")
]
SUITES_OF_GO = [
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    *AES_OF_TLS12,
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
]


def test_every_suite_of_go(load: Load) -> None:
    """Every cipher suite that Go calls safe is known."""
    tls = load(f"tls_server_config: {{{PAIR}, cipher_suites: [{', '.join(SUITES_OF_GO)}]}}").tls
    assert tls is not None
    assert list(tls.cipher_suites) == SUITES_OF_GO


@pytest.mark.parametrize("curve", ["X25519", "CurveP256", "CurveP384", "CurveP521"])
def test_every_curve(load: Load, curve: str) -> None:
    """Each curve of the format may be the one."""
    tls = load(f"tls_server_config: {{{PAIR}, curve_preferences: [{curve}]}}").tls
    assert tls is not None
    assert tls.curve_preferences == (curve,)


@pytest.mark.parametrize(
    "show", [repr, str, lambda config: str(config.model_dump())], ids=["repr", "str", "dump"]
)
def test_no_secret_is_shown(load: Load, show: Callable[[WebConfig], str]) -> None:
    """Neither printing nor dumping a configuration shows a key or a hash."""
    key = indented(server_pem().key)
    inline = load(f"tls_server_config:\n  cert_file: server.crt\n  key: {key}basic_auth_users: {{a: {HASH}}}")
    for config in (inline, load(f"tls_server_config: {{{PAIR}}}")):
        assert not re.search(r"PRIVATE KEY|mDwo\.lAisC", show(config))


def test_frozen(load: Load) -> None:
    """Nothing in a configuration can be changed; it can be compared and copied."""
    config = load(f"basic_auth_users: {{a: {HASH}}}")
    with pytest.raises(ValidationError, match="frozen"):
        config.rate_limit.burst = 1
    with pytest.raises(TypeError, match="does not support item assignment"):
        config.basic_auth_users["a"] = config.basic_auth_users["a"]  # type: ignore[index] # frozen
    assert copy.deepcopy(config) == config != WebConfig()

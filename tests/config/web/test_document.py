"""docs/web-configuration.md, held against what it speaks of."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from exporter.config.base import Record
from exporter.config.web import HttpServer, RateLimit, TlsServer, WebConfig
from exporter.config.web.values import (
    CLIENT_AUTH_TYPES,
    CURVES,
    HEADERS,
    INSECURE_VERSIONS,
    MAX_BCRYPT_COST,
    VERSIONS,
)
from exporter.web.access.passwords import MAX_PENDING_PER_ADDRESS, Credentials, Passwords
from tests.config.web.conftest import Load
from tests.docs.markdown import blocks, document, marked_blocks
from tests.support.programs import require
from tests.web.test_passwords import run

TEXT = document("docs/web-configuration.md")
ROWS = dict(re.findall(r"^\| `([\w.]+)` \| (.*) \|$", TEXT, re.MULTILINE))
SECTIONS: dict[str, type[Record]] = {
    "tls_server_config": TlsServer,
    "http_server_config": HttpServer,
    "rate_limit": RateLimit,
}


def test_every_key_is_told() -> None:
    """The table has a row for each key, and no other."""
    keys = [f"{section}.{key}" for section, record in SECTIONS.items() for key in record.model_fields]
    assert sorted(ROWS) == sorted([*keys, "basic_auth_users"])
    assert WebConfig.model_fields.keys() == {*SECTIONS, "basic_auth_users"}


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("tls_server_config.client_auth_type", CLIENT_AUTH_TYPES),
        ("tls_server_config.min_version", (*VERSIONS, *INSECURE_VERSIONS)),
        ("tls_server_config.curve_preferences", tuple(CURVES)),
        (
            "http_server_config.headers",
            (*HEADERS, *(value for values in HEADERS.values() for value in values)),
        ),
    ],
)
def test_every_choice_is_told(key: str, words: tuple[str, ...]) -> None:
    """Where a key takes one of a few words, its row names them all."""
    assert set(re.findall(r"`([\w-]+)`", ROWS[key])) == set(words)


def test_figures() -> None:
    """The limits in the text are those in the code."""
    assert f"from 4 to {MAX_BCRYPT_COST}" in ROWS["basic_auth_users"]
    assert MAX_PENDING_PER_ADDRESS == 2
    assert "A third password check at the same time from one address" in " ".join(TEXT.split())


@pytest.mark.parametrize("text", marked_blocks(TEXT, "complete web configuration"), ids=range(2))
def test_examples_load(load: Load, text: str) -> None:
    """The examples can be used as they stand, beside certificates of those names."""
    assert load(text).tls is not None


def test_prometheus_takes_the_example(tmp_path: Path) -> None:
    """What is to be told Prometheus is what it takes."""
    (text,) = marked_blocks(TEXT, "complete Prometheus configuration")
    (tmp_path / "prometheus.yml").write_text(text)
    checked = subprocess.run(
        [require("promtool"), "check", "config", "--syntax-only", tmp_path / "prometheus.yml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


def test_a_hash_without_htpasswd() -> None:
    """The command in Python makes a hash that lets its password in."""
    (command,) = (block for block in blocks(TEXT, "sh") if block.startswith("python"))
    made = subprocess.run(
        ["/bin/sh", "-c", command.replace("python", sys.executable, 1)],
        input="open sesame\n",
        capture_output=True,
        text=True,
        check=True,
        start_new_session=True,  # without a terminal it reads what it is given
    )
    users = {"prometheus": SecretStr(made.stdout.splitlines()[-1].removeprefix("Password: "))}
    given = Credentials(b"prometheus", b"open sesame")
    assert run(Passwords().verify(users, given, ""))

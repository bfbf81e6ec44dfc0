"""Each bad file breaks one rule (but for `many*`), and `expected.txt` holds what the operator reads."""

import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import PrivateFormat

from exporter.config import ConfigError
from exporter.config.web import load_web_config
from tests.config.expected import expected_in
from tests.web.certificates import authority, beside_certificates, encrypted, odd_pem, rsa_pem, server_pem

BAD = Path(__file__).parent / "bad"
EXPECTED = expected_in(BAD)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bad files, beside good certificates and bad ones."""
    folder = tmp_path_factory.mktemp("bad")
    shutil.copytree(BAD, folder, dirs_exist_ok=True)
    beside_certificates(folder)
    authority().issue().write(folder, "other")
    rsa_pem().write(folder, "rsa")
    odd_pem(bits=1024).write(folder, "short")
    server = server_pem()
    (folder / "encrypted.key").write_text(encrypted(server.key))
    (folder / "encrypted_old.key").write_text(encrypted(server.key, PrivateFormat.TraditionalOpenSSL))
    (folder / "cut.crt").write_text(server.certificate.replace("\nMI", "\nAA", 1))
    (folder / "cut.key").write_text(server.key.replace("\nM", "\nA", 1))
    (folder / "empty").touch()
    (folder / "large").write_text("#" * (1 << 20) + "\n")
    return folder


def test_every_bad_file_is_expected() -> None:
    """The table and the folder name the same files."""
    assert sorted(EXPECTED) == sorted(path.name for path in BAD.glob("*.yaml"))


@pytest.mark.parametrize("name", EXPECTED)
def test_a_bad_file_says_what_is_wrong(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is wrong with a file is said at once: file, line, column, key, and what to do."""
    monkeypatch.chdir(folder)
    with pytest.raises(ConfigError) as caught:
        load_web_config(name)
    assert str(caught.value).splitlines() == EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED)
def test_no_secret_is_shown(name: str, folder: Path) -> None:
    """Neither a password nor a hash nor a key appears in a message about it."""
    with pytest.raises(ConfigError) as caught:
        load_web_config(folder / name)
    for secret in ("hush", "987654321", "mDwo.lAisC94iLAyP81MCe", server_pem().key.splitlines()[1]):
        assert secret not in str(caught.value)

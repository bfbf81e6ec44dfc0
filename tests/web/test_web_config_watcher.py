"""The watcher: what is in force, when its files are read again, and what is not taken up."""

import logging
import os
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from exporter.config import SETTLE_TIME, ConfigError
from exporter.config.web import WebConfig
from exporter.web.access.web_config_watcher import RETRY_INTERVAL, WebConfigWatcher
from tests.web.certificates import PASSED, Pem, authority, beside_certificates, odd_pem
from tests.web.test_tls import client, meet

HASH = "$2y$10$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze"
OTHER_HASH = "$2b$12$w2B0zBiTjtrnWoaG9bWOQ.BC4wRft0L0wZNPEHWdFEamwX4elpUdW"
TLS = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"
USERS = f"basic_auth_users: {{alice: {HASH}}}\n"
START = 1_800_000_000.0  # seconds since the epoch


class Place:
    """A folder with certificates and a web configuration, whose files change when the clock says so."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = START
        self.write_web = beside_certificates(folder)
        for path in folder.iterdir():
            self.stamp(path)

    @property
    def file(self) -> str:
        """The web configuration."""
        return str(self.folder / "web.yml")

    def clock(self) -> float:
        """Tell the time."""
        return self.now

    def stamp(self, path: Path) -> None:
        """Let a file have changed now."""
        os.utime(path, (self.now, self.now))

    def write(self, text: str) -> None:
        """Change the web configuration."""
        self.stamp(self.write_web(text))

    def renew(self, pem: Pem) -> None:
        """Change certificate and key."""
        pem.write(self.folder)
        self.stamp(self.folder / "server.crt")
        self.stamp(self.folder / "server.key")

    def watcher(self, text: str) -> WebConfigWatcher:
        """Write a web configuration and put a watcher on it."""
        self.write(text)
        watcher = WebConfigWatcher(self.file, self.clock)
        self.now += SETTLE_TIME
        return watcher


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A folder with certificates, and a clock that moves when told."""
    return Place(tmp_path)


def certificate_of(watcher: WebConfigWatcher) -> str:
    """Give the certificate that the watcher shows next."""
    watcher.check()
    return watcher.config.tls_server_config.certificate


def users_of(watcher: WebConfigWatcher) -> list[str]:
    """Give the names of those who may come in next."""
    watcher.check()
    return list(watcher.config.basic_auth_users)


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Give the reasons that the log tells as errors."""
    return [vars(record)["reason"] for record in caplog.records if record.levelno == logging.ERROR]


def test_without_a_file() -> None:
    """Without a file the watcher is open: plain HTTP, no users, whoever comes; nothing is ever read again."""
    watcher = WebConfigWatcher(None)
    watcher.reread()
    watcher.check()
    assert watcher.config == WebConfig()
    assert watcher.context() is None
    assert watcher.admits(None)


def test_a_file_that_cannot_be_used(place: Place) -> None:
    """At the start a bad file is an error, with all that is wrong."""
    with pytest.raises(ConfigError, match=r"web.yml:1:20: basic_auth_users.alice: not a bcrypt hash"):
        place.watcher("basic_auth_users: {alice: secret}\n")


def test_a_changed_file_is_taken_up(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """Users that are added while the exporter runs may come in, and the log says that the file was read."""
    caplog.set_level(logging.INFO)
    watcher = place.watcher(USERS)
    place.write(f"basic_auth_users: {{alice: {HASH}, bob: {OTHER_HASH}}}\n")
    place.now += SETTLE_TIME
    assert users_of(watcher) == ["alice", "bob"]
    assert [record.message for record in caplog.records] == ["Web configuration reloaded"]


def test_an_unchanged_file_is_not_read_again(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """A file that is as it was is looked at and no more."""
    caplog.set_level(logging.INFO)
    watcher = place.watcher(TLS)
    before = watcher.context()
    place.now += RETRY_INTERVAL
    watcher.check()
    assert watcher.context() is before
    assert caplog.records == []


def test_nobody_waits_for_the_files(place: Place) -> None:
    """Whoever comes is let in by what was read last, without a look at the files, which could take long."""
    watcher = place.watcher(TLS + USERS)
    context, config = watcher.context(), watcher.config
    place.write(TLS)
    place.now += SETTLE_TIME
    assert (watcher.context(), watcher.config) == (context, config)
    assert users_of(watcher) == []


def test_a_file_that_is_being_written(place: Place) -> None:
    """A file that changed less than a second ago may be half a file, and is left until it lies still."""
    watcher = place.watcher(USERS)
    place.write("rate_limit: {interval: 1s, burst: 1}\n")
    place.now += SETTLE_TIME / 2
    assert users_of(watcher) == ["alice"]
    place.now += SETTLE_TIME / 2
    assert users_of(watcher) == []


def test_a_file_from_the_future(place: Place) -> None:
    """A file whose clock is ahead of ours is taken up all the same."""
    watcher = place.watcher(USERS)
    place.now += 3600
    place.write(f"basic_auth_users: {{bob: {HASH}}}\n")
    place.now -= 3600
    assert users_of(watcher) == ["bob"]


def test_a_renewed_certificate(place: Place) -> None:
    """A certificate that is renewed in place is shown to the next client, without a restart."""
    watcher = place.watcher(TLS)
    fresh = authority().issue("exporter.example.com", "renewed.example.com")
    place.renew(fresh)
    place.now += SETTLE_TIME
    assert certificate_of(watcher) == fresh.certificate
    context = watcher.context()
    assert context is not None
    meet(context, client())


def test_a_certificate_behind_a_link(place: Place) -> None:
    """A certificate that is swapped by turning a link, as Kubernetes does, is taken up as well."""
    old, new = place.folder / "old", place.folder / "new"
    fresh = authority().issue("exporter.example.com", "renewed.example.com")
    for folder, pem in ((old, authority().issue()), (new, fresh)):
        folder.mkdir()
        pem.write(folder)
        place.stamp(folder / "server.crt")
        place.stamp(folder / "server.key")
    link = place.folder / "now"
    link.symlink_to(old)
    watcher = place.watcher("tls_server_config: {cert_file: now/server.crt, key_file: now/server.key}\n")
    link.unlink()
    link.symlink_to(new)
    assert certificate_of(watcher) == fresh.certificate


def test_a_certificate_without_its_key_yet(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """While only one of certificate and key is renewed, the old pair is shown, and an error says why."""
    watcher = place.watcher(TLS)
    old = certificate_of(watcher)
    fresh = authority().issue()
    (place.folder / "server.crt").write_text(fresh.certificate)
    place.stamp(place.folder / "server.crt")
    place.now += SETTLE_TIME
    assert certificate_of(watcher) == old
    (reason,) = errors(caplog)
    assert "the key does not match the certificate" in reason
    place.renew(fresh)
    place.now += SETTLE_TIME
    assert certificate_of(watcher) == fresh.certificate


def test_a_bad_file_changes_nothing(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """A file that became bad leaves the last good one in force; the log says so once, without the secret."""
    watcher = place.watcher(USERS)
    place.write("basic_auth_users: {alice: hush}\nrate_limits: {}\n")
    for _ in range(3):
        place.now += RETRY_INTERVAL
        assert users_of(watcher) == ["alice"]
    (reason,) = errors(caplog)
    assert "basic_auth_users.alice: not a bcrypt hash" in reason
    assert "rate_limits: unknown key" in reason
    assert "hush" not in reason
    place.write(f"basic_auth_users: {{bob: {HASH}}}\n")
    place.now += SETTLE_TIME
    assert users_of(watcher) == ["bob"]


def test_another_mistake_is_told_too(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """Each new reason why a file is not usable is told."""
    watcher = place.watcher(USERS)
    for text in ("basic_auth_users: {alice: hush}\n", "rate_limits: {}\n"):
        place.write(text)
        place.now += SETTLE_TIME
        watcher.check()
    assert len(errors(caplog)) == 2


def test_a_file_that_is_gone(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """A file that vanishes opens no watcher."""
    watcher = place.watcher(USERS)
    Path(place.file).unlink()
    place.now += SETTLE_TIME
    assert users_of(watcher) == ["alice"]
    assert errors(caplog) == [f"{place.file}: the file does not exist; check the path"]


def test_a_file_that_became_empty(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """A file that says nothing any longer opens no watcher: it was emptied by mistake."""
    watcher = place.watcher(USERS)
    place.write("")
    place.now += SETTLE_TIME
    assert users_of(watcher) == ["alice"]
    assert errors(caplog) == [
        f"{place.file}: the file is empty; to disable access control, restart the exporter"
    ]


def test_a_certificate_that_comes_late(place: Place) -> None:
    """What a bad file misses is looked for again, also when the file itself stays as it is."""
    watcher = place.watcher(TLS)
    place.write("tls_server_config: {cert_file: late.crt, key_file: late.key}\n")
    place.now += SETTLE_TIME
    watcher.check()
    late = authority().issue()
    late.write(place.folder, "late")
    place.stamp(place.folder / "late.crt")
    place.now += RETRY_INTERVAL
    assert certificate_of(watcher) == late.certificate


@pytest.mark.parametrize(
    ("before", "after", "word"), [(TLS + USERS, USERS, "disable"), (USERS, TLS + USERS, "enable")]
)
def test_tls_stays_what_it_is(
    place: Place, caplog: pytest.LogCaptureFixture, before: str, after: str, word: str
) -> None:
    """TLS neither begins nor ends while the exporter runs; the log says that it takes a restart."""
    watcher = place.watcher(before)
    place.write(after)
    place.now += SETTLE_TIME
    watcher.check()
    assert (watcher.context() is None) == (before == USERS)
    expected = f"{place.file}: tls_server_config: restart the exporter to {word} TLS"
    assert errors(caplog) == [expected]
    with pytest.raises(ConfigError) as caught:
        watcher.reread()
    assert str(caught.value) == expected


def test_reread(place: Place) -> None:
    """When told to, the watcher reads its files at once, be they a moment old."""
    watcher = place.watcher(USERS)
    place.write(f"basic_auth_users: {{bob: {HASH}}}\n")
    watcher.reread()
    assert list(watcher.config.basic_auth_users) == ["bob"]


def test_reread_of_a_bad_file(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """Told to read a bad file, the watcher says what is wrong and stays as it was, and logs nothing."""
    watcher = place.watcher(USERS)
    place.write("basic_auth_users: {alice: hush}\n")
    with pytest.raises(ConfigError, match="not a bcrypt hash"):
        watcher.reread()
    place.now += RETRY_INTERVAL
    assert users_of(watcher) == ["alice"]
    assert errors(caplog) == []


def test_an_expired_certificate(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """A certificate that has expired is shown all the same, and the log warns."""
    place.renew(authority().issue(not_after=PASSED.replace(year=2002)))
    watcher = place.watcher(TLS)
    assert watcher.context() is not None
    (record,) = caplog.records
    assert record.message == "TLS certificate has expired; clients will reject it"
    assert vars(record)["expired"] == "2002-01-01T00:00:00+00:00"


def test_a_certificate_that_is_not_for_servers(place: Place) -> None:
    """A certificate for clients alone is shown like any other: what to make of it is theirs to say."""
    place.renew(odd_pem(purpose=ExtendedKeyUsageOID.CLIENT_AUTH))
    assert place.watcher(TLS).context() is not None


@pytest.mark.parametrize(
    ("allowed", "names", "admitted"),
    [
        ("a.example.com", [("DNS", "a.example.com")], True),
        ("a.example.com", [("DNS", "b.example.com"), ("DNS", "a.example.com")], True),
        ("a.example.com", [("DNS", "A.example.com")], False),
        ("a.example.com", [("DNS", "x.a.example.com")], False),
        ("'*.example.com'", [("DNS", "a.example.com")], False),
        ("ops@example.com", [("email", "ops@example.com")], True),
        ("10.0.0.1", [("IP Address", "10.0.0.1")], True),
        ("'2001:db8::1'", [("IP Address", "2001:DB8:0:0:0:0:0:1")], True),
        ("spiffe://example.com/prometheus", [("URI", "spiffe://example.com/prometheus")], True),
        ("a.example.com", [], False),
    ],
)
def test_allowed_names(place: Place, allowed: str, names: list[tuple[str, str]], admitted: bool) -> None:
    """Of the names in a client's certificate one must be allowed, letter by letter."""
    watcher = place.watcher(
        "tls_server_config: {cert_file: server.crt, key_file: server.key, client_ca_file: ca.crt,"
        f" client_auth_type: RequireAndVerifyClientCert, client_allowed_sans: [{allowed}, other]}}\n"
    )
    assert watcher.admits({"subjectAltName": tuple(names)}) is admitted
    assert not watcher.admits(None)


def test_any_name_is_allowed_without_a_list(place: Place) -> None:
    """Without client_allowed_sans the names in a certificate do not matter."""
    watcher = place.watcher(TLS)
    assert watcher.admits({"subjectAltName": (("DNS", "a"),)})
    assert watcher.admits(None)

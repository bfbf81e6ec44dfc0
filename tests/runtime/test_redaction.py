"""What is masked and escaped in text, and what is left alone."""

import json
import re
from base64 import b64encode
from collections.abc import Callable
from html import escape
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.runtime.redaction import MASK, MIN_LENGTH, Secrets, clipped, printable, user_info

TOKEN = 'FwoGZXIvYXdz/EBYaD+Exam"ple\\Tok en=='
FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "stripped": str.strip,
    "URL-encoded": lambda text: quote(text, safe=""),
    "URL-encoded, with its slashes": quote,
    "URL-encoded, in small letters": lambda text: re.sub(
        "%..", lambda found: found[0].lower(), quote(text, safe="")
    ),
    "of a form": quote_plus,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "a Python text": lambda text: repr(text)[1:-1],
    "Python bytes": lambda text: repr(text.encode())[2:-1],
    "base64": lambda text: b64encode(text.encode()).decode(),
    "HTML": escape,
    "on one line": lambda text: " ".join(text.split()),
}


@pytest.mark.parametrize("value", [TOKEN, f"{TOKEN}\n", f" \t{TOKEN}", "schlüssel-ä€-🔑"])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_secret_is_masked_however_it_is_written(value: str, form: Callable[[str], str]) -> None:
    """A secret value is masked also in the forms that HTTP, JSON, Python and YAML give it."""
    shown = Secrets([value]).mask(f"x-amz-security-token:{form(value)}, and more")
    assert form(value).strip() not in shown
    assert MASK in shown
    assert shown.startswith("x-amz-security-token:")
    assert shown.endswith(", and more")


@given(before=st.text(), value=st.text(min_size=MIN_LENGTH), after=st.text())
def test_any_secret(before: str, value: str, after: str) -> None:
    """Whatever a secret of eight characters or more is, it is in no text that was masked."""
    if value.strip() == value and value.isprintable() and MASK not in before + value + after:
        assert value not in Secrets([value]).mask(f"{before}\n{value}\n{after}")


@given(st.text())
def test_other_text_is_left_alone(text: str) -> None:
    """A text without a secret in it comes through as it is."""
    assert Secrets(["wJalrXUtnFEMI-K7MDENG"]).mask(text) == text


@pytest.mark.parametrize("value", ["", "e", "prod", "default"])
def test_a_short_secret_is_masked_in_quotes_only(value: str) -> None:
    """A secret that may be an ordinary word is masked where AWS quotes it, and not in other words."""
    said = f"default in prod: Value '{value}' at 'externalId' and \"{value}\" failed"
    shown = Secrets([value]).mask(said)
    assert shown.startswith("default in prod: Value ")
    assert f"'{value}'" not in shown or not value
    assert f'"{value}"' not in shown or not value


def test_public_value_is_masked_in_quotes_only() -> None:
    """An external id that is also a target's name is masked in quotes, and the name is left alone."""
    secrets = Secrets()
    secrets.keep("configuration", "production", shown="targets:\n- name: production\n")
    assert secrets.mask("target=production: Value 'production' at 'externalId'") == (
        f"target=production: Value {MASK} at 'externalId'"
    )


@pytest.mark.parametrize("end", ["", "…", "..."])
def test_truncated_secret_is_masked(end: str) -> None:
    """The beginning of a secret is masked too where the text was cut off in it."""
    cut = f"the token {'FwoGZXIvYXdzEBYaDExample'[:15]}{end}"
    assert Secrets(["FwoGZXIvYXdzEBYaDExample"]).mask(cut) == f"the token {MASK}"


def test_longest_secret_is_masked_first() -> None:
    """Where one secret begins with another one, nothing of the longer one is left."""
    assert Secrets(["hush-hush", "hush-hush-too"]).mask("hush-hush-too, hush-hush") == f"{MASK}, {MASK}"


def test_renewed_credentials() -> None:
    """An owner's last few credentials stay secret; older ones are forgotten unless another one has them."""
    secrets = Secrets()
    secrets.keep("other", "token-of-hour-0")
    for hour in range(100):
        secrets.keep("role", f"token-of-hour-{hour}")
    assert secrets.mask("token-of-hour-99 token-of-hour-97 token-of-hour-0") == f"{MASK} {MASK} {MASK}"
    assert secrets.mask("token-of-hour-50") == "token-of-hour-50"


class Keys:
    """Somebody who uses secrets."""


def test_values_are_kept_while_used() -> None:
    """The secrets of those who live stay secret, however many there are; of the rest the last ones do."""
    secrets = Secrets()
    users = [Keys() for _ in range(1000)]
    for number, user in enumerate(users):
        secrets.keep_while_used(user, f"token-of-user-{number:04}")
    assert secrets.mask("token-of-user-0000 token-of-user-0999") == f"{MASK} {MASK}"
    for number in range(1000):
        secrets.keep_while_used(Keys(), f"token-of-the-past-{number:04}")
    assert secrets.mask("token-of-user-0000 token-of-user-0999") == f"{MASK} {MASK}"
    assert secrets.mask("token-of-the-past-0998") == MASK
    assert secrets.mask("token-of-the-past-0500") == "token-of-the-past-0500"


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("http://user:12/secret@proxy:3128", ["user:12/secret", "12/secret"]),
        ("http://user:p%40ss%2Fword@proxy", ["p%40ss%2Fword", "p@ss/word", "user:p@ss/word"]),
        ("user:password-x@proxy:3128", ["password-x"]),
        ("http://a-token-alone@proxy", ["a-token-alone"]),
        ("http://u:p@proxy", ["//u:p@"]),
    ],
)
def test_user_and_password_in_a_url(url: str, parts: list[str]) -> None:
    """User and password are found in a URL, with a slash in them and without a scheme before them."""
    secrets = Secrets(user_info(url))
    for part in (*parts, url):
        assert secrets.mask(f"to {part} now") != f"to {part} now"
    assert "proxy" in secrets.mask(f"to {url} now")


@pytest.mark.parametrize("url", ["http://proxy:3128", "proxy:3128", "localhost,.example.com", "", "*"])
def test_a_url_without_a_user(url: str) -> None:
    """A URL without a user has no secret."""
    assert list(user_info(url)) == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, ä€🔑 text", "plain, ä€🔑 text"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("a\x9b31m", r"a\x9b31m"),
        ("a\x00\x07\r\n\tb\x7f", r"a\x00\x07\r\n\tb\x7f"),
        ("gpj.\u202exe", r"gpj.\u202exe"),
        ("a\u2066b\u2069", r"a\u2066b\u2069"),
        ("a\u2028b\u2029\x85", r"a\u2028b\u2029\x85"),
        ("half \ud83d", r"half \ud83d"),
        ("no\u00a0break", "no\u00a0break"),
    ],
)
def test_unprintable_characters_are_escaped(text: str, shown: str) -> None:
    """Control characters, line separators and those that change the direction of text are escaped."""
    assert printable(text) == shown


def test_clipped() -> None:
    """A text that is too long is cut and says so; one that just fits is not."""
    assert clipped("x" * 10, 10) == "x" * 10
    assert clipped("x" * 11, 10) == "x" * 9 + "…"

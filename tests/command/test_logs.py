"""The log: what is said reaches it, and nothing that harms whoever reads it."""

import json
import logging
from collections.abc import Callable, Iterator
from io import StringIO

import pytest

from exporter.command import logs
from exporter.runtime.redaction import Secrets

TOKEN = "hush/token+with=signs"
Written = Callable[[str], StringIO]
FORMS = pytest.mark.parametrize("form", logs.FORMATS)


@pytest.fixture
def begin() -> Iterator[Written]:
    """Configures the log in a format, and gives what is written to it."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level

    def configure(form: str) -> StringIO:
        stream = StringIO()
        logs.configure("debug", form, stream, Secrets([TOKEN]))
        return stream

    yield configure
    root.handlers[:] = before
    root.setLevel(level)


@FORMS
def test_secrets_are_masked_wherever_they_stand(begin: Written, form: str) -> None:
    """A secret is masked in the message, in fields, in objects, in a traceback and what libraries say."""
    stream = begin(form)
    log = logging.getLogger("exporter.test")
    log.info(
        "message %s",
        TOKEN,
        extra={"field": TOKEN, "object": {"inside": [TOKEN]}, "url": "hush%2Ftoken%2Bwith%3Dsigns"},
    )
    logging.getLogger("botocore").warning("header %r", TOKEN.encode())
    try:
        raise ValueError(TOKEN)
    except ValueError:
        log.exception("failed")
    written = stream.getvalue()
    assert len(written.splitlines()) == 3
    assert "hush" not in written
    assert written.count("***") >= 5


@FORMS
@pytest.mark.parametrize("character", ["\x1b", "\x9b", "\u202e", "\u2028", "\x85", "\r", "\x00", "\ud83d"])
def test_control_characters_are_escaped(begin: Written, form: str, character: str) -> None:
    """No control character of a message or a field reaches the terminal, JSON that is decoded included."""
    stream = begin(form)
    logging.getLogger("exporter.test").error(f"a{character}b", extra={"reason": f"c {character}[31m d"})
    [line] = stream.getvalue().splitlines()
    texts = json.loads(line).values() if form == "json" else [line]
    assert all(text.isprintable() for text in texts)
    assert "[31m d" in line


@FORMS
def test_a_page_in_a_field_is_cut(begin: Written, form: str) -> None:
    """A field of a megabyte takes no more than a thousand characters of the log."""
    stream = begin(form)
    logging.getLogger("exporter.test").error("cannot", extra={"reason": "x" * 2**20})
    assert len(stream.getvalue()) < 1_300


@FORMS
def test_what_a_library_fails_at_is_one_line_without_a_traceback(begin: Written, form: str) -> None:
    """Of an exception that a library logs, the line names the kind."""
    stream = begin(form)
    try:
        raise KeyError("x")
    except KeyError:
        logging.getLogger("botocore.utils").warning("refresh failed", exc_info=True)
    [line] = stream.getvalue().splitlines()
    assert "refresh failed" in line
    assert "KeyError" in line
    assert "Traceback" not in line


@FORMS
def test_what_the_exporter_fails_at_has_its_traceback(begin: Written, form: str) -> None:
    """A bug of the exporter can be found by its log."""
    stream = begin(form)
    try:
        raise KeyError("x")
    except KeyError:
        logging.getLogger("exporter.refresh.refresher").exception(
            "Unexpected error; please report it as a bug"
        )
    assert "Traceback" in stream.getvalue()
    assert "test_logs.py" in stream.getvalue()

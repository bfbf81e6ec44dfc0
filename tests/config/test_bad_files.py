"""Each bad file breaks one rule (but for `many*`), and `expected.txt` holds what the operator reads."""

from pathlib import Path

import pytest

from exporter.config import ConfigError, load_file
from tests.config.expected import expected_in

BAD = Path(__file__).parent / "bad"


EXPECTED = expected_in(BAD)


def test_every_bad_file_is_expected() -> None:
    """The table and the folder name the same files."""
    assert sorted(EXPECTED) == sorted(path.name for path in BAD.glob("*.yaml"))


@pytest.mark.parametrize("name", EXPECTED)
def test_a_bad_file_says_what_is_wrong(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is wrong with a file is said at once: file, line, column, key, and what to do."""
    monkeypatch.chdir(BAD)
    with pytest.raises(ConfigError) as caught:
        load_file(name)
    assert str(caught.value).splitlines() == EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED)
def test_problems_come_in_line_order(name: str) -> None:
    """Whoever reads the problems goes through the file once, from the top."""
    with pytest.raises(ConfigError) as caught:
        load_file(BAD / name)
    places = [(problem.line, problem.column) for problem in caught.value.problems]
    assert places == sorted(places)


@pytest.mark.parametrize("path", sorted(BAD.glob("e*.yaml")), ids=lambda path: path.stem)
def test_no_secret_is_shown(path: Path) -> None:
    """Neither an external id nor a password in a URL appears in a message about it."""
    with pytest.raises(ConfigError) as caught:
        load_file(path)
    assert "hush" not in str(caught.value)
    assert "987654321" not in str(caught.value)

"""Files that cannot be read as text."""

import os
import socket
from pathlib import Path

import pytest

from exporter.config import ConfigError, load_file
from exporter.config.yaml_source import MAX_SIZE


def problem(path: Path) -> str:
    """Return what loading says, without the folder."""
    with pytest.raises(ConfigError) as caught:
        load_file(path)
    return str(caught.value).removeprefix(f"{path.parent}/")


def test_missing(tmp_path: Path) -> None:
    """A path that leads nowhere is said to."""
    assert problem(tmp_path / "config.yaml") == "config.yaml: the file does not exist; check the path"


def test_directory(tmp_path: Path) -> None:
    """A directory is no file."""
    assert problem(tmp_path).endswith(": is a directory; specify a file")


def test_fifo(tmp_path: Path) -> None:
    """A FIFO is refused, and nobody waits for what comes out of it."""
    os.mkfifo(tmp_path / "fifo")
    assert problem(tmp_path / "fifo") == "fifo: a FIFO, not a regular file; specify a regular file"


def test_socket(tmp_path: Path) -> None:
    """A socket is no file to read."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
    assert problem(tmp_path / "socket") == "socket: a socket, not a regular file; specify a regular file"


def test_device() -> None:
    """A device is refused, also one that would give nothing."""
    assert problem(Path("/dev/null")) == "null: a device, not a regular file; specify a regular file"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable(tmp_path: Path) -> None:
    """A file that may not be read says whom to ask."""
    path = tmp_path / "config.yaml"
    path.touch(mode=0)
    assert problem(path) == "config.yaml: permission denied; check the owner and mode of the file"


def test_below_a_file(tmp_path: Path) -> None:
    """Whatever else the system says is passed on."""
    (tmp_path / "a").touch()
    assert problem(tmp_path / "a" / "config.yaml").endswith("config.yaml: cannot be read: Not a directory")


def test_impossible_name(tmp_path: Path) -> None:
    """A name that no file can have is a problem like any other."""
    assert problem(tmp_path / "a\0b") == "a\0b: cannot be read: embedded null byte"


def test_not_utf8(tmp_path: Path) -> None:
    """Other encodings are refused at the first byte that shows it."""
    path = tmp_path / "config.yaml"
    path.write_bytes("limits: {max_jobs: 10}\n# Müller\n".encode("latin-1"))
    assert problem(path) == "config.yaml:2:4: the file is not valid UTF-8; save it as UTF-8"


def test_byte_order_mark(tmp_path: Path) -> None:
    """The mark that some editors put in front does no harm."""
    path = tmp_path / "config.yaml"
    path.write_bytes(b"\xef\xbb\xbflimits: {max_jobs: 10}\r\n")
    assert load_file(path).limits.max_jobs == 10


def test_too_large(tmp_path: Path) -> None:
    """A file that cannot be a configuration is not read to its end."""
    path = tmp_path / "config.yaml"
    path.write_text("#" * (MAX_SIZE + 1))
    assert problem(path) == "config.yaml: larger than 1,048,576 characters; check the file name"

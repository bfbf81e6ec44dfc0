from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.config.web import WebConfig, load_web_config
from tests.web.certificates import Write, beside_certificates

Load = Callable[[str], WebConfig]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """What writes a web configuration beside a server's certificate, its key and an authority."""
    return beside_certificates(tmp_path)


@pytest.fixture
def load(write: Write) -> Load:
    """What makes a web configuration of text."""
    return lambda text: load_web_config(write(text))

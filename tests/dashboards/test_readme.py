"""The document of the dashboards: where it leads, its pictures, and the addresses that it gives."""

import re
import struct
from pathlib import Path

import pytest
import yaml

from tests.dashboards.model import dashboards
from tests.docs.markdown import ROOT, anchors, document, links

README = ROOT / "grafana" / "README.md"
TEXT = document("grafana/README.md")
PICTURES = sorted((ROOT / "grafana" / "pictures").iterdir())
LARGEST = 400_000  # bytes


def test_links_lead_somewhere() -> None:
    """Every link within the repository leads to a file, and to a heading where it names one."""
    for link in links(TEXT):
        name, _, anchor = link.partition("#")
        target = README.parent / name if name else README
        assert target.exists(), f"{link} leads nowhere"
        assert not anchor or anchor in anchors(target.read_text(encoding="utf-8")), link


def test_every_dashboard_is_shown() -> None:
    """Each dashboard has a line and a picture, and there is no other picture."""
    names = [*dashboards()]

    assert re.findall(r"\(dashboards/(\w+)\.json\) \|", TEXT) == names
    assert re.findall(r"^!\[[^]]+\]\(pictures/(\w+)\.png\)$", TEXT, re.MULTILINE) == names
    assert [picture.stem for picture in PICTURES] == names


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_pictures_are_of_use(picture: Path) -> None:
    """A picture is a PNG that is wide enough to read, and not large."""
    data = picture.read_bytes()
    width, height = struct.unpack(">II", data[16:24])

    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert 1000 <= width <= 2000
    assert height > width
    assert len(data) < LARGEST


def test_addresses_are_those_of_compose() -> None:
    """The addresses and the settings for other ports are those of compose.yaml."""
    services = yaml.safe_load(document("compose.yaml"))["services"]
    published = " ".join(port for service in services.values() for port in service["ports"])
    ports = dict(re.findall(r"\$\{(\w+):-(\d+)\}", published))

    assert {*ports.values()} == {*re.findall(r"<http://localhost:(\d+)>", TEXT)}
    assert {*ports} == {*re.findall(r"`(\w+_PORT)`", TEXT)}
    assert f"http://localhost:{ports['GRAFANA_PORT']}" in document("compose.yaml")

"""compose.yaml against the files that it mounts and the programs that read them."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.dashboards.model import FOLDER, dashboards
from tests.docs.markdown import ROOT
from tests.e2e.prometheus import serving
from tests.support.programs import require

TEXT = (ROOT / "compose.yaml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, Any] = COMPOSE["services"]
PORT = re.compile(r"127\.0\.0\.1:\$\{(\w+):-(\d+)\}:(\d+)")
ITS_OWN = "exporter"  # the one service that is built here


def mounts() -> Iterator[tuple[str, Path, str]]:
    """Give what each service mounts: the service, the path here, the path there."""
    for name, service in SERVICES.items():
        for volume in service.get("volumes", []):
            here, there, mode = volume.split(":")
            assert mode == "ro", f"{name} may change {here}"
            yield name, ROOT / here, there


def mounted(service: str, path: str) -> Path:
    """Find the file here that a service has at a path."""
    for name, here, there in mounts():
        if name == service and (path == there or path.startswith(f"{there}/")):
            return here / path.removeprefix(there).lstrip("/")
    raise AssertionError(f"{service} has no {path}")


def ports_of(name: str) -> list[str]:
    """Give the ports at which a service is reached by the others."""
    return [found[3] for port in SERVICES[name]["ports"] if (found := PORT.fullmatch(port))]


def test_mounted_paths_are_there() -> None:
    """Whatever is mounted is in the repository."""
    assert [str(here) for _, here, _ in mounts() if not here.exists()] == []
    assert len(list(mounts())) == 6


def test_every_file_of_grafana_is_mounted() -> None:
    """Grafana finds its data source, its dashboards' folder and every dashboard where it looks for them."""
    [provider] = yaml.safe_load(
        mounted("grafana", "/etc/grafana/provisioning/dashboards/aws-backup.yml").read_text()
    )["providers"]
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]

    assert mounted("grafana", provider["options"]["path"]).resolve() == FOLDER
    assert mounted("grafana", home).stem in dashboards()


def test_grafana_asks_prometheus() -> None:
    """The data source is the Prometheus of this file, with the interval at which that one scrapes."""
    file = mounted("grafana", "/etc/grafana/provisioning/datasources/prometheus.yml")
    [source] = yaml.safe_load(file.read_text())["datasources"]
    prometheus = yaml.safe_load(mounted("prometheus", "/etc/prometheus/prometheus.yml").read_text())

    assert source["type"] == "prometheus"
    assert source["url"] == f"http://prometheus:{ports_of('prometheus')[0]}"
    assert source["isDefault"]
    assert source["jsonData"]["timeInterval"] == prometheus["global"]["scrape_interval"]


def test_prometheus_reaches_the_others() -> None:
    """Prometheus scrapes the port that the exporter's image opens, and sends alerts to Alertmanager's."""
    config = yaml.safe_load(mounted("prometheus", "/etc/prometheus/prometheus.yml").read_text())
    [scrape] = config["scrape_configs"]
    [managers] = config["alerting"]["alertmanagers"]
    [exposed] = re.findall(r"^EXPOSE (\d+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)

    assert scrape["static_configs"] == [{"targets": [f"exporter:{exposed}"]}]
    assert managers["static_configs"] == [{"targets": [f"alertmanager:{ports_of('alertmanager')[0]}"]}]
    assert ports_of("exporter") == [exposed]


def test_prometheus_reads_the_rules_of_the_repository() -> None:
    """The demo has the alert rules that are meant for use, and asks for the same scrape job."""
    config = yaml.safe_load(mounted("prometheus", "/etc/prometheus/prometheus.yml").read_text())
    real = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text())
    rules = [file for pattern in config["rule_files"] for file in (ROOT / "prometheus").glob(pattern)]

    assert mounted("prometheus", "/etc/prometheus/rules") == ROOT / "prometheus" / "rules"
    assert rules
    assert [one["job_name"] for one in config["scrape_configs"]] == [
        one["job_name"] for one in real["scrape_configs"]
    ]


@pytest.fixture
def laid_out(tmp_path: Path) -> Path:
    """A folder with everything that is mounted, where the services have it."""
    for service, here, there in mounts():
        to = tmp_path / service / there.lstrip("/")
        to.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if here.is_dir() else shutil.copy)(here, to)
    return tmp_path


def test_prometheus_accepts_its_files(laid_out: Path) -> None:
    """Prometheus finds no mistake in the configuration, nor in the rules beside it."""
    file = laid_out / "prometheus" / "etc" / "prometheus" / "prometheus.yml"
    checked = _run(require("promtool"), "check", "config", "--lint=all", "--lint-fatal", str(file))

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "rules found" in checked.stdout


def test_alertmanager_accepts_its_files(laid_out: Path) -> None:
    """Alertmanager finds no mistake in the configuration that the image reads."""
    file = laid_out / "alertmanager" / "etc" / "alertmanager" / "alertmanager.yml"
    checked = _run(require("amtool"), "check-config", str(file))

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_prometheus_is_asked_for_its_health(tmp_path: Path) -> None:
    """The health check of Prometheus passes while it runs, and not when nobody answers."""
    program, promtool = require("prometheus"), require("promtool")
    shell, _, *arguments = SERVICES["prometheus"]["healthcheck"]["test"]
    with serving(program, tmp_path, {}) as address:
        command = [one.replace("localhost:9090", address) for one in arguments]
        running = _run(promtool, *command)
    gone = _run(promtool, *command)

    assert shell == "CMD"
    assert running.returncode == 0, running.stderr
    assert gone.returncode != 0


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned(name: str) -> None:
    """An image is one version, or is built here from the stage of the Dockerfile that runs the demo."""
    service = SERVICES[name]
    if name == ITS_OWN:
        assert service["build"] == {"context": ".", "target": "demo"}
        assert re.search(r"^FROM \S+ AS demo$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    else:
        assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+", service["image"])


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_for_this_machine_alone(name: str) -> None:
    """A port is bound to the loopback address, and can be moved where it is taken."""
    assert [port for port in SERVICES[name]["ports"] if not PORT.fullmatch(port)] == []


def test_variables_have_a_default() -> None:
    """Whatever the environment may set has a value without it."""
    assert re.findall(r"\$\{[^}]*\}", TEXT) == re.findall(r"\$\{\w+:-[^}]+\}", TEXT)
    assert "$" not in re.sub(r"\$\{\w+:-[^}]+\}", "", TEXT)


@pytest.mark.parametrize("name", SERVICES)
def test_health_is_asked_for(name: str) -> None:
    """A service says whether it is healthy, and no other waits for one that does not."""
    asked = "healthcheck" in SERVICES[name] or (
        name == ITS_OWN and "HEALTHCHECK" in (ROOT / "Dockerfile").read_text()
    )
    waited_for = SERVICES[name].get("depends_on", {})

    assert asked
    assert waited_for.keys() <= SERVICES.keys()
    assert {waiting["condition"] for waiting in waited_for.values()} <= {"service_healthy"}


def test_visitors_change_nothing() -> None:
    """Who opens Grafana is a viewer without logging in, and nobody can log in as more."""
    environment = SERVICES["grafana"]["environment"]

    assert environment["GF_AUTH_ANONYMOUS_ENABLED"] == "true"
    assert environment["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert environment["GF_AUTH_BASIC_ENABLED"] == "false"
    assert environment["GF_AUTH_DISABLE_LOGIN_FORM"] == "true"

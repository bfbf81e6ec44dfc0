"""The exporter started as the chart says, on the files that it would mount."""

import socket
import ssl
import subprocess
import sys
from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path

import bcrypt
import pytest

from tests.deploy.rendering import (
    CHART,
    FULL_NAME,
    KUSTOMIZE,
    Manifest,
    built,
    container,
    of_kind,
    of_set,
    only,
    pods,
    render,
)
from tests.e2e.conftest import Run
from tests.e2e.http import ask
from tests.e2e.process import Process, until
from tests.e2e.test_reload import targets
from tests.support.volume import Volume
from tests.web.certificates import Authority

IN_FORCE = 15.0  # seconds until a changed configuration is in force
PASSWORD = "correct horse battery staple"


class Pod:
    """The exporter in a pod: its volumes are folders, and the paths in its arguments lead there.

    It listens on a free port instead of its own; everything else is as rendered.
    """

    def __init__(
        self, objects: Sequence[Manifest], root: Path, listen: Run, secrets: Mapping[str, Mapping[str, str]]
    ) -> None:
        self.container = container(objects)
        files = {one["metadata"]["name"]: one["data"] for one in of_kind(objects, "ConfigMap")}
        files |= {one["metadata"]["name"]: one["stringData"] for one in of_kind(objects, "Secret")}
        volumes = {
            one["name"]: one.get("configMap", {}).get("name") or one["secret"]["secretName"]
            for one in only(objects, "Deployment")["spec"]["template"]["spec"]["volumes"]
        }
        self.volumes = {}
        mounted = "/etc/aws-backup-exporter"
        for mount in self.container["volumeMounts"]:
            assert mount["mountPath"].startswith(mounted)
            volume = Volume(root / mount["mountPath"].removeprefix(f"{mounted}/"))
            content = {**files, **secrets}[volumes[mount["name"]]]
            volume.write({name: text.replace(mounted, str(root)) for name, text in content.items()})
            self.volumes[mount["name"]] = volume
        arguments = [one.replace(mounted, str(root)) for one in self.container["args"]]
        environment = {one["name"]: one["value"] for one in self.container.get("env", [])}
        self.exporter: Process = listen("--config.file", *_moved(arguments), **environment)

    def probe(self, name: str) -> int | None:
        """Probe as the kubelet does; gives the status of HTTP, None for a connection alone."""
        probe = self.container[name]
        host, _, port = self.exporter.address().rpartition(":")
        if "tcpSocket" in probe:
            socket.create_connection((host, int(port)), timeout=probe.get("timeoutSeconds", 1)).close()
            return None
        within = probe["timeoutSeconds"]
        return ask(self.exporter.address(), probe["httpGet"]["path"], within=within).status


def _moved(arguments: Sequence[str]) -> list[str]:
    """Put the value of --config.file first: the fixture looks for the option as a word of its own."""
    option = "--config.file="
    [file] = [one.removeprefix(option) for one in arguments if one.startswith(option)]
    return [file, *(one for one in arguments if not one.startswith(option))]


def test_the_chart_runs(listen: Run, tmp_path: Path) -> None:
    """Rendered with a Region alone, the exporter starts, and both probes and a scrape are answered."""
    pod = Pod(of_set("default"), tmp_path / "root", listen, {})
    assert pod.probe("livenessProbe") == 200
    assert pod.probe("readinessProbe") == 200
    metrics = ask(pod.exporter.address(), "/metrics")
    assert metrics.status == 200
    assert 'aws_backup_up{target="default",aws_region="eu-west-1",collector="backup_jobs"} 1' in metrics.text


def test_the_base_of_kustomize_runs(listen: Run, tmp_path: Path) -> None:
    """Built by Kustomize, the exporter starts, and both probes are answered."""
    pod = Pod(built(KUSTOMIZE), tmp_path / "root", listen, {})
    assert pod.probe("livenessProbe") == 200
    assert pod.probe("readinessProbe") == 200


def test_an_upgrade_needs_no_restart(listen: Run, tmp_path: Path) -> None:
    """The ConfigMap of another render, swapped in by the kubelet, is in force soon without a restart."""
    before, after = of_set("default"), of_set("irsa")
    pod = Pod(before, tmp_path / "root", listen, {})
    assert targets(pod.exporter) == ["default"]
    pod.volumes["config"].write(only(after, "ConfigMap")["data"])
    until(lambda: targets(pod.exporter) == ["production", "production", "staging"], IN_FORCE)
    assert container(before)["args"] == container(after)["args"]


def test_only_tls_needs_a_restart() -> None:
    """Another configuration leaves the template of the pods as it is; to enable TLS changes it."""

    def pod_template(*values: str) -> Manifest:
        template: Manifest = only(render(*values), "Deployment")["spec"]["template"]
        return template

    region = "--set=aws.region=eu-west-1"
    user = "--set=web.config.basic_auth_users.alice=x"
    key = "--set=web.config.tls_server_config.key_file=x"
    assert pod_template(region) == pod_template(region, "--set=config.discovery.window=48h")
    assert pod_template(user) == pod_template("--set=web.config.basic_auth_users.bob=y")
    assert "annotations" not in pod_template(user)["metadata"]
    assert pod_template(user, key)["metadata"]["annotations"] == {"aws-backup-exporter/tls": "enabled"}


def test_the_chart_runs_with_tls(listen: Run, tmp_path: Path) -> None:
    """With a certificate and a password, both probes pass, and who knows the password gets the metrics."""
    authority = Authority()
    pem = authority.issue("127.0.0.1")
    password = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    users = {"web": {"config": {"basic_auth_users": {"prometheus": password}}}}
    objects = render(f"--values={CHART / 'ci' / 'tls-values.yaml'}", values=users)
    secret = {"tls.crt": pem.certificate, "tls.key": pem.key}
    pod = Pod(objects, tmp_path / "root", listen, {"aws-backup-exporter-tls": secret})
    pod.probe("livenessProbe")
    pod.probe("readinessProbe")
    client = authority.client_context()
    credentials = b64encode(f"prometheus:{PASSWORD}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}"}
    assert ask(pod.exporter.address(), "/metrics", tls=client).status == 401
    assert ask(pod.exporter.address(), "/metrics", headers, tls=client).status == 200
    renewed = authority.issue("127.0.0.1")
    pod.volumes["tls"].write({"tls.crt": renewed.certificate, "tls.key": renewed.key})
    until(lambda: _certificate(pod.exporter.address()) in renewed.certificate, IN_FORCE)


def _certificate(address: str) -> str:
    host, _, port = address.rpartition(":")
    return ssl.get_server_certificate((host, int(port)))


@pytest.mark.parametrize("name", ["default", "tls"])
def test_helm_test_connects(listen: Run, tmp_path: Path, name: str) -> None:
    """The command of `helm test` succeeds while the exporter runs, and fails when nobody answers."""
    pod = Pod(of_set("default"), tmp_path / "root", listen, {})
    _, (_, spec) = pods(of_set(name))
    python, *arguments, host, port = spec["containers"][0]["command"]
    assert (python, host, port) == ("python", FULL_NAME, "10058")
    at = pod.exporter.address().rpartition(":")[::2]
    assert subprocess.run([sys.executable, *arguments, *at], check=False, timeout=30).returncode == 0
    pod.exporter.kill()
    failed = subprocess.run([sys.executable, *arguments, *at], capture_output=True, check=False, timeout=30)
    assert failed.returncode != 0

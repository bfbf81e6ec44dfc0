"""The Helm chart: what it renders to, with each set of values in `ci/`."""

import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from exporter import __version__
from exporter.command.arguments import parse
from exporter.config import load
from exporter.exposition import self_metrics
from tests.deploy import schemas
from tests.deploy.rendering import (
    CHART,
    FULL_NAME,
    NAMESPACE,
    NEWEST,
    OLDEST,
    VALUE_SETS,
    container,
    helm,
    manifests,
    of_kind,
    of_set,
    only,
    pods,
    render,
    template,
)
from tests.docs.markdown import ROOT, document, marked_blocks

SETS = [path.name.removesuffix("-values.yaml") for path in VALUE_SETS]
ALERTS = ROOT / "prometheus" / "rules" / "aws-backup-alerts.yml"
DASHBOARDS = ROOT / "grafana" / "dashboards"
EVERYTHING = {
    name: {"enabled": True}
    for name in ("serviceMonitor", "scrapeConfig", "prometheusRule", "dashboards", "networkPolicy")
}
DOCUMENTED = marked_blocks(document("docs/kubernetes.md"), "values of the chart")
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA: dict[str, Any] = yaml.safe_load((CHART / "values.schema.json").read_text())


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a selector takes an object with these labels."""
    return selector.items() <= labels.items()


def test_there_are_ten_sets() -> None:
    """Ten sets of values show how the chart is used."""
    assert len(SETS) == 10


@pytest.mark.parametrize("name", SETS)
def test_helm_finds_no_fault(name: str) -> None:
    """`helm lint --strict` has no complaint."""
    values = f"--values={CHART / 'ci' / name}-values.yaml"
    answer = helm("lint", "--strict", str(CHART), f"--kube-version={NEWEST}", values)
    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("name", SETS)
def test_kubernetes_accepts_it(name: str, version: str) -> None:
    """Each object is valid, without unknown fields, in the oldest and the newest version of Kubernetes."""
    objects = of_set(name)
    assert objects
    for one in objects:
        schemas.check(one, version)


def test_a_fault_is_found() -> None:
    """The check of the schemas finds a wrong type and an unknown field, also in an object of the operator."""
    for kind, fault in (
        ("Service", {"type": 1}),
        ("Service", {"typo": "x"}),
        ("ServiceMonitor", {"endpoints": [{"prot": "http"}]}),
        ("ScrapeConfig", {"scrapeInterval": "soon"}),
    ):
        one = only(of_set("per-target"), kind)
        broken = one | {"spec": one["spec"] | fault}
        with pytest.raises(jsonschema.ValidationError):
            schemas.check(broken, NEWEST)


@pytest.mark.parametrize("name", SETS)
def test_everything_is_in_its_place(name: str) -> None:
    """Each object has a namespace, the labels of the release, and a name of its own within its kind."""
    objects = of_set(name)
    names = [(one["kind"], one["metadata"]["name"]) for one in objects]
    assert len(names) == len(set(names))
    for one in objects:
        assert one["metadata"]["namespace"] in (NAMESPACE, "grafana")
        assert one["metadata"]["labels"]["app.kubernetes.io/instance"] == "test"
        assert one["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm"


@pytest.mark.parametrize("name", SETS)
def test_the_pods_are_restricted(name: str) -> None:
    """Each pod fits the Pod Security profile *restricted*, writes nowhere and takes any user."""
    for _, spec in pods(of_set(name)):
        assert spec["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
        assert not spec["automountServiceAccountToken"]
        assert not spec.keys() & {"hostNetwork", "hostPID", "hostIPC"}
        for one in spec["containers"]:
            assert one["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": True,
            }


@pytest.mark.parametrize("name", SETS)
def test_selectors_take_the_exporter(name: str) -> None:
    """Services, deployment, budget and policy take the pods of the exporter, not that of the test."""
    objects = of_set(name)
    [(exporter, _), (test, _)] = pods(objects)
    selectors = [one["spec"]["selector"] for one in of_kind(objects, "Service")]
    for kind in ("Deployment", "PodDisruptionBudget"):
        selectors += [one["spec"]["selector"]["matchLabels"] for one in of_kind(objects, kind)]
    selectors += [one["spec"]["podSelector"]["matchLabels"] for one in of_kind(objects, "NetworkPolicy")]
    assert len(selectors) >= 2
    assert all(matches(selector, exporter) for selector in selectors)
    assert not any(matches(selector, test) for selector in selectors)


@pytest.mark.parametrize("name", SETS)
def test_a_monitor_takes_one_service(name: str) -> None:
    """A ServiceMonitor takes one service, though sharding adds another, by a port that it has."""
    objects = of_set(name)
    for monitor in of_kind(objects, "ServiceMonitor"):
        selector = monitor["spec"]["selector"]["matchLabels"]
        [service] = [
            one for one in of_kind(objects, "Service") if matches(selector, one["metadata"]["labels"])
        ]
        [endpoint] = monitor["spec"]["endpoints"]
        assert endpoint["port"] in [port["name"] for port in service["spec"]["ports"]]
        assert monitor["spec"]["namespaceSelector"]["matchNames"] == [service["metadata"]["namespace"]]


@pytest.mark.parametrize("name", SETS)
def test_what_is_mounted_exists(name: str) -> None:
    """Each mounted volume is defined, and its ConfigMap or Secret is rendered or named in the values."""
    objects = of_set(name)
    values = (CHART / "ci" / f"{name}-values.yaml").read_text()
    made = {one["metadata"]["name"] for kind in ("ConfigMap", "Secret") for one in of_kind(objects, kind)}
    spec = only(objects, "Deployment")["spec"]["template"]["spec"]
    volumes = {one["name"]: one for one in spec["volumes"]}
    assert [one["name"] for one in container(objects)["volumeMounts"]] == list(volumes)
    for volume in volumes.values():
        source = volume.get("configMap", {}).get("name") or volume["secret"]["secretName"]
        assert source in made or f": {source}\n" in values


@pytest.mark.parametrize("name", SETS)
def test_the_exporter_takes_its_arguments(name: str) -> None:
    """The exporter knows each argument, reads the mounted file and looks at it every few seconds."""
    options = parse(container(of_set(name))["args"])
    assert options.config_file == "/etc/aws-backup-exporter/config/config.yaml"
    assert 0 < options.config_auto_reload_interval <= 60


@pytest.mark.parametrize("name", SETS)
def test_the_exporter_takes_its_configuration(name: str) -> None:
    """A configuration that is rendered is valid, and has what the values have."""
    values = yaml.safe_load((CHART / "ci" / f"{name}-values.yaml").read_text())
    found = [one for one in of_kind(of_set(name), "ConfigMap") if "config.yaml" in one["data"]]
    if not found:
        assert values.keys() & {"existingConfigMap", "existingConfigSecret"}
        return
    text = found[0]["data"]["config.yaml"]
    given = values.get("config", {})
    assert load(text, "config.yaml") == load(
        given if isinstance(given, str) else yaml.safe_dump(given), "given"
    )


@pytest.mark.parametrize("text", DOCUMENTED, ids=range(len(DOCUMENTED)))
def test_documented_values_render(text: str) -> None:
    """The values in docs/kubernetes.md are accepted, and change what is rendered."""
    assert render(values=yaml.safe_load(text)) != render()


def test_text_keeps_its_comments() -> None:
    """A configuration that is given as text is rendered byte by byte."""
    text = "  # indented, quoted: \"'\n\n{}\n"
    found = only(render(values={"config": text}), "ConfigMap")
    assert found["data"] == {"config.yaml": text}


def test_the_alerts_are_those_of_the_repository() -> None:
    """The PrometheusRule holds the file of the repository, line by line and rule by rule."""
    rendered = template("--show-only=templates/prometheusrule.yaml", values=EVERYTHING)
    [rule] = [yaml.safe_load(rendered.stdout)]
    assert rule["spec"] == yaml.safe_load(ALERTS.read_text())
    assert "".join(f"  {line}\n" for line in ALERTS.read_text().splitlines()) in rendered.stdout


def test_the_dashboards_are_those_of_the_repository() -> None:
    """A ConfigMap for each dashboard holds its bytes, and the label that Grafana's sidecar selects."""
    found = {}
    for one in of_kind(render(values=EVERYTHING), "ConfigMap"):
        if one["metadata"]["labels"].get("grafana_dashboard") == "1":
            found.update(one["data"])
    assert found == {f"aws-backup-{path.name}": path.read_text() for path in DASHBOARDS.glob("*.json")}


def test_a_package_holds_the_files(tmp_path: Path) -> None:
    """`helm package` stores the rules and dashboards as files, not as links, and leaves out `ci/`."""
    answer = helm("package", str(CHART), f"--destination={tmp_path}")
    assert answer.returncode == 0, answer.stderr
    with tarfile.open(tmp_path / f"aws-backup-exporter-{__version__}.tgz") as package:
        names = package.getnames()
        rules = package.extractfile("aws-backup-exporter/files/rules/aws-backup-alerts.yml")
        assert rules is not None
        assert rules.read() == ALERTS.read_bytes()
    assert {name for name in names if "/dashboards/" in name} == {
        f"aws-backup-exporter/files/dashboards/{path.name}" for path in DASHBOARDS.iterdir()
    }
    assert not [name for name in names if "/ci/" in name]


def test_versions_agree() -> None:
    """The chart, the image that it runs and the exporter have one version."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["version"] == chart["appVersion"] == __version__
    assert container(of_set("default"))["image"].endswith(f":{__version__}")


def test_shards_know_each_other() -> None:
    """With sharding, the address of the shards is a headless service that has their port."""
    objects = of_set("sharding")
    options = parse(container(objects)["args"])
    [headless] = [one for one in of_kind(objects, "Service") if one["spec"].get("clusterIP") == "None"]
    [port] = headless["spec"]["ports"]
    assert options.refresh_on_demand
    assert options.web_shard_address == [f"dns+{headless['metadata']['name']}.{NAMESPACE}.svc:{port['port']}"]
    assert port["port"] == container(objects)["ports"][0]["containerPort"]
    assert not headless["spec"].get("publishNotReadyAddresses")


@pytest.mark.parametrize("name", ["per-target", "sharding", "tls"])
def test_each_target_is_scraped_once(name: str) -> None:
    """Beside the list of targets, only the metrics of the exporter itself are scraped, as in the examples."""
    example = yaml.safe_load((ROOT / "prometheus" / "examples" / "shards.yml").read_text())
    [targets, exporters] = example["scrape_configs"]
    objects = of_set(name)
    [endpoint] = only(objects, "ServiceMonitor")["spec"]["endpoints"]
    scrape = only(objects, "ScrapeConfig")["spec"]
    scheme = "https" if name == "tls" else "http"
    assert endpoint["params"] == exporters["params"]
    assert scrape["jobName"] == targets["job_name"]
    [discovery] = scrape["httpSDConfigs"]
    assert discovery["url"] == f"{scheme}://{FULL_NAME}.{NAMESPACE}.svc:10058/targets"
    assert endpoint["scheme"] == scheme
    assert scrape["scheme"] == scheme.upper()


def test_own_metrics_exist() -> None:
    """The metrics of the exporter itself that are scraped are some that it has, or those of each process."""
    [endpoint] = only(of_set("sharding"), "ServiceMonitor")["spec"]["endpoints"]
    own = [name for name in endpoint["params"]["name[]"] if not name.startswith("process_")]
    assert own
    assert set(own) <= {family.name for family in self_metrics.families()}


def test_a_whole_scrape_has_no_selection() -> None:
    """Without a list of targets, everything is scraped at once."""
    [endpoint] = only(of_set("operator"), "ServiceMonitor")["spec"]["endpoints"]
    assert "params" not in endpoint


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"replicaCount": "two"}, "at '/replicaCount': got string, want integer"),
        ({"replicas": 2}, "additional properties 'replicas' not allowed"),
        ({"service": {"port": 70000}}, "at '/service/port': maximum: got 70,000, want 65,535"),
        ({"image": {"digest": "latest"}}, "at '/image/digest': 'latest' does not match pattern"),
        ({"autoReloadInterval": 5}, "at '/autoReloadInterval': got number, want string"),
        ({"aws": {"region": "Frankfurt"}}, "at '/aws/region': 'Frankfurt' does not match pattern"),
        ({"extraArgs": {"log.level": "debug"}}, "at '/extraArgs': got object, want array"),
        ({"commonLabels": {"team": 7}}, "at '/commonLabels/team': got number, want string"),
        (
            {"config": {"targets": []}, "existingConfigMap": "x"},
            "config, existingConfigMap and existingConfigSecret exclude each other; set one of them",
        ),
        (
            {"web": {"config": {"basic_auth_users": {}}, "existingSecret": "x"}},
            "web.config and web.existingSecret exclude each other; set one of them",
        ),
        (
            {"replicaCount": 2, "scrapeConfig": {"enabled": True}},
            "scrapeConfig with more than one replica needs sharding; set sharding.enabled=true",
        ),
    ],
    ids=lambda one: next(iter(one)) if isinstance(one, dict) else "",
)
def test_wrong_values(values: Mapping[str, Any], told: str) -> None:
    """Values that cannot be used are refused, with their place and what is expected."""
    answer = template(values=values)
    assert answer.returncode == 1
    assert told in answer.stderr


def keys(values: Mapping[str, Any], path: str = "") -> set[str]:
    """Give the paths of all keys, except below values that are free."""
    found = set()
    for key, value in values.items():
        found.add(f"{path}{key}")
        if isinstance(value, dict) and f"{path}{key}" in closed(SCHEMA):
            found |= keys(value, f"{path}{key}.")
    return found


def closed(schema: Mapping[str, Any], path: str = "") -> dict[str, set[str]]:
    """Give the keys of each object of the schema that allows no others, by its path."""
    found: dict[str, set[str]] = {}
    for key, below in schema["properties"].items():
        if "$ref" in below:
            below = SCHEMA["definitions"][below["$ref"].rpartition("/")[2]]
        if "properties" in below:
            assert below["additionalProperties"] is False
            found |= {f"{path}{key}": set(below["properties"])} | closed(below, f"{path}{key}.")
    return found


def test_the_schema_has_every_value() -> None:
    """values.yaml and values.schema.json have the same keys, except for Helm's own."""
    of_schema = set(SCHEMA["properties"]) | {
        f"{path}.{key}" for path, below in closed(SCHEMA).items() for key in below
    }
    assert of_schema - {"global"} == keys(VALUES)


def test_every_key_can_be_changed() -> None:
    """Each top-level value is used by a template."""
    templates = "".join(path.read_text() for path in (CHART / "templates").rglob("*.*"))
    assert [key for key in VALUES if f".Values.{key}" not in templates] == []


def test_long_names_fit() -> None:
    """With the longest name of a release, each object has a name of its own that fits a label."""
    release = "x" * 53
    answer = helm(
        "template", release, str(CHART), f"--kube-version={NEWEST}", "--values=-", values=EVERYTHING
    )
    names = [(one["kind"], one["metadata"]["name"]) for one in manifests(answer.stdout)]
    assert max(len(name) for _, name in names) <= 63
    assert len(names) == len(set(names)) == 12


def test_numbers_stay_text() -> None:
    """A release whose name is a number has labels that are text."""
    answer = helm("template", "123", str(CHART), f"--kube-version={NEWEST}", "--values=-")
    instances = {one["metadata"]["labels"]["app.kubernetes.io/instance"] for one in manifests(answer.stdout)}
    assert instances == {"123"}

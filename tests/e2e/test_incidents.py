"""Incidents without a failed job: the notification has all that is needed, and the alert resolves.

One simulated account with all incidents, a real exporter, Prometheus with the rules of the repository, and
Alertmanager with its routes. Only waits are shortened, see `hurried`; thresholds are unchanged. The exporter
is restarted after the causes are removed, because it reads recovery points only once an hour.
"""

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.docs.markdown import anchors, document
from tests.e2e import aws_cli
from tests.e2e.alerting import Pipeline, hurried
from tests.e2e.alertmanager import alertmanager
from tests.e2e.aws import simulated_aws
from tests.e2e.incidents import INCIDENTS, Incident, stage_old_backups
from tests.e2e.process import Process, environment, exporter_command, free_port, until
from tests.e2e.prometheus import Prometheus, serving
from tests.e2e.webhook import Told, webhook
from tests.support.programs import require
from tests.support.staged_account import StagedAccount

LONGEST = 90.0  # seconds until the alerts must have changed


class Scene:
    """The running programs, and the account."""

    def __init__(self, pipeline: Pipeline, world: StagedAccount) -> None:
        self.pipeline = pipeline
        self.world = world

    def firing(self) -> set[str]:
        """Return the names of the firing alerts."""
        query = 'ALERTS{alertstate="firing",severity!="none"}'
        return {series["metric"]["alertname"] for series in self.pipeline.prometheus.query(query)}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """An account with all incidents, and the programs that monitor it."""
    program = require("prometheus")
    directory = tmp_path_factory.mktemp("incidents")
    with ExitStack() as stack:
        aws, hook = stack.enter_context(simulated_aws()), stack.enter_context(webhook())
        world = StagedAccount(aws.account, time.time())
        for incident in INCIDENTS.values():
            incident.stage(world)
        stage_old_backups(world)
        address = f"127.0.0.1:{free_port()}"
        runs: list[Process] = []

        config_file = directory / "exporter.yaml"
        config_file.write_text("inventory: {enabled: true}\napi: {idle_refresh: 0s}\n")

        def start() -> None:
            for running in runs:
                running.kill()
            command = exporter_command("--web.listen-address", address, "--config.file", str(config_file))
            own = environment(directory, AWS_ENDPOINT_URL=aws.endpoint_url)
            runs.append(Process(command, own, directory / f"exporter-{len(runs)}"))

        stack.callback(lambda: runs[-1].kill())
        start()
        runs[-1].address()
        manager = stack.enter_context(alertmanager(directory / "alertmanager", hook.address))
        config = hurried(directory / "rules", address, manager.address, bridged="20s")
        options = ("--rules.alert.resend-delay=1s",)
        at = stack.enter_context(serving(program, directory / "prometheus", config, *options))
        yield Scene(Pipeline(aws, Prometheus(at), manager, hook, start), world)


@pytest.fixture(scope="module")
def alerted(scene: Scene) -> Scene:
    """Wait until exactly the expected alerts fire."""
    wanted = {alert for incident in INCIDENTS.values() for alert in (incident.alert, *incident.also)}
    until(lambda: scene.firing() == wanted, LONGEST, every=0.5, or_say=lambda: scene.firing() ^ wanted)
    return scene


@pytest.fixture(scope="module")
def mended(alerted: Scene) -> Scene:
    """Remove every cause, and restart the exporter."""
    for incident in INCIDENTS.values():
        incident.mend(alerted.world)
    alerted.pipeline.restart_exporter()
    return alerted


def notification_of(scene: Scene, incident: Incident) -> Told:
    """Return the last notification of an incident."""
    return scene.pipeline.hears(incident.alert, "firing", **incident.labels)


@pytest.mark.parametrize("name", INCIDENTS)
def test_the_notification_says_what_since_when_and_why(name: str, alerted: Scene) -> None:
    """The notification names the resource, rule or copy, since when, why, and a section of the runbook."""
    incident = INCIDENTS[name]

    notification = notification_of(alerted, incident)

    text = " ".join(notification.text.split())
    assert [part for part in incident.says if not re.search(part.replace(" ", r"\s+"), text)] == [], text
    document_name, _, anchor = notification.annotations["runbook_url"].partition("/main/")[2].partition("#")
    assert anchor == incident.alert.lower()
    assert anchor in anchors(document(document_name))


@pytest.mark.parametrize("name", INCIDENTS)
def test_the_first_command_of_the_runbook_finds_the_cause(name: str, alerted: Scene) -> None:
    """The first command in the section of the alert, with values from the alert, shows the cause."""
    incident = INCIDENTS[name]
    notification = notification_of(alerted, incident)
    variables = variables_of(notification)
    for query in aws_cli.queries_of(incident.alert):
        resource_type = notification.labels["resource_type"]
        [series] = alerted.pipeline.prometheus.query(re.sub('="[^"]*"', f'="{resource_type}"', query))
        variables["ARN"] = series["metric"]["resource_arn"]
    answers = []
    for command in aws_cli.commands_of(incident.alert)[: incident.commands]:
        answer = aws_cli.run(command, variables, alerted.pipeline.aws.endpoint_url)
        answers.append(answer)
        if isinstance(answer, dict) and answer.get("BackupSelectionsList"):
            variables["SELECTION"] = answer["BackupSelectionsList"][0]["SelectionId"]

    assert incident.finds(answers), answers


def variables_of(notification: Told) -> dict[str, str]:
    """Return the shell variables of the runbook, with values from an alert."""
    of_labels = {
        "ARN": "resource_arn",
        "VAULT": "vault_name",
        "PLAN": "plan_id",
        "DESTINATION": "destination_vault_arn",
    }
    variables = {
        name: notification.labels[label] for name, label in of_labels.items() if label in notification.labels
    }
    if testing_plan := notification.labels.get("restore_testing_plan_name"):
        variables["PLAN"] = testing_plan
    if job := re.search(r"\bjob: (\S+),", notification.text):
        variables["JOB"] = job[1]
    return variables


@pytest.mark.parametrize("name", INCIDENTS)
def test_the_alert_resolves(name: str, mended: Scene) -> None:
    """After the cause is removed, the webhook receives that the alert is resolved."""
    incident = INCIDENTS[name]

    mended.pipeline.hears(incident.alert, "resolved", **incident.labels)


def test_no_alert_is_left(mended: Scene) -> None:
    """No alert fires in the end: a monthly backup 29 days old and a quarterly one 80 days old are recent."""
    read = "count(aws_backup_last_refresh_timestamp_seconds > 0)"
    until(lambda: mended.pipeline.prometheus.query(read), LONGEST)
    until(lambda: not mended.firing(), LONGEST, every=0.5, or_say=mended.firing)

    due = "aws_backup_resource_rule_due_timestamp_seconds > time()"
    in_time = {series["metric"]["resource_name"] for series in mended.pipeline.prometheus.query(due)}
    assert {"monthly-archive", "quarterly-archive"} <= in_time

"""From AWS to a person: what goes wrong there is told, with all that is needed, and so is its end.

Everything is as it would be at a user's: the rules and the configurations of the repository, a real exporter,
Prometheus and Alertmanager. Only waiting is shortened: scrapes and evaluations come each second, no alert
waits longer than a second (`for`, `keep_firing_for`), and Alertmanager's groups wait less. No query is
changed.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from exporter.simulator.errors import ApiError
from tests.e2e import sorts
from tests.e2e.alerting import LONGEST, Pipeline, hurried
from tests.e2e.alertmanager import alertmanager
from tests.e2e.aws import simulated_aws
from tests.e2e.http import ask
from tests.e2e.process import REGION, Process, environment, exporter_command, never_idle, until
from tests.e2e.prometheus import Prometheus, serving
from tests.e2e.webhook import webhook
from tests.support.programs import require

RUNBOOK = "docs/runbooks.md#"
DAY = 24 * sorts.HOUR
LAST_SUCCESS = {"orders": DAY, "archive": 3 * DAY, "ledger": DAY}
"""What was before the exporter started: the resources, and how many seconds ago each was last backed up."""
FIRES_WHILE_THE_NEXT_RUNS = """
  ALERTS{alertname="AwsBackupJobFailed", resource_name="orders"}
  and on (resource_arn) aws_backup_resource_last_job_state{state="RUNNING"} offset 3s == 1
"""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """All programs run, and Prometheus has the exporter's series."""
    program = require("prometheus")
    directory = tmp_path_factory.mktemp("alerting")
    with ExitStack() as stack:
        aws, hook = stack.enter_context(simulated_aws()), stack.enter_context(webhook())
        for name, age in LAST_SUCCESS.items():
            aws.account.put(backup(name, f"{name}-0", "COMPLETED", age))
        exporter = Process(
            exporter_command("--web.listen-address", "127.0.0.1:0", *never_idle(directory)),
            environment(directory, AWS_ENDPOINT_URL_BACKUP=aws.endpoint_url),
            directory / "exporter",
        )
        stack.callback(exporter.kill)
        manager = stack.enter_context(alertmanager(directory / "alertmanager", hook.address))
        config = hurried(directory / "rules", exporter.address(), manager.address)
        options = ("--rules.alert.resend-delay=1s",)
        address = stack.enter_context(serving(program, directory / "prometheus", config, *options))
        watching = Prometheus(address)
        until(lambda: watching.query("aws_backup_up"), LONGEST)
        yield Pipeline(aws, watching, manager, hook)


def backup(name: str, job_id: str, state: str, age: float, **fields: Any) -> sorts.Answer:
    """A job of a daily rule for the resource of that name, created so many seconds ago."""
    arn = f"arn:aws:rds:{REGION}:{sorts.ACCOUNT}:db:{name}"
    ended = {"CompletionDate": round(time.time() - age + 60, 3)} if state in sorts.FINISHED else {}
    named = {"ResourceArn": arn, "ResourceName": name, "ResourceType": "RDS"}
    return {**sorts.full(job_id, state, age=age), "StatusMessage": "", **named, **ended, **fields}


def test_a_failed_job_is_told_with_its_reason_and_the_next_success_too(scene: Pipeline) -> None:
    """Resource, vault, reason and runbook are in the text; a job that runs ends nothing, its success does."""
    failed = backup("orders", "orders-1", "RUNNING", 120)
    scene.aws.account.put(failed)
    reason = {"StatusMessage": "Access denied by the key", "MessageCategory": "AccessDenied"}
    scene.aws.account.put({**failed, "State": "FAILED", "BackupVaultName": "prod-daily", **reason})

    told = scene.hears("AwsBackupJobFailed", "firing", resource_name="orders")

    assert told.path == "/tickets"
    for word in ("orders", "prod-daily", "Access denied by the key", "orders-1", REGION, sorts.ACCOUNT):
        assert word in told.annotations["description"]
    assert "orders" in told.annotations["summary"]
    assert told.annotations["runbook_url"].endswith(f"{RUNBOOK}awsbackupjobfailed")

    again = backup("orders", "orders-2", "RUNNING", 1)
    scene.aws.account.put(again)
    until(lambda: scene.prometheus.query(FIRES_WHILE_THE_NEXT_RUNS), or_say=scene.webhook.names)
    assert not scene.webhook.told("AwsBackupJobFailed", "resolved", resource_name="orders")

    scene.aws.account.put(backup("orders", "orders-2", "COMPLETED", 1))
    scene.hears("AwsBackupJobFailed", "resolved", resource_name="orders")


def test_a_missed_backup_pages_and_the_next_success_ends_it(scene: Pipeline) -> None:
    """A daily backup that succeeded three days ago for the last time is told until there is one."""
    told = scene.hears("AwsBackupMissed", "firing", resource_name="archive")

    assert told.path == "/pager"
    assert "archive missed its backup" in told.text
    assert "succeeded for 2d 23h" in told.text
    assert "expected every 1d 0h" in told.text
    assert told.annotations["runbook_url"].endswith(f"{RUNBOOK}awsbackupmissed")

    scene.aws.account.put(backup("archive", "archive-1", "COMPLETED", 100))
    scene.hears("AwsBackupMissed", "resolved", resource_name="archive")


def test_lost_access_pages_once_and_holds_back_the_rest(scene: Pipeline) -> None:
    """That AWS refuses everything is told, and why; what is said of resources is held back until it ends."""
    scene.aws.account.put(backup("ledger", "ledger-1", "FAILED", 300, StatusMessage="Something"))
    scene.hears("AwsBackupJobFailed", "firing", resource_name="ledger")
    scene.aws.account.fail(None, ApiError("AccessDeniedException", 403, "not authorized"))

    told = scene.hears("AwsBackupTargetFailing", "firing")

    assert (told.path, told.labels["target"], told.labels["aws_region"]) == ("/pager", "default", REGION)
    assert told.annotations["runbook_url"].endswith(f"{RUNBOOK}awsbackuptargetfailing")
    until(lambda: "ledger" in str(scene.alertmanager.inhibited()), LONGEST)
    failing = 'ALERTS{alertname="AwsBackupTargetFailing"}'
    assert [series["metric"]["target"] for series in scene.prometheus.query(failing)] == ["default"]
    until(lambda: "AccessDeniedException" in texts(scene.prometheus, told.name), LONGEST)

    scene.aws.account.recover()
    scene.hears("AwsBackupTargetFailing", "resolved")
    assert not scene.webhook.told("AwsBackupJobFailed", "resolved", resource_name="ledger")
    assert not scene.webhook.told("AwsBackupRegionBlind", "firing")


def test_no_rule_stumbles(scene: Pipeline) -> None:
    """Prometheus evaluates every rule without an error, whatever the account is like by now."""
    groups = ask(scene.prometheus.address, "/api/v1/rules").json["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert rules
    assert {rule["name"]: rule.get("lastError", "") for rule in rules if rule["health"] != "ok"} == {}


def texts(prometheus: Prometheus, name: str) -> str:
    """Give what an alert that fires says by now."""
    alerts = ask(prometheus.address, "/api/v1/alerts").json["data"]["alerts"]
    return "\n".join(
        text
        for alert in alerts
        if alert["labels"]["alertname"] == name
        for text in alert["annotations"].values()
    )

"""The path of an alert: an exporter, Prometheus with the rules of the repository, and Alertmanager."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.docs.markdown import ROOT
from tests.e2e.alertmanager import Alertmanager
from tests.e2e.aws import Aws
from tests.e2e.process import until
from tests.e2e.prometheus import Prometheus
from tests.e2e.webhook import Told, Webhook

CONFIG = ROOT / "prometheus" / "prometheus.yml"
LONGEST = 30.0  # seconds until a notification must have arrived
OF_THE_EXPORTER = "aws-backup-exporter"


@dataclass(frozen=True)
class Pipeline:
    """The running programs.

    Attributes:
        restart_exporter: stops the exporter and starts it again, at the same address.
    """

    aws: Aws
    prometheus: Prometheus
    alertmanager: Alertmanager
    webhook: Webhook
    restart_exporter: Callable[[], None] = lambda: None

    def hears(self, name: str, status: str, **labels: str) -> Told:
        """Wait until the webhook receives an alert; return the last such notification."""
        told = until(
            lambda: self.webhook.told(name, status, **labels), LONGEST, every=0.2, or_say=self.webhook.names
        )
        return told[-1]


def hurried(directory: Path, exporter: str, manager: str, *, bridged: str = "") -> dict[str, Any]:
    """Return the configuration of the repository with other addresses and short waits; write the rules.

    All rules are evaluated once a second, and `for` and `keep_firing_for` are one second.

    Args:
        directory: where to write the rules.
        exporter: HOST:PORT.
        manager: HOST:PORT of Alertmanager.
        bridged: how long rules use the last sample of a series that has ended (`last_over_time`), instead of
            ten minutes or an hour. If it is set, what rules compare with a day ago they compare with a second
            ago, and alerts about the exporter keep their `for`, so that a restart does not fire them.
    """
    config: dict[str, Any] = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    directory.mkdir()
    for path in [path for pattern in config["rule_files"] for path in CONFIG.parent.glob(pattern)]:
        rules = yaml.safe_load(path.read_text(encoding="utf-8"))
        for group in rules["groups"]:
            group.pop("interval", None)
            for rule in group["rules"]:
                if not bridged or group["name"] != OF_THE_EXPORTER:
                    rule.update((wait, "1s") for wait in ("for", "keep_firing_for") if wait in rule)
                if bridged:
                    expression = re.sub(r"\[(10m|1h)\]", f"[{bridged}]", rule["expr"])
                    rule["expr"] = expression.replace("offset 1d", "offset 1s")
        (directory / path.name).write_text(yaml.safe_dump(rules))
    [job] = config["scrape_configs"]
    return {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(directory / "*.yml")],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [manager]}]}]},
        "scrape_configs": [{**job, "static_configs": [{"targets": [exporter]}]}],
    }

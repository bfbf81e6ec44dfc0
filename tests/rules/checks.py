"""What must hold for every alert rule, and what is wrong with those that break it."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from exporter.config.duration import parse
from tests.docs.markdown import ROOT, anchors
from tests.support.promql import OF_THE_SCRAPE, Known, label_names, made_labels, mistakes, selectors

RULES = ROOT / "prometheus" / "rules" / "aws-backup-alerts.yml"
RUNBOOK = "https://github.com/aws-backup-exporter/aws-backup-exporter/blob/main/docs/runbooks.md"
EVERYWHERE = OF_THE_SCRAPE | {"pod"}  # pod: as the Prometheus operator labels what it scrapes
ANNOTATIONS = {"summary", "description", "runbook_url"}
SEVERITIES = {"critical", "warning", "none"}
SEVERAL_RESOURCES = {"AwsBackupResourceUnselected", "AwsBackupRestoreTestOverdue"}  # about more than one
SHORTEST_FOR = 60.0  # seconds: two scrapes

_QUERY = re.compile(r'printf "((?:\\.|[^"\\])*)"')
_LABEL = re.compile(r"\$labels\.(\w+)")


@dataclass(frozen=True)
class Rule:
    """An alert or a recording rule as the file has it."""

    fields: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What it is called."""
        return str(self.fields.get("alert") or self.fields["record"])

    @property
    def is_alert(self) -> bool:
        """Whether it is an alert."""
        return "alert" in self.fields

    @property
    def expression(self) -> str:
        """Its query."""
        return str(self.fields["expr"])

    @property
    def annotations(self) -> Mapping[str, str]:
        """Its annotations; none for a recording rule."""
        return self.fields.get("annotations") or {}

    @property
    def queries(self) -> list[str]:
        """Its query, and those that its annotations make."""
        made = (query for text in self.annotations.values() for query in _QUERY.findall(text))
        return [self.expression, *(query.replace("%q", '"x"') for query in made)]


def read(path: Path = RULES) -> list[Rule]:
    """Read the rules of a file."""
    return rules_of(load(path))


def load(path: Path = RULES) -> Any:
    """Parse a file of rules."""
    return yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)


def rules_of(document: Any) -> list[Rule]:
    """Give the rules of a file that is read already."""
    return [Rule(fields) for group in document["groups"] for fields in group["rules"]]


def faults(rules: Sequence[Rule], known: Known, runbook: str) -> list[str]:
    """Tell, a line each, what is wrong with rules.

    Args:
        rules: those of one file, in its order.
        known: the labels of each metric that is scraped.
        runbook: the text that the alerts lead to.
    """
    known = with_records(rules, known)
    found = [fault for rule in rules for fault in _faults_of(rule, known, anchors(runbook))]
    names = [rule.name for rule in rules]
    return found + [f"{name}: comes twice" for name in sorted(set(names)) if names.count(name) > 1]


def with_records(rules: Sequence[Rule], known: Known) -> Known:
    """Add what recording rules make to the metrics that are scraped, with all labels that it may have."""
    made = dict(known)
    for rule in rules:
        if not rule.is_alert:
            used = {selector.metric for selector in selectors(rule.expression)} & made.keys()
            made[rule.name] = frozenset().union(*(made[name] for name in used))
    return made


def _faults_of(rule: Rule, known: Known, places: Collection[str]) -> Iterator[str]:
    for query in rule.queries:
        yield from (f"{rule.name}: {mistake}" for mistake in mistakes(query, known, EVERYWHERE))
    if rule.is_alert:
        yield from (f"{rule.name}: {fault}" for fault in _faults_of_alert(rule, known, places))


def _faults_of_alert(rule: Rule, known: Known, places: Collection[str]) -> Iterator[str]:
    if "for" not in rule.fields or parse(rule.fields["for"]) < SHORTEST_FOR:
        yield "one missed scrape may fire it: needs a longer `for`"
    if rule.fields.get("labels", {}).get("severity") not in SEVERITIES:
        yield f"severity is none of {', '.join(sorted(SEVERITIES))}"
    for missing in sorted(ANNOTATIONS - rule.annotations.keys()):
        yield f"has no {missing}"
    yield from _faults_of_texts(rule, known)
    address, _, anchor = rule.annotations.get("runbook_url", "").partition("#")
    if "runbook_url" in rule.annotations and (address != RUNBOOK or anchor != rule.name.lower()):
        yield "its runbook_url leads elsewhere"
    elif anchor and anchor not in places:
        yield "the runbook has no section for it"


def _faults_of_texts(rule: Rule, known: Known) -> Iterator[str]:
    used = [selector.metric for selector in selectors(rule.expression) if selector.metric in known]
    labels = made_labels(rule.expression).union(EVERYWHERE, *(known[metric] for metric in used))
    named = {label for text in rule.annotations.values() for label in _LABEL.findall(text)}
    for label in sorted(named - labels):
        yield f"its texts name a label that it does not have: {label}"
    is_about_a_resource = any("resource_" in metric for metric in used) or "job_id" in label_names(
        rule.expression
    )
    is_about_a_resource = is_about_a_resource and rule.name not in SEVERAL_RESOURCES
    for annotation in ("summary", "description") if is_about_a_resource else ():
        if "resource_name" not in rule.annotations.get(annotation, ""):
            yield f"its {annotation} does not name the resource"

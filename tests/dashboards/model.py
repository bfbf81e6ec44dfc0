"""The dashboards as the tests read them: panels, queries, variables; and Grafana's way to fill a query in."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.docs.markdown import ROOT

FOLDER = ROOT / "grafana" / "dashboards"
REFERENCE = re.compile(r"\$\{(\w+)[^}]*\}|\$([a-zA-Z_]\w*)|\[\[(\w+)[^\]]*\]\]")

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Settings:
    """What is chosen in a dashboard's variables; "All" where nothing is said."""

    job: str = ".+"
    instance: str = ".+"
    account: str = ".*"
    region: str = ".*"
    resource: str = ".*"
    resource_arn: str = ".*"
    job_id: str = ""

    def put_into(self, text: str) -> str:
        """Put what is chosen in the place of the variables, and Grafana's own intervals too."""
        chosen = vars(self) | {"__rate_interval": "30s", "__interval": "2m"}

        def value(found: re.Match[str]) -> str:
            return str(chosen[next(filter(None, found.groups()))])

        return REFERENCE.sub(value, text)


@dataclass(frozen=True)
class Target:
    """One query of a panel."""

    fields: Fields

    @property
    def expression(self) -> str:
        """Its PromQL, with Grafana's variables in it."""
        return str(self.fields.get("expr", ""))

    @property
    def ref(self) -> str:
        """The letter that it goes by."""
        return str(self.fields["refId"])

    @property
    def is_instant(self) -> bool:
        """Whether it is evaluated at the end of the time range alone."""
        return bool(self.fields.get("instant"))

    @property
    def legend(self) -> str:
        """What names its series."""
        return str(self.fields.get("legendFormat", ""))


@dataclass(frozen=True)
class Panel:
    """A panel, or a row."""

    fields: Fields
    folded: bool = field(default=False, compare=False)  # in a row that is closed when the dashboard opens

    @property
    def title(self) -> str:
        """What stands above it."""
        return str(self.fields.get("title", ""))

    @property
    def type(self) -> str:
        """How it shows its data."""
        return str(self.fields.get("type", ""))

    @property
    def is_row(self) -> bool:
        """Whether it only heads others."""
        return self.type == "row"

    @property
    def targets(self) -> list[Target]:
        """Its queries."""
        return [Target(target) for target in self.fields.get("targets", [])]

    @property
    def defaults(self) -> Fields:
        """The settings of all its fields."""
        found: Fields = self.fields.get("fieldConfig", {}).get("defaults", {})
        return found

    @property
    def overrides(self) -> list[Fields]:
        """The settings of some of its fields."""
        return list(self.fields.get("fieldConfig", {}).get("overrides", []))

    @property
    def settings(self) -> Iterator[tuple[str, Any]]:
        """Every setting of its fields by name, the defaults too."""
        yield from self.defaults.items()
        for override in self.overrides:
            yield from ((setting["id"], setting["value"]) for setting in override["properties"])

    @property
    def links(self) -> list[str]:
        """The addresses that its fields lead to."""
        return [link["url"] for name, links in self.settings if name == "links" for link in links]

    def columns(self) -> Fields:
        """The options of the transformation that orders a table's columns."""
        for transformation in self.fields.get("transformations", []):
            if transformation["id"] == "organize":
                options: Fields = transformation["options"]
                return options
        return {}


@dataclass(frozen=True)
class Dashboard:
    """A dashboard as its file has it."""

    fields: Fields

    @property
    def uid(self) -> str:
        """What links call it."""
        return str(self.fields.get("uid"))

    @property
    def panels(self) -> list[Panel]:
        """Every panel, the rows and what is folded into them too."""
        return list(_panels(self.fields.get("panels", []), folded=False))

    @property
    def variables(self) -> list[Fields]:
        """Its variables, in their order."""
        return list(self.fields.get("templating", {}).get("list", []))

    @property
    def queries(self) -> list[tuple[Panel, Target]]:
        """Every query, with its panel."""
        return [(panel, target) for panel in self.panels for target in panel.targets]

    def panel(self, title: str) -> Panel:
        """Give the one panel with this title."""
        [found] = [panel for panel in self.panels if panel.title == title and not panel.is_row]
        return found


def _panels(fields: list[Fields], *, folded: bool) -> Iterator[Panel]:
    for one in fields:
        yield Panel(one, folded)
        yield from _panels(one.get("panels", []), folded=folded or bool(one.get("collapsed")))


def read(path: Path) -> Dashboard:
    """Read a dashboard."""
    return Dashboard(json.loads(path.read_text(encoding="utf-8")))


def dashboards() -> dict[str, Dashboard]:
    """Read every dashboard, by the name of its file."""
    return {path.stem: read(path) for path in sorted(FOLDER.glob("*.json"))}


def references(text: str) -> set[str]:
    """Tell the variables that a text names, Grafana's own (`__...`) left out."""
    names = (next(filter(None, found)) for found in REFERENCE.findall(text))
    return {name for name in names if not name.startswith("__")}

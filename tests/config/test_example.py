"""The example configuration that people start from."""

import re
from pathlib import Path

from exporter.config import Members, Organization, default, load, load_file, masked

EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"


def test_every_key_is_shown() -> None:
    """The example names every setting there is."""
    words = EXAMPLE.read_text().replace("- ", " ").split()
    shown = masked(load_file(EXAMPLE))
    records = [shown, *shown["targets"], *shown["expectations"]]
    records += [section for section in shown.values() if isinstance(section, dict)]
    keys = [key for record in records for key in record]
    keys += [*Organization.model_fields, *Members.model_fields]
    assert [key for key in keys if f"{key}:" not in words] == []


def test_the_alternatives_load() -> None:
    """The targets that are commented out are valid beside the others, and show the defaults."""
    text = re.sub(r"^  # (?=- name|  )", "  ", EXAMPLE.read_text(), flags=re.MULTILINE)
    production, staging, company = load(text, "config.yaml").targets
    assert (production.name, staging.profile) == ("production", "staging")
    assert company.organization == Organization(members=Members(role_name="aws-backup-exporter"))


def test_the_defaults_are_shown() -> None:
    """What is not an example by nature has its default value."""
    example, without = load_file(EXAMPLE), default()
    for section in ("discovery", "collectors", "inventory", "api", "limits"):
        assert getattr(example, section) == getattr(without, section)
    for key in ("profile", "external_id", "endpoint_url", "job_ids", "organization"):
        assert getattr(example.targets[0], key) == getattr(without.targets[0], key)

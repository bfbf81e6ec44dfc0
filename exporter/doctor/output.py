"""Formats a report as text for people or as JSON for programs."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from exporter.doctor.report import Check, Diagnosis, Report
from exporter.model import Fault, Scope
from exporter.runtime import Secrets

_MAX_NAMES = 3  # checks to name when several fail for the same reason


def as_text(report: Report, secrets: Secrets) -> str:
    """Format a table for each target and Region, followed by the problems and a one-line summary.

    Secrets are masked, and characters that cannot be printed are escaped.
    """
    lines = [*_tables(report), *_faults(report), _summary(report)]
    return "".join(f"{secrets.clean(line)}\n" for line in lines)


def as_json(report: Report, secrets: Secrets) -> str:
    """Format one JSON object. Secrets are masked and characters escaped as in `as_text`."""
    content = {"ok": report.healthy, "scopes": [_object(diagnosis) for diagnosis in report.diagnoses]}
    return json.dumps(_clean(content, secrets), indent=2, ensure_ascii=False) + "\n"


def _tables(report: Report) -> Iterator[str]:
    names = max(len(_name(check)) for _, check in report.checks())
    results = max(len(check.result) for _, check in report.checks())
    for diagnosis in report.diagnoses:
        account = f" (account {diagnosis.caller.account_id})" if diagnosis.caller else ""
        yield f"{_place(diagnosis.scope.target, [diagnosis.scope.region])}{account}"
        for check in diagnosis.checks:
            note = check.detail or check.collector if check.needed or not check.fault else "optional"
            yield f"  {_name(check):{names}}  {check.result:{results}}  {note}".rstrip()
        yield ""


def _faults(report: Report) -> Iterator[str]:
    """Format the problems, one entry for all checks of a target that have the same remedy."""
    groups: dict[tuple[str, ...], list[tuple[Scope, Check, Fault]]] = {}
    for scope, check in report.checks():
        if fault := check.fault:
            key = (scope.target, check.result, fault.code, fault.remedy)
            groups.setdefault(key, []).append((scope, check, fault))
    for (target, result, code, remedy), found in groups.items():
        regions = dict.fromkeys(scope.region for scope, _, _ in found)
        names = list(dict.fromkeys(_name(check) for _, check, _ in found))
        more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
        yield f"{_place(target, regions)}, {', '.join(names[:_MAX_NAMES])}{more}: {result}"
        yield f"  {code}: {found[0][2].message}"
        yield f"  Remedy: {remedy}"
        yield ""


def _summary(report: Report) -> str:
    checks = [check for _, check in report.checks()]
    if not report.healthy:
        return f"{sum(not check.passed for check in checks)} of {len(checks)} checks failed."
    if any(check.fault for check in checks):
        return "All required checks passed."
    return f"All {len(checks)} checks passed."


def _place(target: str, regions: Iterable[str]) -> str:
    names = ", ".join(filter(None, regions))
    return f"{target} in {names}" if names else f"{target} (no Region)"


def _name(check: Check) -> str:
    return f"{check.kind} {check.name}" if check.kind in ("job", "account") else check.name


def _object(diagnosis: Diagnosis) -> dict[str, Any]:
    return {
        "target": diagnosis.scope.target,
        "aws_region": diagnosis.scope.region,
        "ok": diagnosis.healthy,
        "credentials": asdict(diagnosis.credentials) if diagnosis.credentials else None,
        "caller": asdict(diagnosis.caller) if diagnosis.caller else None,
        "checks": [asdict(check) for check in diagnosis.checks],
    }


def _clean(value: Any, secrets: Secrets) -> Any:
    if isinstance(value, dict):
        return {name: _clean(item, secrets) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item, secrets) for item in value]
    return secrets.clean(value) if isinstance(value, str) else value

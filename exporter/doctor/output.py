"""A report as text for people, and as JSON for programs."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from exporter.doctor.report import Check, Diagnosis, Report
from exporter.model import Fault, Scope
from exporter.runtime import Secrets

_NAMED = 3  # checks that are named where several fail for one reason


def as_text(report: Report, secrets: Secrets) -> str:
    """Write a table for each target and Region, then what is wrong, then one line that sums up.

    Secrets are masked, and what is not printable is escaped.
    """
    lines = [*_tables(report), *_faults(report), _summary(report)]
    return "".join(f"{secrets.clean(line)}\n" for line in lines)


def as_json(report: Report, secrets: Secrets) -> str:
    """Write one JSON object; its texts are masked and escaped likewise."""
    whole = {"ok": report.healthy, "scopes": [_object(diagnosis) for diagnosis in report.diagnoses]}
    return json.dumps(_clean(whole, secrets), indent=2, ensure_ascii=False) + "\n"


def _tables(report: Report) -> Iterator[str]:
    names = max(len(_name(check)) for _, check in report.checks())
    results = max(len(check.result) for _, check in report.checks())
    for diagnosis in report.diagnoses:
        account = f" (account {diagnosis.caller.account_id})" if diagnosis.caller else ""
        yield f"{_place(diagnosis.scope.target, [diagnosis.scope.region])}{account}"
        for check in diagnosis.checks:
            note = check.detail or check.collector if check.needed or not check.fault else "not needed"
            yield f"  {_name(check):{names}}  {check.result:{results}}  {note}".rstrip()
        yield ""


def _faults(report: Report) -> Iterator[str]:
    """Write what is wrong, once for all checks of a target that need the same remedy."""
    alike: dict[tuple[str, ...], list[tuple[Scope, Check, Fault]]] = {}
    for scope, check in report.checks():
        if fault := check.fault:
            key = (scope.target, check.result, fault.code, fault.remedy)
            alike.setdefault(key, []).append((scope, check, fault))
    for (target, result, code, remedy), found in alike.items():
        regions = dict.fromkeys(scope.region for scope, _, _ in found)
        names = list(dict.fromkeys(_name(check) for _, check, _ in found))
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        yield f"{_place(target, regions)}, {', '.join(names[:_NAMED])}{more}: {result}"
        yield f"  {code}: {found[0][2].message}"
        yield f"  Remedy: {remedy}"
        yield ""


def _summary(report: Report) -> str:
    checks = [check for _, check in report.checks()]
    if not report.healthy:
        return f"{sum(not check.passed for check in checks)} of {len(checks)} checks failed."
    if any(check.fault for check in checks):
        return "All that the exporter needs is there."
    return f"All {len(checks)} checks passed."


def _place(target: str, regions: Iterable[str]) -> str:
    named = ", ".join(filter(None, regions))
    return f"{target} in {named}" if named else f"{target} in no Region"


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
        return {name: _clean(one, secrets) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(one, secrets) for one in value]
    return secrets.clean(value) if isinstance(value, str) else value

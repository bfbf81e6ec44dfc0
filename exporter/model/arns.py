"""The account and the Region of an ARN."""

import re

_ACCOUNT_IN_ARN = re.compile(r"arn:[^:]*:[^:]*:[^:]*:(\d{12}):")


def account_in_arn(arn: str) -> str:
    """Return the account in an ARN; empty if there is none."""
    found = _ACCOUNT_IN_ARN.match(arn)
    return found[1] if found else ""


def name_in_arn(arn: str) -> str:
    """Return the last part of an ARN, which names the resource."""
    return arn.replace("/", ":").rpartition(":")[2]


def region_in_arn(arn: str) -> str:
    """Return the Region in an ARN; empty if there is none."""
    parts = arn.split(":", 4)
    return parts[3] if len(parts) == 5 else ""

"""What botocore's exceptions come from: other exceptions, modules of libraries, providers of credentials."""

import re
from collections.abc import Iterator
from traceback import walk_tb

NAMES_DIFFER = "CertificateError"
"""The class of urllib3 for a certificate of another host: urllib3 compares the names itself."""


def causes_of(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and its causes: HTTP clients wrap each other's exceptions in several ways."""
    seen: list[BaseException] = []
    waiting = [error]
    while waiting:
        one = waiting.pop(0)
        if any(one is other for other in seen):
            continue
        seen.append(one)
        yield one
        inside = (
            getattr(one, "kwargs", {}).get("error"),
            getattr(one, "reason", None),
            getattr(one, "original_error", None),
            *one.args,
            one.__cause__,
            one.__context__,
        )
        waiting += [other for other in inside if isinstance(other, BaseException)]


def tunnel_status(error: BaseException) -> str:
    """Return the status with which a proxy refused a connection; empty if none did."""
    found = re.match(r"Tunnel connection failed: (\d{3})", str(error)) if isinstance(error, OSError) else None
    return found[1] if found else ""


def is_bad_header(error: BaseException) -> bool:
    """Return whether a header of the request contains a control character."""
    return isinstance(error, ValueError) and str(error).startswith("Invalid header")


def modules_of(error: BaseException) -> list[str]:
    """Return the modules that an exception has passed, that of the caller first."""
    return [str(frame.f_globals.get("__name__")) for frame, _ in walk_tb(error.__traceback__)]


def provider_of(error: BaseException) -> str:
    """Return botocore's name of the credential provider that an exception comes from."""
    named = getattr(error, "kwargs", {}).get("provider")
    if isinstance(named, str):
        return named
    found = ""
    for frame, _ in walk_tb(error.__traceback__):
        if frame.f_globals.get("__name__") in ("botocore.credentials", "botocore.tokens"):
            provider = frame.f_locals.get("self")
            name = getattr(provider, "METHOD", None) or getattr(provider, "method", None)
            found = name if isinstance(name, str) else found
    return found

"""Faults of the credentials of a target, which concern all its Regions."""

import threading

from exporter.model import Fault, Scope

_OPERATIONS = ("AssumeRole", "GetCredentials")


class CredentialFaults:
    """The Regions of one target in which its credentials fail; the reason is logged once. Thread-safe."""

    def __init__(self) -> None:
        self._scopes: dict[tuple[str, str], set[Scope]] = {}  # by code and remedy
        self._lock = threading.Lock()

    def begin(self, scope: Scope, fault: Fault) -> bool:
        """Record a fault of a scope. Return whether to log it: it is new, or not one of credentials."""
        if fault.message.partition(":")[0] not in _OPERATIONS:
            return True
        with self._lock:
            scopes = self._scopes.setdefault((fault.code, fault.remedy), set())
            is_first = not scopes
            scopes.add(scope)
            return is_first

    def end(self, scope: Scope) -> None:
        """Record that the credentials work in a scope."""
        with self._lock:
            self._scopes = {key: rest for key, scopes in self._scopes.items() if (rest := scopes - {scope})}

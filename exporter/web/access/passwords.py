"""Checks passwords without blocking other requests while a password is hashed."""

import asyncio
import base64
import binascii
import hashlib
import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import bcrypt
from pydantic import SecretStr

MAX_PASSWORD_LENGTH = 72
"""Bytes of a password that bcrypt uses; it ignores the rest."""

CACHE_SIZE = 100
"""Cached results: this many for correct passwords and this many for wrong ones."""

MAX_PENDING = 64
"""Password checks that may be pending at a time."""

MAX_PENDING_PER_ADDRESS = 2
"""Pending checks for one client address, so that a brute-force attack does not block other clients."""


class BusyError(Exception):
    """Too many password checks are pending."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The user name and password of an Authorization header."""

    user: bytes
    password: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Check:
    """A pending check and the client address it was started for."""

    address: str
    result: asyncio.Future[bool]


def read_credentials(header: bytes) -> Credentials | None:
    """Parse an Authorization header; return None if it does not hold a user name and a password."""
    scheme, _, encoded = header.partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(b" "), validate=True).partition(b":")
    except binascii.Error:
        return None
    return Credentials(user, password) if colon else None


class Passwords:
    """Checks passwords one at a time and caches the results.

    The cache holds no passwords, only digests keyed with a random key of this process. Correct and wrong
    passwords are cached separately, so that a brute-force attack does not evict the correct ones.

    Args:
        matches: compares a password with a bcrypt hash.
    """

    def __init__(self, matches: Callable[[bytes, bytes], bool] = bcrypt.checkpw) -> None:
        self._matches = matches
        self._secret = secrets.token_bytes(32)
        self._accepted: set[bytes] = set()
        self._rejected: set[bytes] = set()
        self._pending: dict[bytes, _Check] = {}
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="password")

    async def verify(self, users: Mapping[str, SecretStr], given: Credentials, address: str) -> bool:
        """Return whether the user exists and the password is correct.

        Raises:
            BusyError: too many checks are pending, in total or from this address.
        """
        hashes = {name.encode(): secret.get_secret_value().encode() for name, secret in users.items()}
        known = given.user in hashes
        hashed = hashes[given.user] if known else self._decoy(list(hashes.values()), given.user)
        key = self._digest(bytes([known]), given.user, hashed, given.password)
        if key in self._accepted or key in self._rejected:
            return key in self._accepted
        if key not in self._pending:
            password = given.password[:MAX_PASSWORD_LENGTH]
            self._start_check(key, address, lambda: self._matches(password, hashed), known=known)
        return await asyncio.shield(self._pending[key].result)

    def _start_check(self, key: bytes, address: str, matches: Callable[[], bool], *, known: bool) -> None:
        from_address = sum(check.address == address for check in self._pending.values())
        if len(self._pending) >= MAX_PENDING or from_address >= MAX_PENDING_PER_ADDRESS:
            raise BusyError
        result = asyncio.ensure_future(self._check(key, matches, known=known))
        self._pending[key] = _Check(address, result)

    async def _check(self, key: bytes, matches: Callable[[], bool], *, known: bool) -> bool:
        try:
            matched = await asyncio.get_running_loop().run_in_executor(self._worker, matches)
            correct = matched and known
            _cache(key, self._accepted if correct else self._rejected)
            return correct
        finally:
            del self._pending[key]

    def _decoy(self, hashes: list[bytes], user: bytes) -> bytes:
        """Choose a hash to check for an unknown user, always the same for the same name.

        So the response time does not reveal whether a user exists, even if the hashes differ in cost.
        """
        return hashes[int.from_bytes(self._digest(user)) % len(hashes)]

    def _digest(self, *parts: bytes) -> bytes:
        digest = hashlib.blake2b(key=self._secret, digest_size=32)
        for part in parts:
            digest.update(len(part).to_bytes(8) + part)
        return digest.digest()


def _cache(key: bytes, keys: set[bytes]) -> None:
    if len(keys) >= CACHE_SIZE:
        keys.discard(secrets.choice(tuple(keys)))
    keys.add(key)

"""Whether a user gave the right password, without letting the hashing of passwords stall anything else."""

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

LONGEST = 72
"""Bytes of a password that bcrypt looks at; it always passed over the rest."""

REMEMBERED = 100
"""Passwords whose check is remembered: so many right ones, and so many wrong ones."""

WAITING = 64
"""Passwords that may wait for their check."""

FROM_ONE = 2
"""Of these, from one address: whoever guesses does not keep others waiting."""


class BusyError(Exception):
    """Too many passwords wait for their check."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client says in its Authorization header."""

    user: bytes
    password: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Check:
    """A check that waits or runs, and whom it was begun for."""

    address: str
    outcome: asyncio.Future[bool]


def read_credentials(header: bytes) -> Credentials | None:
    """Read an Authorization header; None for whatever is not a user name and a password."""
    scheme, _, encoded = header.partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(b" "), validate=True).partition(b":")
    except binascii.Error:
        return None
    return Credentials(user, password) if colon else None


class Passwords:
    """Checks passwords one after another, and remembers what it found.

    Nothing remembered holds a password: only a digest, with a key that dies with the process. What is right
    and what is wrong is remembered apart, so that no flood of guesses makes it forget who was let in.

    Args:
        matches: compares a password with a bcrypt hash.
    """

    def __init__(self, matches: Callable[[bytes, bytes], bool] = bcrypt.checkpw) -> None:
        self._matches = matches
        self._secret = secrets.token_bytes(32)
        self._right: set[bytes] = set()
        self._wrong: set[bytes] = set()
        self._under_way: dict[bytes, _Check] = {}
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="password")

    async def right(self, users: Mapping[str, SecretStr], given: Credentials, address: str) -> bool:
        """Tell whether the user is known and the password is theirs.

        Raises:
            BusyError: too many wait already, all in all or from this address.
        """
        hashes = {name.encode(): secret.get_secret_value().encode() for name, secret in users.items()}
        known = given.user in hashes
        hashed = hashes[given.user] if known else self._decoy(list(hashes.values()), given.user)
        key = self._digest(bytes([known]), given.user, hashed, given.password)
        if key in self._right or key in self._wrong:
            return key in self._right
        if key not in self._under_way:
            password = given.password[:LONGEST]
            self._begin(key, address, lambda: self._matches(password, hashed), known=known)
        return await asyncio.shield(self._under_way[key].outcome)

    def _begin(self, key: bytes, address: str, matches: Callable[[], bool], *, known: bool) -> None:
        from_here = sum(check.address == address for check in self._under_way.values())
        if len(self._under_way) >= WAITING or from_here >= FROM_ONE:
            raise BusyError
        outcome = asyncio.ensure_future(self._check(key, matches, known=known))
        self._under_way[key] = _Check(address, outcome)

    async def _check(self, key: bytes, matches: Callable[[], bool], *, known: bool) -> bool:
        try:
            matched = await asyncio.get_running_loop().run_in_executor(self._worker, matches)
            right = matched and known
            _remember(key, self._right if right else self._wrong)
            return right
        finally:
            del self._under_way[key]

    def _decoy(self, hashes: list[bytes], user: bytes) -> bytes:
        """Choose a hash to check for a user who is not known, always the same for the same name.

        So an unknown name takes as long as one of those that are known, whatever their costs are.
        """
        return hashes[int.from_bytes(self._digest(user)) % len(hashes)]

    def _digest(self, *parts: bytes) -> bytes:
        digest = hashlib.blake2b(key=self._secret, digest_size=32)
        for part in parts:
            digest.update(len(part).to_bytes(8) + part)
        return digest.digest()


def _remember(key: bytes, among: set[bytes]) -> None:
    if len(among) >= REMEMBERED:
        among.discard(secrets.choice(tuple(among)))
    among.add(key)

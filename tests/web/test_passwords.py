"""Passwords: which are right, what is remembered, and that checking them stalls nothing."""

import asyncio
import base64
from collections.abc import Coroutine
from threading import Event
from typing import TypeVar

import bcrypt
import pytest
from pydantic import SecretStr

from exporter.web.access.passwords import (
    CACHE_SIZE,
    MAX_PENDING,
    MAX_PENDING_PER_ADDRESS,
    BusyError,
    Credentials,
    Passwords,
    read_credentials,
)

T = TypeVar("T")
PATIENCE = 20  # seconds
HERE, ELSEWHERE = "192.0.2.1", "192.0.2.2"


def run(work: Coroutine[object, object, T]) -> T:
    """Run to the end, and fail instead of hanging."""
    return asyncio.run(asyncio.wait_for(work, PATIENCE))


def hashed(password: bytes, cost: int = 4) -> SecretStr:
    """Hash a password, as cheaply as bcrypt can."""
    return SecretStr(bcrypt.hashpw(password, bcrypt.gensalt(cost)).decode())


def basic(text: bytes) -> bytes:
    """Write an Authorization header."""
    return b"Basic " + base64.b64encode(text)


class Desk:
    """Checks passwords without hashing them, keeps what it was asked, and may be told to wait.

    A hash is right for the password that it ends with.
    """

    def __init__(self, *, waiting: bool = False) -> None:
        self.asked: list[tuple[bytes, bytes]] = []
        self.let_go = Event()
        if not waiting:
            self.let_go.set()

    def matches(self, password: bytes, against: bytes) -> bool:
        """Compare a password with a hash."""
        self.asked.append((password, against))
        assert self.let_go.wait(PATIENCE)
        return against.endswith(b"/" + password)


def users(**passwords: str) -> dict[str, SecretStr]:
    """Give users with hashes that a desk understands."""
    return {name: SecretStr(f"hash/{password}") for name, password in passwords.items()}


def says(user: str, password: str) -> Credentials:
    """Give what a client says."""
    return Credentials(user.encode(), password.encode())


GOOD_PASSWORDS = {
    "plain": b"correct horse",
    "not ASCII": "Schlüssel 🔑".encode(),
    "colons": b":a:b:",
    "empty": b"",
    "a NUL": b"a\0b",
    "bytes that are no text": b"\xff\xfe",
    "72 bytes": b"x" * 72,
}


@pytest.mark.parametrize("password", GOOD_PASSWORDS.values(), ids=GOOD_PASSWORDS)
def test_right_and_wrong(password: bytes) -> None:
    """A password of any bytes opens the watcher that it was hashed for, and no other does."""
    known = {"alice": hashed(password)}

    async def work() -> tuple[bool, bool, bool]:
        passwords = Passwords()
        given = read_credentials(basic(b"alice:" + password))
        assert given is not None
        wrong = Credentials(b"alice", b"?" + password)
        stranger = Credentials(b"bob", password)
        return (
            await passwords.verify(known, given, HERE),
            await passwords.verify(known, wrong, HERE),
            await passwords.verify(known, stranger, HERE),
        )

    assert run(work()) == (True, False, False)


def test_a_nul_ends_no_password() -> None:
    """What follows a NUL counts."""
    known = {"alice": hashed(b"a\0b")}
    assert not run(Passwords().verify(known, Credentials(b"alice", b"a\0c"), HERE))


def test_a_password_longer_than_bcrypt_looks_at() -> None:
    """Of a password beyond 72 bytes, bcrypt looks at 72, as it does in htpasswd and in Go."""
    long = b"x" * 72 + b"and more"
    known = {"alice": hashed(long[:72])}
    assert run(Passwords().verify(known, Credentials(b"alice", long), HERE))


@pytest.mark.parametrize("prefix", ["$2a$", "$2b$", "$2y$"])
def test_every_name_of_the_hash(prefix: str) -> None:
    """The three names that bcrypt goes by are one and the same."""
    known = {"alice": SecretStr(prefix + hashed(b"secret").get_secret_value()[4:])}
    assert run(Passwords().verify(known, says("alice", "secret"), HERE))


def test_users_whose_names_are_not_ascii() -> None:
    """A user name is compared as UTF-8."""
    desk = Desk()
    assert run(Passwords(desk.matches).verify(users(jürgen="a"), says("jürgen", "a"), HERE))


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"Basic",
        b"Basic ",
        b"Basic !!!",
        b"Basic YWxpY2U6c2VjcmV",
        b"Basic YWxpY2U6\xff",
        b"Basic YWxp Y2U6c2VjcmV0",
        b"Basic " + base64.b64encode(b"alice"),
        b"Bearer " + base64.b64encode(b"alice:secret"),
        b"BasicYWxpY2U6c2VjcmV0",
        b'Digest username="alice"',
    ],
)
def test_headers_that_say_nothing(header: bytes) -> None:
    """Whatever is not a user name and a password in Base64 is as good as nothing."""
    assert read_credentials(header) is None


@pytest.mark.parametrize("scheme", [b"Basic ", b"basic ", b"BASIC ", b"Basic   "])
def test_headers_that_say_something(scheme: bytes) -> None:
    """The scheme may be written in any case; the first colon ends the name."""
    header = scheme + base64.b64encode(b"alice:a:b")
    assert read_credentials(header) == Credentials(b"alice", b"a:b")


def test_what_is_remembered() -> None:
    """A password is checked once, whether it is right or wrong."""
    desk = Desk()

    async def work() -> list[bool]:
        passwords = Passwords(desk.matches)
        given = [says("alice", "a"), says("alice", "b"), says("bob", "a")] * 2
        return [await passwords.verify(users(alice="a"), each, HERE) for each in given]

    assert run(work()) == [True, False, False] * 2
    assert len(desk.asked) == 3


def test_a_changed_hash_is_checked_anew() -> None:
    """A user whose password was changed no longer comes in with the old one."""
    desk = Desk()

    async def work() -> list[bool]:
        passwords = Passwords(desk.matches)
        return [
            await passwords.verify(users(alice=password), says("alice", "a"), HERE) for password in ("a", "b")
        ]

    assert run(work()) == [True, False]


def test_guesses_do_not_make_it_forget() -> None:
    """However many passwords are guessed, who was let in is not checked again, and little is kept."""
    desk = Desk()

    async def work() -> Passwords:
        passwords = Passwords(desk.matches)
        assert await passwords.verify(users(alice="a"), says("alice", "a"), HERE)
        for guess in range(5 * CACHE_SIZE):
            await passwords.verify(users(alice="a"), says("alice", f"guess {guess}"), ELSEWHERE)
        before = len(desk.asked)
        assert await passwords.verify(users(alice="a"), says("alice", "a"), HERE)
        assert len(desk.asked) == before
        return passwords

    passwords = run(work())
    assert len(passwords._rejected) == CACHE_SIZE


def test_what_is_remembered_of_one_is_not_of_another() -> None:
    """Name, hash and password are told apart, however their letters are shared out among them."""
    passwords = Passwords()
    assert passwords._digest(b"ab", b"c") != passwords._digest(b"a", b"bc")


def test_no_password_is_kept() -> None:
    """What is remembered holds neither a password nor a hash, nor does what a client says show it."""
    desk = Desk()

    async def work() -> str:
        passwords = Passwords(desk.matches)
        for password in ("open sesame", "let me in"):
            await passwords.verify(users(alice="open sesame"), says("alice", password), HERE)
        return f"{vars(passwords)} {says('alice', 'open sesame')!r}"

    kept = run(work())
    assert "sesame" not in kept
    assert "let me in" not in kept


def test_the_same_password_twice_at_once() -> None:
    """Requests that come together with the same password wait for one check, however many they are."""
    desk = Desk(waiting=True)

    async def work() -> list[bool]:
        passwords = Passwords(desk.matches)
        together = [
            asyncio.create_task(passwords.verify(users(alice="a"), says("alice", "a"), HERE))
            for _ in range(99)
        ]
        await asyncio.sleep(0)
        desk.let_go.set()
        return await asyncio.gather(*together)

    assert run(work()) == [True] * 99
    assert len(desk.asked) == 1


def test_who_leaves_takes_nobody_along() -> None:
    """When one of those who wait for a check goes away, the others still learn what it found."""
    desk = Desk(waiting=True)

    async def work() -> bool:
        passwords = Passwords(desk.matches)
        leaving, staying = (
            asyncio.create_task(passwords.verify(users(alice="a"), says("alice", "a"), HERE))
            for _ in range(2)
        )
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.sleep(0)
        desk.let_go.set()
        return await staying

    assert run(work())


def test_others_do_not_wait_for_a_check() -> None:
    """While a password is being checked, who was let in before comes in, and everything else goes on."""
    desk = Desk()

    async def work() -> bool:
        passwords = Passwords(desk.matches)
        await passwords.verify(users(alice="a"), says("alice", "a"), HERE)
        desk.let_go.clear()
        guess = asyncio.create_task(passwords.verify(users(alice="a"), says("alice", "guess"), ELSEWHERE))
        while len(desk.asked) < 2:
            await asyncio.sleep(0.001)
        let_in = await passwords.verify(users(alice="a"), says("alice", "a"), HERE)
        assert not guess.done()
        desk.let_go.set()
        await guess
        return let_in

    assert run(work())


def test_one_check_at_a_time() -> None:
    """Passwords are checked one after another: guessing takes one core, not all."""
    desk = Desk(waiting=True)

    async def work() -> int:
        passwords = Passwords(desk.matches)
        guesses = [
            asyncio.create_task(
                passwords.verify(users(alice="a"), says("alice", str(guess)), f"192.0.2.{guess}")
            )
            for guess in range(3)
        ]
        while not desk.asked:
            await asyncio.sleep(0.001)
        begun = len(desk.asked)
        desk.let_go.set()
        await asyncio.gather(*guesses)
        return begun

    assert run(work()) == 1


async def turned_away(passwords: Passwords, guesses: list[tuple[str, str]]) -> list[str]:
    """Let clients guess at once; returns the addresses of those that were turned away for the tracker."""
    tasks = [
        asyncio.create_task(passwords.verify(users(alice="a"), says("alice", password), address))
        for password, address in guesses
    ]
    await asyncio.sleep(0)
    return [
        address
        for (_, address), task in zip(guesses, tasks, strict=True)
        if task.done() and isinstance(task.exception(), BusyError)
    ]


def test_many_guesses_from_one_address() -> None:
    """Whoever guesses much at once is turned away, and keeps nobody else from being checked."""
    desk = Desk(waiting=True)

    async def work() -> tuple[list[str], bool]:
        passwords = Passwords(desk.matches)
        away = await turned_away(
            passwords, [(f"guess {n}", ELSEWHERE) for n in range(MAX_PENDING_PER_ADDRESS + 3)]
        )
        honest = asyncio.create_task(passwords.verify(users(alice="a"), says("alice", "a"), HERE))
        await asyncio.sleep(0)
        desk.let_go.set()
        return away, await honest

    assert run(work()) == ([ELSEWHERE] * 3, True)


def test_many_guesses_from_everywhere() -> None:
    """No more than a few passwords wait for their check, and there is room again when they are done."""
    desk = Desk(waiting=True)

    async def work() -> tuple[int, bool]:
        passwords = Passwords(desk.matches)
        away = await turned_away(passwords, [("guess", f"198.51.100.{n}") for n in range(9)])
        away += await turned_away(
            passwords, [(f"guess {n}", f"203.0.113.{n}") for n in range(MAX_PENDING + 5)]
        )
        desk.let_go.set()
        while passwords._pending:
            await asyncio.sleep(0.001)
        return len(away), await passwords.verify(users(alice="a"), says("alice", "a"), HERE)

    assert run(work()) == (6, True)


def test_a_stranger_takes_as_long_as_a_user() -> None:
    """For an unknown name a user's own hash is checked, always the same, so that time tells nothing."""
    desk = Desk()
    known = {name: SecretStr(f"{cost}/{name}") for name, cost in (("alice", 4), ("bob", 12), ("carol", 10))}

    async def work() -> None:
        passwords = Passwords(desk.matches)
        for stranger in map(str, range(40)):
            for password in "ab":
                await passwords.verify(known, says(stranger, password), HERE)

    run(work())
    against = [hash_ for _, hash_ in desk.asked]
    assert len(against) == 80
    assert set(against) == {b"4/alice", b"12/bob", b"10/carol"}
    assert against[::2] == against[1::2]


def test_a_stranger_never_comes_in() -> None:
    """An unknown name is wrong even with the very password whose hash is checked in its place."""
    desk = Desk()
    assert not run(Passwords(desk.matches).verify(users(alice="a"), says("mallory", "a"), HERE))
    assert desk.asked == [(b"a", b"hash/a")]

"""The middleware: what gets through to the application, what it answers itself, and with which headers."""

import asyncio
import base64
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import bcrypt
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Scope

from exporter.config import SETTLE_TIME
from exporter.web.access.middleware import CHALLENGE, AccessMiddleware
from exporter.web.access.passwords import MAX_PENDING_PER_ADDRESS, Passwords
from exporter.web.access.web_config_watcher import WebConfigWatcher

PATIENCE = 20  # seconds
HASH = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
USERS = f"basic_auth_users: {{alice: {HASH}}}\n"
SECURE = """
http_server_config:
  headers: {X-Frame-Options: deny, Strict-Transport-Security: max-age=1, Content-Security-Policy: none}
"""
NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Answer:
    """An answer, its headers by name in lower case."""

    status: int
    headers: Mapping[str, list[str]]
    text: str


class Clock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


class BrokenPathError(Exception):
    """What a path raises that is broken; Starlette answers, and raises it again."""


def site() -> ASGIApp:
    """Make an application with one path that has a header of its own, and one that fails."""

    async def page(request: Request) -> Response:
        return PlainTextResponse(
            f"hello {request.url.path}", headers={"Content-Security-Policy": "own", "A": "b"}
        )

    async def broken(_: Request) -> Response:
        raise BrokenPathError

    return Starlette(routes=[Route("/", page), Route("/-/healthy", page), Route("/broken", broken)])


class Visitor:
    """Asks a guarded application, as clients do over HTTP."""

    def __init__(self, folder: Path, text: str, passwords: Passwords | None = None) -> None:
        self.file = folder / "web.yml"
        self.clock = Clock()
        self.file.write_text(text)
        self.watcher = WebConfigWatcher(str(self.file), lambda: self.file.stat().st_mtime + 2 * SETTLE_TIME)
        self.middleware = AccessMiddleware(site(), self.watcher, passwords=passwords, clock=self.clock)

    def ask(self, path: str = "/", headers: Mapping[str, str] = NOTHING) -> Answer:
        """Ask for a path, when the watcher has seen its file as it is."""
        self.watcher.check()
        return asyncio.run(asyncio.wait_for(self.asked(path, headers), PATIENCE))

    def told(self, authorization: str) -> Answer:
        """Ask with an Authorization header."""
        return self.ask(headers={"Authorization": authorization})

    async def asked(self, path: str, headers: Mapping[str, str] = NOTHING) -> Answer:
        """Ask for a path, beside others."""
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "query_string": b"",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": ("192.0.2.1", 12345),
        }
        with suppress(BrokenPathError):
            await self.middleware(scope, receive, send)
        return _answer(sent)


def _answer(sent: list[Message]) -> Answer:
    start, *bodies = sent
    headers: dict[str, list[str]] = {}
    for name, value in start["headers"]:
        headers.setdefault(name.decode().lower(), []).append(value.decode())
    return Answer(start["status"], headers, b"".join(body.get("body", b"") for body in bodies).decode())


def basic(user: str, password: str) -> str:
    """Write an Authorization header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_everybody_comes_in_without_users(tmp_path: Path) -> None:
    """Without basic_auth_users nobody is asked who they are."""
    answer = Visitor(tmp_path, "").ask()
    assert (answer.status, answer.text) == (200, "hello /")


def test_the_right_password(tmp_path: Path) -> None:
    """A user with the right password comes in."""
    assert Visitor(tmp_path, USERS).told(basic("alice", "secret")).text == "hello /"


@pytest.mark.parametrize(
    "authorization",
    [basic("alice", "wrong"), basic("bob", "secret"), basic("", ""), "Basic ???", "Bearer secret", ""],
)
def test_others_are_asked_who_they_are(tmp_path: Path, authorization: str) -> None:
    """A wrong password, an unknown user and a header that says neither are all answered alike, with 401."""
    answer = Visitor(tmp_path, USERS).told(authorization)
    assert (answer.status, answer.text) == (
        401,
        "Unauthorized: the user name or password is missing or wrong.\n",
    )
    assert answer.headers["www-authenticate"] == [CHALLENGE]


@pytest.mark.parametrize("path", ["/", "/-/healthy", "/broken", "/none"])
def test_every_path_is_guarded(tmp_path: Path, path: str) -> None:
    """No path is open to strangers, not even to learn that there is none."""
    assert Visitor(tmp_path, USERS).ask(path).status == 401


def test_a_user_who_is_added(tmp_path: Path) -> None:
    """A request is judged by the file as it is now, whatever was found before."""
    visitor = Visitor(tmp_path, USERS)
    assert visitor.told(basic("bob", "secret")).status == 401
    visitor.file.write_text(USERS.replace("alice", "bob"))
    assert visitor.told(basic("bob", "secret")).status == 200


def test_headers_of_every_answer(tmp_path: Path) -> None:
    """The configured headers are on every answer, in place of the application's own of the same name."""
    visitor = Visitor(tmp_path, USERS + SECURE + "rate_limit: {interval: 1h, burst: 4}\n")
    allowed = {"Authorization": basic("alice", "secret")}
    answers = [
        visitor.ask("/", allowed),
        visitor.ask("/none", allowed),
        visitor.ask("/broken", allowed),
        visitor.ask(),
        visitor.ask(),
    ]
    assert [answer.status for answer in answers] == [200, 404, 500, 401, 429]
    for answer in answers:
        assert answer.headers["x-frame-options"] == ["deny"]
        assert answer.headers["strict-transport-security"] == ["max-age=1"]
        assert answer.headers["content-security-policy"] == ["none"]
    assert answers[0].headers["a"] == ["b"]


def test_no_headers_are_added_unasked(tmp_path: Path) -> None:
    """Without configured headers the application's own stay as they are."""
    answer = Visitor(tmp_path, "").ask()
    assert answer.headers["content-security-policy"] == ["own"]
    assert "x-frame-options" not in answer.headers


def test_the_rate_limit(tmp_path: Path) -> None:
    """A burst gets through at once, then one request in each interval; the rest is told to come later."""
    visitor = Visitor(tmp_path, "rate_limit: {interval: 2s, burst: 3}\n")
    assert [visitor.ask().status for _ in range(5)] == [200, 200, 200, 429, 429]
    assert visitor.ask().headers["retry-after"] == ["2"]
    visitor.clock.now += 1.9
    assert visitor.ask().status == 429
    visitor.clock.now += 0.2
    assert [visitor.ask().status for _ in range(2)] == [200, 429]
    visitor.clock.now += 3600
    assert [visitor.ask().status for _ in range(4)] == [200, 200, 200, 429]


def test_the_rate_limit_comes_before_the_password(tmp_path: Path) -> None:
    """Strangers use the limit up too, as they do with exporter-toolkit: it guards against guessing."""
    visitor = Visitor(tmp_path, USERS + "rate_limit: {interval: 1h, burst: 1}\n")
    assert visitor.ask().status == 401
    assert visitor.told(basic("alice", "secret")).status == 429


def test_a_limit_that_changes(tmp_path: Path) -> None:
    """Another limit in the file begins with a full burst; without one there is no limit any longer."""
    visitor = Visitor(tmp_path, "rate_limit: {interval: 1h, burst: 1}\n" + SECURE)
    assert [visitor.ask().status for _ in range(2)] == [200, 429]
    visitor.file.write_text("rate_limit: {interval: 1h, burst: 2}\n" + SECURE)
    assert [visitor.ask().status for _ in range(3)] == [200, 200, 429]
    visitor.file.write_text(SECURE)
    assert [visitor.ask().status for _ in range(3)] == [200, 200, 200]


def test_a_change_elsewhere_leaves_the_limit(tmp_path: Path) -> None:
    """A limit that is used up stays so when something else in the file changes."""
    visitor = Visitor(tmp_path, "rate_limit: {interval: 1h, burst: 1}\n")
    assert visitor.ask().status == 200
    visitor.file.write_text("rate_limit: {interval: 1h, burst: 1}\n" + SECURE)
    answer = visitor.ask()
    assert (answer.status, answer.headers["x-frame-options"]) == (429, ["deny"])


def test_a_crowd_of_guesses(tmp_path: Path) -> None:
    """Who guesses faster than passwords can be checked is told to come later, not kept waiting."""

    async def tracker(visitor: Visitor) -> list[int]:
        guesses = (
            visitor.asked("/", {"Authorization": basic("alice", f"guess {n}")})
            for n in range(MAX_PENDING_PER_ADDRESS + 2)
        )
        return sorted(answer.status for answer in await asyncio.gather(*guesses))

    visitor = Visitor(tmp_path, USERS)
    assert (
        asyncio.run(asyncio.wait_for(tracker(visitor), PATIENCE))
        == [401] * MAX_PENDING_PER_ADDRESS + [503] * 2
    )


def test_what_is_not_a_request_passes(tmp_path: Path) -> None:
    """The application hears of its own start and end, which no client brings about."""
    seen: list[str] = []

    async def app(scope: Scope, *_: object) -> None:
        seen.append(scope["type"])

    async def nothing(*_: object) -> Message:
        raise AssertionError

    visitor = Visitor(tmp_path, USERS)
    middleware = AccessMiddleware(app, WebConfigWatcher(str(visitor.file)))
    asyncio.run(middleware({"type": "lifespan"}, nothing, nothing))  # type: ignore[arg-type] # never called
    assert seen == ["lifespan"]

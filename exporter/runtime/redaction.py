"""What must not leave the process, and how text is made fit to be shown.

Whatever writes text for people or other programs (log, status page, `/config`, doctor, labels, messages of
commands) passes it through one `Secrets`.
"""

import json
import threading
from base64 import b64encode, urlsafe_b64encode
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from html import escape
from itertools import count
from unicodedata import category
from urllib.parse import quote, quote_plus, unquote
from weakref import finalize

MASK = "***"
SHORTEST = 8  # characters; a shorter value may be an ordinary word and is masked only in quotes
SHORTEST_WITH_PUNCTUATION = 4  # characters; no ordinary word, but shorter ones may be anything

_HEAD = 3  # characters by which the place of a secret is found
_UNUSED = 100  # owners who are gone and whose values are kept: somebody may still tell of them
_GENERATIONS = 4  # of one owner's values that are kept: credentials renew themselves for ever


class Secrets:
    """The secret values that are known, and the masking of them. May be used from several threads.

    A text is looked through once, however many values there are.

    Args:
        values: secret for as long as the process lives.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._kept: dict[str, tuple[tuple[tuple[str, ...], frozenset[str]], ...]] = {}
        self._uses: Counter[str] = Counter()
        self._by_head: dict[str, tuple[str, ...]] = {}  # the longest first
        self._lock = threading.Lock()
        self._numbers = count()
        self._unused: deque[str] = deque()
        self.keep("", *values)

    def keep(self, owner: str, *values: str, shown: str = "") -> None:
        """Take note of secret values.

        Args:
            owner: who uses them; only the last few different sets of values of one owner are remembered.
            values: also their URL-encoded, JSON-escaped, base64 and stripped forms are masked.
            shown: text that is shown in any case. A value that stands in it is masked only in quotes.
        """
        if any(values == known for known, _ in self._kept.get(owner, ())):
            return
        forms = frozenset(form for value in values for form in _forms(value, shown))
        with self._lock:
            *old, new = (*self._kept.get(owner, ()), (values, forms))
            gone, old = old[: 1 - _GENERATIONS], old[1 - _GENERATIONS :]
            self._kept[owner] = (*old, new)
            self._add(forms)
            while len(self._unused) > _UNUSED:
                gone += self._kept.pop(self._unused.popleft())
            for _, of_gone in gone:
                self._remove(of_gone)

    def keep_while_used(self, user: object, *values: str) -> None:
        """Take note of secret values for as long as an object lives that uses them, and a while longer."""
        owner = f"user {next(self._numbers)}"
        self.keep(owner, *values)
        finalize(user, self._unused.append, owner)  # must not wait for the lock: this thread may hold it

    def mask(self, text: str) -> str:
        """Replace each secret value, also one that is cut off where the text ends."""
        by_head = self._by_head
        found = [at for at in range(len(text) - _HEAD + 1) if text[at : at + _HEAD] in by_head]
        parts, done = [], 0
        for at in found:
            if at >= done and (length := self._length_at(text, at)):
                parts += [text[done:at], MASK]
                done = at + length
        return "".join(parts) + text[done:] if parts else text

    def clean(self, text: str) -> str:
        """Mask secret values, and escape what is not printable."""
        return printable(self.mask(text))

    def _length_at(self, text: str, at: int) -> int:
        for form in self._by_head.get(text[at : at + _HEAD], ()):
            if text.startswith(form, at):
                return len(form)
            if len(text) - at < len(form) and _is_cut_off(text[at:], form):
                return len(text) - at
        return 0

    def _add(self, forms: Iterable[str]) -> None:
        for form in forms:
            self._uses[form] += 1
            if self._uses[form] == 1:
                same = (*self._by_head.get(form[:_HEAD], ()), form)
                self._by_head[form[:_HEAD]] = tuple(sorted(same, key=len, reverse=True))

    def _remove(self, forms: Iterable[str]) -> None:
        for form in forms:
            self._uses[form] -= 1
            if not self._uses[form]:
                del self._uses[form]
                others = tuple(other for other in self._by_head.pop(form[:_HEAD]) if other != form)
                if others:
                    self._by_head[form[:_HEAD]] = others


def user_info(url: str) -> Iterator[str]:
    """Give what is secret in a URL with user and password, also where a password has a `/` in it."""
    before, at, _ = url.partition("://")[2].rpartition("@") if "://" in url else url.rpartition("@")
    if at:
        password = before.partition(":")[2]
        yield from {before, unquote(before), password, unquote(password)}
        yield f"//{before}@"


def printable(text: str) -> str:
    """Escape control characters, line separators and those that change the direction of text."""
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() or category(one) == "Zs" else one.encode("unicode_escape").decode()
        for one in text
    )


def clipped(text: str, most: int) -> str:
    """Give a text of at most so many characters; one that was cut ends in an ellipsis."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _forms(value: str, shown: str) -> Iterator[str]:
    """Give the ways in which a value may be written."""
    for text in {value, value.strip(), " ".join(value.split())}:
        if not text:
            continue
        if _may_be_a_word(text) or text in shown:
            yield from (f"'{text}'", f'"{text}"', f'\\"{text}\\"')
            continue
        raw = text.encode("utf-8", "surrogateescape")
        quoted = {quote(raw, safe=""), quote(raw), quote_plus(raw)}
        yield from {
            text,
            json.dumps(text)[1:-1],
            json.dumps(text, ensure_ascii=False)[1:-1],
            repr(text)[1:-1],
            repr(raw)[2:-1],
            printable(text),
            escape(text),
            *quoted,
            *(_lower_hex(one) for one in quoted),
            b64encode(raw).decode().rstrip("="),
            urlsafe_b64encode(raw).decode().rstrip("="),
        }


def _may_be_a_word(text: str) -> bool:
    return len(text) < (SHORTEST if text.isalnum() else SHORTEST_WITH_PUNCTUATION)


def _lower_hex(quoted: str) -> str:
    first, *others = quoted.split("%")
    return "%".join([first, *(other[:2].lower() + other[2:] for other in others)])


def _is_cut_off(end: str, form: str) -> bool:
    rest = end.rstrip("….")
    return len(rest) >= SHORTEST and form.startswith(rest)

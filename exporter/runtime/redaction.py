"""Masks secrets in text, and escapes characters that cannot be printed.

All text that leaves the process (log, status page, `/config`, doctor, labels, error messages) passes through
one `Secrets` object.
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
MIN_LENGTH = 8  # characters; a shorter value may be an ordinary word and is masked only in quotes
MIN_LENGTH_WITH_PUNCTUATION = 4  # characters; the minimum for a value that is not only letters and digits

_PREFIX_LENGTH = 3  # characters by which the text is searched for secrets
_MAX_UNUSED = 100  # deleted users whose values are kept, because pending messages may still contain them
_MAX_GENERATIONS = 4  # sets of values kept for each owner; credentials are renewed forever


class Secrets:
    """Knows the secret values and masks them in text. Thread-safe.

    A text is scanned once, however many values there are.

    Args:
        values: secret values to mask for the lifetime of the process.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._kept: dict[str, tuple[tuple[tuple[str, ...], frozenset[str]], ...]] = {}
        self._uses: Counter[str] = Counter()
        self._by_prefix: dict[str, tuple[str, ...]] = {}  # the longest first
        self._lock = threading.Lock()
        self._numbers = count()
        self._unused: deque[str] = deque()
        self.keep("", *values)

    def keep(self, owner: str, *values: str, shown: str = "") -> None:
        """Register secret values.

        Args:
            owner: the user of the values; only the last few sets of values of each owner are kept.
            values: the values; their URL-encoded, JSON-escaped, base64 and stripped forms are masked too.
            shown: text that is public anyway. A value that occurs in it is masked only in quotes.
        """
        if any(values == known for known, _ in self._kept.get(owner, ())):
            return
        forms = frozenset(form for value in values for form in _forms(value, shown))
        with self._lock:
            *old, new = (*self._kept.get(owner, ()), (values, forms))
            expired, old = old[: 1 - _MAX_GENERATIONS], old[1 - _MAX_GENERATIONS :]
            self._kept[owner] = (*old, new)
            self._add(forms)
            while len(self._unused) > _MAX_UNUSED:
                expired += self._kept.pop(self._unused.popleft())
            for _, expired_forms in expired:
                self._remove(expired_forms)

    def keep_while_used(self, user: object, *values: str) -> None:
        """Register secret values for the lifetime of an object that uses them, and some time after."""
        owner = f"user {next(self._numbers)}"
        self.keep(owner, *values)
        finalize(user, self._unused.append, owner)  # must not acquire the lock: this thread may hold it

    def mask(self, text: str) -> str:
        """Replace each secret value, also one that is truncated at the end of the text."""
        by_prefix = self._by_prefix
        found = [
            at for at in range(len(text) - _PREFIX_LENGTH + 1) if text[at : at + _PREFIX_LENGTH] in by_prefix
        ]
        parts, done = [], 0
        for at in found:
            if at >= done and (length := self._length_at(text, at)):
                parts += [text[done:at], MASK]
                done = at + length
        return "".join(parts) + text[done:] if parts else text

    def clean(self, text: str) -> str:
        """Mask secret values and escape characters that cannot be printed."""
        return printable(self.mask(text))

    def _length_at(self, text: str, at: int) -> int:
        for form in self._by_prefix.get(text[at : at + _PREFIX_LENGTH], ()):
            if text.startswith(form, at):
                return len(form)
            if len(text) - at < len(form) and _is_truncated(text[at:], form):
                return len(text) - at
        return 0

    def _add(self, forms: Iterable[str]) -> None:
        for form in forms:
            self._uses[form] += 1
            if self._uses[form] == 1:
                same = (*self._by_prefix.get(form[:_PREFIX_LENGTH], ()), form)
                self._by_prefix[form[:_PREFIX_LENGTH]] = tuple(sorted(same, key=len, reverse=True))

    def _remove(self, forms: Iterable[str]) -> None:
        for form in forms:
            self._uses[form] -= 1
            if not self._uses[form]:
                del self._uses[form]
                others = tuple(other for other in self._by_prefix.pop(form[:_PREFIX_LENGTH]) if other != form)
                if others:
                    self._by_prefix[form[:_PREFIX_LENGTH]] = others


def user_info(url: str) -> Iterator[str]:
    """Yield the secret parts of a URL with user and password, also when the password contains a `/`."""
    before, at, _ = url.partition("://")[2].rpartition("@") if "://" in url else url.rpartition("@")
    if at:
        password = before.partition(":")[2]
        yield from {before, unquote(before), password, unquote(password)}
        yield f"//{before}@"


def printable(text: str) -> str:
    """Escape control characters, line separators and characters that change the text direction."""
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() or category(one) == "Zs" else one.encode("unicode_escape").decode()
        for one in text
    )


def clipped(text: str, most: int) -> str:
    """Truncate text to at most `most` characters, ending in an ellipsis."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _forms(value: str, shown: str) -> Iterator[str]:
    """Yield the forms in which a value may occur in text."""
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
    return len(text) < (MIN_LENGTH if text.isalnum() else MIN_LENGTH_WITH_PUNCTUATION)


def _lower_hex(quoted: str) -> str:
    first, *others = quoted.split("%")
    return "%".join([first, *(other[:2].lower() + other[2:] for other in others)])


def _is_truncated(end: str, form: str) -> bool:
    rest = end.rstrip("….")
    return len(rest) >= MIN_LENGTH and form.startswith(rest)

"""ARNs and patterns of ARNs, compiled so that many resources can be compared with them."""

import re
from collections.abc import Iterable

from exporter.model.resource_types import ARN_FORMS, RESOURCE_TYPES, ArnForm

_PARTITIONS = ("aws", "aws-cn", "aws-us-gov")
_ANY = "\0"  # only a wildcard matches it: no ARN contains it


def compile_wildcards(patterns: Iterable[str]) -> re.Pattern[str]:
    """Compile patterns, in which `*` stands for any number of characters, for `fullmatch`: any may match.

    Each piece between wildcards is matched at its first place and never again at a later one, which is
    enough, and keeps a pattern with many wildcards from taking exponential time.
    """
    return re.compile("|".join(map(_translate, patterns)), re.DOTALL)


def _translate(pattern: str) -> str:
    first, *rest = map(re.escape, pattern.split("*"))
    if not rest:
        return first
    *middle, last = rest
    return first + "".join(f"(?>.*?{piece})" for piece in middle if piece) + f".*{last}"


class ArnPatterns:
    """A set of ARNs and patterns.

    Args:
        patterns: `*` stands for any number of characters.
    """

    __slots__ = ("_arns", "_wildcards")

    def __init__(self, patterns: Iterable[str]) -> None:
        distinct = dict.fromkeys(patterns)
        wildcards = [pattern for pattern in distinct if "*" in pattern]
        self._arns = frozenset(distinct).difference(wildcards)
        self._wildcards = compile_wildcards(wildcards) if wildcards else None

    def match(self, arn: str) -> bool:
        """Return whether an ARN equals or matches one of the patterns."""
        return arn in self._arns or (
            self._wildcards is not None and self._wildcards.fullmatch(arn) is not None
        )

    def whole_types(self) -> frozenset[str]:
        """Return the resource types of which every ARN in one of the AWS partitions matches."""
        lacking = {form.resource_type for form in ARN_FORMS if not any(map(self.match, _any_arn(form)))}
        return frozenset(RESOURCE_TYPES) - lacking


def _any_arn(form: ArnForm) -> Iterable[str]:
    place = f"{_ANY}:{_ANY}" if form.prefix else ":"
    resource = f"{form.prefix}{_ANY}" + (f"{form.infix}{_ANY}" if form.infix else "")
    return (f"arn:{partition}:{form.service}:{place}:{resource}" for partition in _PARTITIONS)

"""Looks up the schema at a path of the configuration, from the records that define it."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from exporter.config.base import Record
from exporter.config.errors import Path


def record_at(root: type[Record], path: Path) -> type[Record] | None:
    """Return the record type at the path, or that of the items of the list there."""
    for kind in _at(root, path):
        for inner in (kind, *_within(kind, 0)):
            if _is_record(inner):
                return inner  # type: ignore[no-any-return] # checked by _is_record
    return None


def field_at(root: type[Record], path: Path) -> FieldInfo | None:
    """Return the field at the path; None for an item, an entry or an unknown key."""
    record = record_at(root, path[:-1]) if path else None
    return record.model_fields.get(str(path[-1])) if record else None


def names_at(root: type[Record], path: Path) -> tuple[str, ...]:
    """Return the allowed names at the path; empty if it is not an enumeration."""
    return tuple(name for kind in _at(root, path) if get_origin(kind) is Literal for name in get_args(kind))


def secret_at(root: type[Record], path: Path) -> bool:
    """Return whether the value at the path, or a field above it, may be a secret."""
    fields = (field_at(root, path[:end]) for end in range(len(path), 0, -1))
    nearest = next((field for field in fields if field), None)
    return nearest is not None and _holds_secret(nearest.annotation)


def example_at(root: type[Record], path: Path) -> str:
    """Return an example value for the path as YAML; empty if there is none."""
    if field := field_at(root, path):
        return str(field.examples[0]) if field.examples else ""
    if record := record_at(root, path):
        name, first = next(iter(record.model_fields.items()))
        return f"{name}: {first.examples[0]}" if first.examples else ""
    return ""


def _at(root: type[Record], path: Path) -> list[Any]:
    """Return the types allowed at the path."""
    kinds: list[Any] = [root]
    for part in path:
        kinds = [inner for kind in kinds for inner in _within(kind, part)]
    return kinds


def _within(kind: Any, part: str | int) -> Iterator[Any]:
    """Yield the types allowed at one key or index of a value of this type."""
    if _is_record(kind):
        field = kind.model_fields.get(part)
        yield from _choices(field.annotation) if field else ()
    elif get_origin(kind) is tuple and isinstance(part, int):
        yield from _choices(get_args(kind)[0])
    elif get_origin(kind) is Mapping and isinstance(part, str):
        yield from _choices(get_args(kind)[1])


def _choices(annotation: Any) -> Iterator[Any]:
    """Yield the types that an annotation allows: the members of a union, without `Annotated`."""
    if hasattr(annotation, "__metadata__"):
        yield from _choices(annotation.__origin__)
    elif isinstance(annotation, type) or get_origin(annotation) in (tuple, Mapping, Literal):
        yield annotation
    else:
        for member in get_args(annotation):
            yield from _choices(member)


def _holds_secret(annotation: Any) -> bool:
    return annotation is SecretStr or any(map(_holds_secret, get_args(annotation)))


def _is_record(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Record)

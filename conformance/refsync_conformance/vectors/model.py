"""A vector, and the groups that vectors come in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from refsync.wire.cursor import Cursor
from refsync.wire.errors import NeedMoreData, ProtocolError


@dataclass(frozen=True, slots=True)
class Vector:
    """``value`` is JSON: numbers, strings (bytes as hex where the group says so), lists, objects.

    ``result`` is ``valid``, ``invalid`` (must be refused) or ``short`` (more bytes are needed).
    """

    data: bytes
    value: Any = None
    result: str = "valid"
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Vectors of one codec in one context: what both ends agreed on before."""

    name: str
    clause: str
    title: str
    vectors: tuple[Vector, ...]
    context: Mapping[str, Any] = field(default_factory=dict)


def encoded(encode: Callable[[Any], bytes], values: Iterator[Any] | list[Any]) -> tuple[Vector, ...]:
    """A valid vector for each value."""
    return tuple(Vector(encode(value), value) for value in values)


def refused(decode: Callable[[Cursor], Any], inputs: Mapping[str, bytes]) -> tuple[Vector, ...]:
    """A vector for each input that is wrong or too short; which of both, the codec tells."""
    found = []
    for comment, data in inputs.items():
        try:
            value = decode(Cursor(data))
        except NeedMoreData:
            found.append(Vector(data, result="short", comment=comment))
        except ProtocolError as error:
            found.append(Vector(data, result="invalid", comment=f"{comment}: {error.message}"))
        else:
            raise ValueError(f"{comment}: {data.hex()} was taken, as {value!r}")
    return tuple(found)

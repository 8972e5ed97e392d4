"""The names that only a type checker needs, without the time that ``typing`` takes.

``typing`` brings ``re`` and ``contextlib`` along: with them it is a tenth of
the time from the shell to the first byte, and nothing of it is used as the
program runs. A type checker reads the first branch, Python the second.
"""

from __future__ import annotations

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import (
        Any,
        BinaryIO,
        NoReturn,
        ParamSpec,
        Protocol,
        TypeVar,
        cast,
        dataclass_transform,
        overload,
    )
else:
    Any = BinaryIO = NoReturn = object

    class Protocol:
        """What a class has to offer, for the type checker to see to."""

        __slots__ = ()

    def TypeVar(name, **bounds):
        """Stands for a type in annotations, which are never evaluated."""
        return name

    ParamSpec = TypeVar

    def cast(kind, value):
        return value

    def dataclass_transform(**told):
        return lambda function: function

    def overload(function):
        return function


__all__ = [
    "TYPE_CHECKING",
    "Any",
    "BinaryIO",
    "NoReturn",
    "ParamSpec",
    "Protocol",
    "TypeVar",
    "cast",
    "dataclass_transform",
    "overload",
]

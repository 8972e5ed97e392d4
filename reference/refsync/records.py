"""Records as ``dataclasses`` makes them, but made when they are first needed.

The modules of a transfer have some fifty kinds of records, and one small file
needs few of them. ``dataclasses`` writes and compiles the methods of each at
import, and brings ``inspect`` along: together a third of the time from the
shell to the first byte. Here a class gets its slots at once and its
``__init__`` at the first call; the other methods are the same for all.

What is here means what it means in ``dataclasses``; nothing else is offered.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter

from .typed import Any, TypeVar, cast, dataclass_transform, overload

T = TypeVar("T")

_MISSING: Any = object()
_put = object.__setattr__
#: Records of a class that are made slowly before its own ``__init__`` is written and compiled.
PLAIN_CALLS = 8


class Field:
    """What a class says of one attribute besides its type."""

    __slots__ = ("default", "default_factory", "init")

    def __init__(self, default: Any, default_factory: Callable[[], Any] | None, init: bool) -> None:
        self.default = default
        self.default_factory = default_factory
        self.init = init


@overload
def field(*, default: T, init: bool = True) -> T: ...
@overload
def field(*, default_factory: Callable[[], T], init: bool = True) -> T: ...
@overload
def field(*, init: bool = True) -> Any: ...
def field(
    *, default: Any = _MISSING, default_factory: Callable[[], Any] | None = None, init: bool = True
) -> Any:
    """An attribute with a default made for each record, or one that is no argument (``init=False``)."""
    return Field(default, default_factory, init)


@dataclass_transform(field_specifiers=(field,))
def dataclass(*, slots: bool = True, frozen: bool = False) -> Callable[[type[T]], type[T]]:
    """Make a class of annotated attributes a record. ``slots`` is always on, and named as a reminder."""
    if not slots:
        raise TypeError("a record has slots")

    def make(cls: type[T]) -> type[T]:
        body = dict(cls.__dict__)
        told = {name: body.pop(name, _MISSING) for name in body.get("__annotations__", {})}
        fields = {
            name: what if isinstance(what, Field) else Field(what, None, True) for name, what in told.items()
        }
        for name in ("__dict__", "__weakref__"):
            body.pop(name, None)
        get = attrgetter(*fields) if fields else lambda record: ()
        body |= {
            "__slots__": tuple(fields),
            "__record_fields__": fields,
            "__match_args__": tuple(name for name, what in fields.items() if what.init),
            "__eq__": body.get("__eq__", _equal(get)),
            "__repr__": body.get("__repr__", _shown),
            "__hash__": body.get("__hash__") or (_hashed(get) if frozen else None),
            "__reduce__": _reduced,
        }
        if frozen:
            body |= {"__setattr__": _refuse, "__delattr__": _refuse}
        metaclass: Any = type(cls)
        made = metaclass(cls.__name__, cls.__bases__, body)
        made.__qualname__ = cls.__qualname__

        _start_plainly(made, fields, frozen)
        return cast("type[T]", made)

    return make


def _start_plainly(cls: Any, fields: dict[str, Field], frozen: bool) -> None:
    """Give a class an ``__init__`` that costs nothing to make, until a better one is worth its time."""
    order = tuple(name for name, what in fields.items() if what.init)
    post: Callable[[Any], None] | None = getattr(cls, "__post_init__", None)
    left = PLAIN_CALLS

    def __init__(self: Any, *values: Any, **named: Any) -> None:
        nonlocal left
        left -= 1
        given = dict(zip(order, values, strict=False)) | named
        fits = len(given) == len(values) + len(named) and given.keys() <= set(order)
        for name, what in fields.items():
            if name in given:
                value = given[name]
            elif what.default_factory is not None:
                value = what.default_factory()
            elif what.default is not _MISSING:
                value = what.default
            else:
                fits &= not what.init
                continue
            _put(self, name, value)
        if not fits or not left:
            cls.__init__ = _write_init(cls, fields, frozen)
            cls.__init__(self, *values, **named)  # which says what is wrong with these
        elif post is not None:
            post(self)

    cls.__init__ = __init__


def _write_init(cls: type, fields: dict[str, Field], frozen: bool) -> Callable[..., None]:
    """The ``__init__`` of a record, as one would write it by hand."""
    known: dict[str, Any] = {"_missing": _MISSING, "_set": _put}
    arguments, lines = ["self"], []
    for name, what in fields.items():
        value = name
        if not what.init:
            value = f"_make_{name}()" if what.default_factory else f"_default_{name}"
        elif what.default_factory:
            arguments.append(f"{name}=_missing")
            value = f"_make_{name}() if {name} is _missing else {name}"
        else:
            arguments.append(name if what.default is _MISSING else f"{name}=_default_{name}")
        known |= {f"_make_{name}": what.default_factory, f"_default_{name}": what.default}
        if what.init or what.default_factory or what.default is not _MISSING:
            lines.append(f"_set(self, {name!r}, {value})" if frozen else f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    body = "".join(f"\n    {line}" for line in lines or ["pass"])
    exec(f"def __init__({', '.join(arguments)}):{body}\n", known)
    written: Callable[..., None] = known["__init__"]
    written.__qualname__ = f"{cls.__qualname__}.__init__"
    return written


def _equal(get: Callable[[Any], Any]) -> Callable[[Any, object], Any]:
    def __eq__(self: Any, other: object) -> Any:
        return get(self) == get(other) if other.__class__ is self.__class__ else NotImplemented

    return __eq__


def _hashed(get: Callable[[Any], Any]) -> Callable[[Any], int]:
    return lambda self: hash(get(self))


def _shown(self: Any) -> str:
    told = ", ".join(f"{name}={getattr(self, name, _MISSING)!r}" for name in self.__slots__)
    return f"{type(self).__qualname__}({told})"


def _refuse(self: Any, name: str, *value: object) -> None:
    raise AttributeError(f"cannot change field {name!r} of {type(self).__qualname__}")


def _reduced(self: Any) -> tuple[Any, ...]:
    values = {name: getattr(self, name) for name in self.__slots__ if hasattr(self, name)}
    return _rebuilt, (type(self), values)


def _rebuilt(cls: Any, values: dict[str, Any]) -> Any:
    record = object.__new__(cls)
    for name, value in values.items():
        _put(record, name, value)
    return record


def names(record: Any) -> tuple[str, ...]:
    """The attributes of a record or of its class, in their order."""
    return tuple(record.__record_fields__)


def astuple(record: Any) -> tuple[Any, ...]:
    """Their values."""
    return tuple(getattr(record, name) for name in names(record))


def replace(record: T, **changes: Any) -> T:
    """Another record with these values changed."""
    cls = type(record)
    fields: dict[str, Field] = cls.__record_fields__  # type: ignore[attr-defined]
    values = {name: getattr(record, name) for name, what in fields.items() if what.init}
    return cls(**{**values, **changes})

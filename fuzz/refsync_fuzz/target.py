"""What a fuzz target is, and how to find one.

A target is a module of ``refsync_fuzz.targets`` with

- ``fuzz_one(data: bytes) -> None``, whose docstring states its oracle. It returns when the
  reference did what it must; whatever it raises is a finding;
- ``SURFACE``, a ``Surface``;
- ``seeds()``, which yields (name, input) pairs made by the encoders;
- perhaps ``captures()``, which yields further ones that are not the same on every machine:
  they are written once and kept;
- perhaps ``played(data)``: how a real peer would say that input (``Played``).

The letters of an oracle: **E** only ``NeedMoreData`` and ``ProtocolError`` escape; **C** however
the bytes are cut, the same events; **R** what is encoded is decoded; **B** canonical bytes
re-encode to themselves; **T** every strict prefix of a valid input asks for more; **M** memory
and steps are bounded; **D** differential, against what is named; **S** an invariant of states.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from . import targets
from .structure import Shape


def _unplayed(data: bytes) -> None:
    """The input is no peer's words alone: what reads it needs more around it."""


ORACLE_LETTERS = frozenset("ECRBTMDS")


@dataclass(frozen=True, slots=True)
class Surface:
    """What a target covers.

    ``priority`` is 0 for what a peer reaches before it is authenticated, then 1 to 3.
    ``clauses`` are those of the specification that the oracle holds the code to, ``code`` the
    modules whose coverage the target answers for, ``oracle`` its letters (see above),
    ``dictionary`` words worth inserting, ``max_length`` the longest useful input in bytes,
    ``slow`` why a target of the first two priorities runs less than 5,000 times a second,
    ``shape`` where the parts of an input are, if mutations are to know.
    """

    priority: int
    clauses: tuple[str, ...]
    code: tuple[str, ...]
    oracle: str
    dictionary: Mapping[str, bytes] = field(default_factory=dict)
    max_length: int = 4096
    slow: str = ""
    shape: Shape | None = None


@dataclass(frozen=True, slots=True)
class Played:
    """What a real peer would do to give its victim an input, so that a finding becomes a conformance case.

    ``plays`` is who the peer is: a ``server`` that a client has started (``push``: that client sends), a
    ``client`` that a server which receives listens to, or a ``daemon``. ``options`` are the victim's,
    ``stream`` all that the peer says.
    """

    plays: str
    stream: bytes
    options: tuple[str, ...] = ()
    push: bool = True
    protocol: int = 32


@dataclass(frozen=True, slots=True)
class Target:
    """A loaded target."""

    name: str
    fuzz_one: Callable[[bytes], None]
    surface: Surface
    seeds: Callable[[], Iterable[tuple[str, bytes]]]
    captures: Callable[[], Iterable[tuple[str, bytes]]] = tuple
    played: Callable[[bytes], Played | None] = _unplayed


def names() -> list[str]:
    """All targets, sorted; imports none of them."""
    return sorted(module.name for module in pkgutil.iter_modules(targets.__path__) if module.name[0] != "_")


def load(name: str) -> Target:
    """Import a target; ``LookupError`` if there is none of that name."""
    if name not in names():
        raise LookupError(f"no fuzz target is called {name!r}")
    module = importlib.import_module(f"{targets.__name__}.{name}")
    return Target(
        name,
        module.fuzz_one,
        module.SURFACE,
        module.seeds,
        getattr(module, "captures", tuple),
        getattr(module, "played", _unplayed),
    )


def load_all(wanted: Iterable[str] = ()) -> Iterator[Target]:
    """The named targets, or all of them."""
    for name in wanted or names():
        yield load(name)

"""Which functions take apart what somebody else has written, and which target does so with each.

The layers ``wire``, ``session``,
``filters`` and ``delta`` do little else: there each module has a target. In the
others, which act on files and processes, functions that parse stand here and there. ``parsers`` finds them in
the source, by the calls that parsing is made of; ``fuzz/surfaces.toml`` says of each which target feeds it,
or why
its bytes are nobody else's. The kernel's functions in C are found by their declarations.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType

from . import corpus, planted
from .target import Target

FILE = Path(__file__).resolve().parents[1] / "surfaces.toml"
#: Where functions are looked for.
LAYERS = ("native", "engine", "daemon", "transport", "uring", "files", "cli")
#: What taking bytes or text apart is made of; with these names, and with those that begin so.
CALLS = frozenset(
    (
        *("from_bytes", "unpack", "unpack_from", "iter_unpack", "Cursor", "partition", "rpartition", "split"),
        *("rsplit", "splitlines", "fromhex", "fullmatch", "match", "finditer"),
    )
)
#: Where the kernel's functions in C are declared.
KERNEL = "native.build"
BEGINNINGS = ("decode", "parse", "read_", "receive_")


@dataclass(frozen=True, slots=True)
class Surface:
    """Functions of a module (``Class.method``, or what C calls them) that a target feeds."""

    module: str
    functions: tuple[str, ...]
    target: str


@dataclass(frozen=True, slots=True)
class Ours:
    """Functions that look like parsers, but whose bytes nobody else has written: why."""

    module: str
    functions: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Table:
    """What ``fuzz/surfaces.toml`` holds."""

    surfaces: tuple[Surface, ...]
    ours: tuple[Ours, ...]


def read(path: Path = FILE) -> Table:
    """The table; ``ValueError`` for a row with a field too many or too few."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    try:
        return Table(
            tuple(Surface(**{**row, "functions": tuple(row["functions"])}) for row in data["surface"]),
            tuple(Ours(**{**row, "functions": tuple(row["functions"])}) for row in data["ours"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path.name}: {error}") from error


def parsers(package: Path | None = None) -> set[tuple[str, str]]:
    """(module below the package, function) of all that look like parsers, those in C too."""
    root = package or planted.package()
    found: set[tuple[str, str]] = set()
    for layer in LAYERS:
        for path in sorted((root / layer).glob("*.py")):
            module = f"{layer}.{path.stem}"
            found |= {(module, name) for name in _functions(ast.parse(path.read_text(encoding="utf-8")))}
    build = (root / "native" / "build.py").read_text(encoding="utf-8")
    return found | {(KERNEL, name) for name in re.findall(r"\b(refsync_\w+)\(", build)}


def faults(table: Table, targets: Collection[Target], package: Path | None = None) -> Iterator[str]:
    """A parser without a target, one that is told of twice, and what is told of nothing."""
    there = parsers(package)
    owned = {module.removeprefix("refsync.") for target in targets for module in target.surface.code}
    names = {target.name for target in targets}
    told: set[tuple[str, str]] = set()
    rows: list[Surface | Ours] = [*table.surfaces, *table.ours]
    for row in rows:
        if isinstance(row, Surface) and row.target not in names:
            yield f"{row.module}: no target is called {row.target!r}"
        if isinstance(row, Ours) and not row.why:
            yield f"{row.module}: says not why"
        for name in row.functions:
            if (row.module, name) in told:
                yield f"{row.module}:{name}: twice"
            if (row.module, name) not in there:
                yield f"{row.module}:{name}: is no parser any more, or has gone"
            if row.module in owned:
                yield f"{row.module}:{name}: a target answers for all of the module"
            told.add((row.module, name))
    for module, name in sorted(there - told):
        if module not in owned:
            yield f"{module}:{name}: no target takes its bytes: write one, and a row in fuzz/surfaces.toml"


def _functions(tree: ast.AST, within: str = "") -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{within}{node.name}.")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if any(_parses(call) for call in ast.walk(node) if isinstance(call, ast.Call)):
                yield within + node.name
        elif isinstance(node, ast.If | ast.Try):
            yield from _functions(node, within)


def _parses(call: ast.Call) -> bool:
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if name == "decode" and (not call.args or isinstance(call.args[0], ast.Constant | ast.Starred)):
        return False  # bytes that become text
    return name in CALLS or name.startswith(BEGINNINGS)


def entered(target: Target, wanted: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of the functions that the target's committed inputs get to; stops when it has seen all."""
    seen: set[tuple[str, str]] = set()
    missing = {(f"refsync.{module}", name) for module, name in wanted}
    known: dict[CodeType, bool] = {}

    def watch(frame: FrameType, event: str, argument: object) -> None:
        if event == "c_call":  # what the kernel declares
            seen.update({(f"refsync.{KERNEL}", getattr(argument, "__name__", ""))} & missing)
            return
        code = frame.f_code
        if event == "call" and code not in known:
            known[code] = True
            name = (str(frame.f_globals.get("__name__")), code.co_qualname.replace(".<locals>", ""))
            seen.update({name} & missing)

    before = sys.getprofile()
    try:
        for _, data in corpus.inputs(target.name):
            sys.setprofile(watch)
            try:
                target.fuzz_one(data)
            finally:
                sys.setprofile(before)
            if seen == missing:
                break
    finally:
        sys.setprofile(before)
    return {(module.removeprefix("refsync."), name) for module, name in seen}

"""The daemon's configuration: files, defaults and modules, as ``rsyncd.conf`` means them.

Parameters before the first module, or in ``[global]``, set the defaults of
the modules that follow. ``&merge`` reads another file as if it stood here,
``&include`` one whose defaults end with it. Clauses DAEMON-1 to DAEMON-4;
upstream ``loadparm.c``, ``params.c:include_config``.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Mapping, Sequence

from ..options.named import read_named
from ..records import dataclass, field
from ..wire.errors import Exit, RefsyncError
from .grammar import Statement, statements
from .parameters import (
    BOOL,
    BOOL3,
    INTEGER,
    PARAMETERS,
    PATH,
    STRING,
    Parameter,
    Value,
    squeeze,
)

_TRUE = ("yes", "true", "1")
_FALSE = ("no", "false", "0")
_UNSET = ("unset", "-1")
#: Files that include files; a file that includes itself would otherwise never end.
MAX_INCLUDE_DEPTH = 16
#: All files of a configuration: two that include each other twice would be read 65,536 times.
MAX_FILES = 4096

Say = Callable[[str], None]
_VARIABLE = re.compile("%([A-Z][^%]*)%")
_NUMBER = re.compile(r"\s*[-+]?\d+\s*", re.ASCII)
_A_WORD = re.compile(r"[\w.,:/@+=-]*", re.ASCII)


@dataclass(slots=True)
class Section:
    """Values by squeezed parameter name; what is not there has its default."""

    name: str
    values: dict[str, Value] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)  # where each was set, for messages

    def raw(self, name: str) -> Value:
        key = squeeze(name)
        return self.values.get(key, PARAMETERS[key].default)

    def text(self, name: str, environment: Mapping[str, str] | None = None) -> str:
        """A string, with its ``%VAR%`` taken from the environment at this moment (DAEMON-4)."""
        value = self.raw(name)
        return expand(
            value if isinstance(value, str) else "", os.environ if environment is None else environment
        )

    def place(self, name: str = "") -> str:
        """Where a parameter was set, the section itself for none: ``file, line N``."""
        return self.places.get(squeeze(name)) or self.places.get("", "")

    def command(self, name: str, environment: Mapping[str, str] | None = None) -> str:
        """What a shell is to run; ``RefsyncError`` if a variable in it would be more than a word to it."""
        environment = os.environ if environment is None else environment
        value = self.raw(name)
        text = value if isinstance(value, str) else ""
        for variable in _VARIABLE.findall(text):
            if variable in environment and not _A_WORD.fullmatch(environment[variable]):
                raise RefsyncError(
                    f'the value of {variable} in "{name}" has characters that a shell takes for its own',
                    Exit.UNSUPPORTED,
                )
        return expand(text, environment)

    def number(self, name: str) -> int:
        value = self.raw(name)
        return value if isinstance(value, int) else 0

    def flag(self, name: str) -> bool:
        return bool(self.raw(name))

    def maybe(self, name: str) -> bool | None:
        """A bool3: None is unset."""
        value = self.raw(name)
        return None if value is None else bool(value)


@dataclass(slots=True)
class Config:
    """``main`` has the global parameters; ``modules`` are in the order of the file."""

    main: Section
    modules: list[Section]

    def module(self, name: str) -> Section | None:
        """The module of exactly this name: what a client asks for is not squeezed."""
        return next((each for each in reversed(self.modules) if each.name == name), None)


def load(path: str, overrides: Sequence[tuple[str, str]] = (), say: Say = lambda text: None) -> Config:
    """Read a configuration; ``overrides`` are ``--dparam``s, set where the first module starts.

    ``say`` gets a line for each thing that is passed over. ``RefsyncError``
    (exit 1) if the file can't be read or understood, and if it wants
    something that this daemon does not do and that its owner relies on.
    """
    loader = _Loader(overrides, say)
    loader.read(path, 0)
    loader.finish()
    return Config(loader.main, loader.modules)


def overrides_from(words: Sequence[str]) -> list[tuple[str, str]]:
    """The ``NAME=VALUE`` of each ``--dparam``; ``RefsyncError`` (exit 1) for one that is none."""
    found = []
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise RefsyncError(f"--dparam value is missing an '=': {word}", Exit.SYNTAX)
        if squeeze(name) not in PARAMETERS:
            raise RefsyncError(f'Unknown parameter "{name}"', Exit.SYNTAX)
        found.append((name, value))
    return found


def expand(text: str, environment: Mapping[str, str]) -> str:
    """DAEMON-4: ``%VAR%``, where the name starts with a capital and the variable exists; all else stays."""
    parts: list[str] = []
    at = 0
    while (start := text.find("%", at)) >= 0:
        end = text.find("%", start + 1)
        name = text[start + 1 : end] if end >= 0 else ""
        if name and "A" <= name[0] <= "Z" and name in environment:
            parts += (text[at:start], environment[name])
            at = end + 1
        else:
            parts.append(text[at : start + 1])
            at = start + 1
    parts.append(text[at:])
    return "".join(parts)


class _Loader:
    def __init__(self, overrides: Sequence[tuple[str, str]], say: Say) -> None:
        self._overrides = overrides
        self._say = say
        self._files = 0
        self._started = False  # a module was seen: the overrides are in
        self.main = Section("global")
        self.modules: list[Section] = []
        self._current = self.main

    def read(self, path: str, depth: int) -> None:
        if depth > MAX_INCLUDE_DEPTH:
            raise RefsyncError(f"{path}: files include each other without end", Exit.SYNTAX)
        self._files += 1
        if self._files > MAX_FILES:
            raise RefsyncError(f"{path}: more than {MAX_FILES} files are included", Exit.SYNTAX)
        try:
            text = read_named(path).decode("utf-8", "surrogateescape")
        except OSError as error:
            raise RefsyncError(
                f'unable to open config file "{path}": {error.strerror} ({error.errno})', Exit.SYNTAX
            ) from None
        for statement in statements(text, path):
            self._take(statement, path, depth)

    def finish(self) -> None:
        self._start_modules()

    def _take(self, statement: Statement, path: str, depth: int) -> None:
        where = f"{path}, line {statement.line}"
        if statement.kind == "bad":
            self._say(f"Ignoring badly formed line in config file: {statement.name} ({where})")
        elif statement.kind == "directive":
            self._include(statement, where, depth)
        elif statement.kind == "section":
            self._section(statement.name, where)
        else:
            self._set(statement.name, statement.value, where)

    def _section(self, name: str, where: str) -> None:
        if squeeze(name) == "global":
            self._current = self.main
            return
        self._start_modules()
        if "/" in name:
            raise RefsyncError(f"{where}: invalid section name in configuration file: {name}", Exit.SYNTAX)
        same = squeeze(name)
        known = next((each for each in self.modules if squeeze(each.name) == same), None)
        if known is None:
            taken = {key: v for key, v in self.main.values.items() if PARAMETERS[key].everywhere}
            known = Section(name, taken, {key: self.main.places[key] for key in taken} | {"": where})
            self.modules.append(known)
        self._current = known

    def _start_modules(self) -> None:
        """The end of the global part: what the command line says now outweighs the file."""
        if not self._started:
            self._started = True
            self._override()

    def _override(self) -> None:
        self._current = self.main
        for name, value in self._overrides:
            if squeeze(name) not in PARAMETERS:
                raise RefsyncError(f'Unknown parameter "{name}"', Exit.SYNTAX)
            self._set(name, value.lstrip(), "--dparam")

    def _set(self, name: str, text: str, where: str) -> None:
        parameter = PARAMETERS.get(squeeze(name))
        if parameter is None:
            self._say(f'IGNORING unknown parameter "{name}" ({where})')
            return
        if self._current is not self.main and not parameter.everywhere:
            self._say(f"Global parameter {name} found in module section! ({where})")
            return
        try:
            value = _value(parameter, text)
        except ValueError:
            self._say(f'Badly formed boolean in configuration file: "{text}". ({where})')
            return
        if parameter.type == INTEGER and not _NUMBER.fullmatch(expand(text, os.environ)):
            self._say(f'"{text}" for {name} is no number: it counts as {value} ({where})')
        key = squeeze(parameter.name)
        self._current.values[key] = value
        self._current.places[key] = where

    def _include(self, statement: Statement, where: str, depth: int) -> None:
        kind = statement.name.lower()
        if kind not in ("&include", "&merge"):
            raise RefsyncError(f"{where}: Unknown directive: {statement.name}.", Exit.SYNTAX)
        include = kind == "&include"
        for path in _files(statement.value, ".conf" if include else ".inc", where):
            if include:
                kept, places = dict(self.main.values), dict(self.main.places)
                self._current = self.main
            self.read(path, depth + 1)
            if include:
                self.main.values, self.main.places = kept, places
                self._current = self.main
                if self._started:
                    self._override()  # what the first module of that file had set went with it


def _files(path: str, ending: str, where: str) -> list[str]:
    """A file, or those of a directory that have the ending, sorted."""
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISREG(mode):
            return [path]
        if not stat.S_ISDIR(mode):
            raise RefsyncError(f"{where}: {path} is no file and no directory", Exit.SYNTAX)
        names = sorted(name for name in os.listdir(path) if name.endswith(ending))
    except OSError as error:
        raise RefsyncError(
            f'{where}: unable to stat config file "{path}": {error.strerror} ({error.errno})', Exit.SYNTAX
        ) from None
    return [os.path.join(path, name) for name in names]


def _value(parameter: Parameter, text: str) -> Value:
    """The value in a text; ``ValueError`` for a boolean that is none."""
    if parameter.type == STRING:
        return text
    if parameter.type == PATH:
        return text.rstrip("/") or text[:1]
    text = expand(text, os.environ)
    if parameter.type in (BOOL, BOOL3):
        word = squeeze(text)
        if word in _TRUE or word in _FALSE:
            return word in _TRUE
        if parameter.type == BOOL3 and word in _UNSET:
            return None
        raise ValueError(text)
    if parameter.type == INTEGER:
        return _integer(text)
    return text


def _integer(text: str) -> int:
    """As C's ``atoi``: the number that the text starts with, else 0."""
    text = text.strip()
    sign = -1 if text[:1] == "-" else 1
    digits = text[1:] if text[:1] in ("-", "+") else text
    end = 0
    while end < len(digits) and digits[end] in "0123456789":
        end += 1
    return sign * int(digits[:end] or 0)

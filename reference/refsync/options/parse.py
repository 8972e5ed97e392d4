"""Arguments to ``Options``, in the manner of popt as rsync uses it.

Bundles (``-avz``), ``-oVALUE``, ``-o=VALUE``, ``-o VALUE``, ``--name=VALUE``,
``--name VALUE``, ``--no-NAME``, ``--`` ends options; no abbreviations; the
last word on an option counts. Clauses OPT-1 to OPT-6; upstream
``options.c:parse_arguments``.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..filters.lines import rules_from_file
from ..filters.rules import rule_from_pattern
from ..wire.dialect import MAX_PROTOCOL
from ..wire.errors import Exit, RefsyncError
from ..wire.integers import INT32_MAX, INT32_MIN, INT64_MAX
from .model import Options
from .table import UNSUPPORTED, Option, by_letter, by_name

_SIZE_UNITS = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "kb": 1000, "mb": 1000**2, "gb": 1000**3}
_SIZE_UNITS |= {"kib": 1024, "mib": 1024**2, "gib": 1024**3}


def parse(arguments: Sequence[str], onto: Options | None = None) -> tuple[Options, list[str]]:
    """The options and the other arguments; ``RefsyncError`` (exit 1) names what is wrong.

    ``onto``: options that came before, to which these add.
    """
    options = onto or Options()
    if list(arguments) == ["-h"]:
        options.help = True
        return options, []
    parser = _Parser(options)
    paths = parser.run(list(arguments))
    if not options.help and not options.version:
        _check(options)
    return options, paths


class _Parser:
    def __init__(self, options: Options) -> None:
        self._options = options
        self._long = by_name()
        self._short = by_letter()
        self._rest: list[str] = []

    def run(self, arguments: list[str]) -> list[str]:
        self._rest = arguments
        paths: list[str] = []
        while self._rest:
            word = self._rest.pop(0)
            if word == "--":
                return paths + self._rest
            if word.startswith("--"):
                self._long_option(word[2:])
            elif word.startswith("-") and len(word) > 1:
                self._bundle(word[1:])
            else:
                paths.append(word)
        return paths

    def _long_option(self, word: str) -> None:
        name, equals, value = word.partition("=")
        option = self._long.get(name)
        if option is None and name.startswith("no-"):
            plain = name[3:]
            option = self._long.get(plain) or (self._short.get(plain) if len(plain) == 1 else None)
            if option is not None and option.negatable:
                if equals:
                    raise _wrong(f"--{name}: option does not take an argument")
                self._negate(option)
                return
            if option is None and plain in UNSUPPORTED:
                return  # it is off already
            option = None
        if option is None:
            if name in UNSUPPORTED:
                raise _wrong(f"--{name} is not supported yet")
            raise _wrong(f"--{name}: unknown option")
        if not option.argument:
            if equals:
                raise _wrong(f"--{name}: option does not take an argument")
            self._apply(option, "")
            return
        if not equals:
            if not self._rest:
                raise _wrong(f"--{name}: missing argument")
            value = self._rest.pop(0)
        self._apply(option, value)

    def _bundle(self, letters: str) -> None:
        while letters:
            letter, letters = letters[0], letters[1:]
            option = self._short.get(letter)
            if option is None:
                if letter in UNSUPPORTED:
                    raise _wrong(f"-{letter} is not supported yet")
                raise _wrong(f"-{letter}: unknown option")
            if not option.argument:
                self._apply(option, "")
                continue
            value = letters[1:] if letters.startswith("=") else letters
            letters = ""
            if not value:
                if not self._rest:
                    raise _wrong(f"-{letter}: missing argument")
                value = self._rest.pop(0)
            self._apply(option, value)

    def _apply(self, option: Option, value: str) -> None:
        options, field = self._options, option.field
        if option.kind == "set":
            setattr(options, field, option.value)
        elif option.kind == "count":
            setattr(options, field, getattr(options, field) + 1)
        elif option.kind == "str":
            if field == "rsh" and options.server:
                options.capabilities = value  # on a server -e carries the client's letters (OPT-3)
            else:
                setattr(options, field, value)
        elif option.kind == "int":
            setattr(options, field, _integer(option.name, value))
        elif option.kind == "size":
            setattr(options, field, parse_size(option.name, value))
        else:
            self._special(option, value)

    def _negate(self, option: Option) -> None:
        options = self._options
        if option.name == "D":
            options.devices = options.specials = False
        elif option.name == "human-readable":
            options.human_readable = 0
        elif option.kind == "count":
            setattr(options, option.field, 0)
        else:
            setattr(options, option.field, False)

    def _special(self, option: Option, value: str) -> None:
        options, name = self._options, option.name
        if name == "archive":
            options.recurse = options.links = options.perms = options.times = True
            options.group = options.owner = options.devices = options.specials = True
        elif name == "D":
            options.devices = options.specials = True
        elif name == "P":
            options.partial = options.progress = True
        elif name == "human-readable":
            options.human_readable += 1
        elif name == "delete-excluded":
            options.delete = options.delete_excluded = True
        elif name.startswith("del"):
            if options.delete_when not in ("", option.value):
                raise _wrong("You may not combine multiple --delete-WHEN options.")
            options.delete, options.delete_when = True, str(option.value)
        elif name == "filter":
            options.filters.append(value)
        elif name.endswith("-from"):
            options.filters += rules_from_file(_read(value), bool(option.value))
        elif name in ("exclude", "include"):
            rule = rule_from_pattern(value, bool(option.value))
            if rule:
                options.filters.append(rule)
        elif name == "F":
            again = ": /.rsync-filter" in options.filters
            options.filters.append("- .rsync-filter" if again else ": /.rsync-filter")
        elif name == "protocol":
            options.protocol, options.protocol_given = _integer(name, value), True
        elif name == "log-format":
            options.itemize = value.count("%i") + value.count("%I")
            options.log_format_given = True


def _check(options: Options) -> None:
    """OPT-6: combinations that make no sense."""
    if options.delete and not options.recurse and not options.dirs:
        raise _wrong("--delete does not work without --recursive (-r) or --dirs (-d).")
    if not 0 <= options.block_size <= 1 << 29:
        raise _wrong(f"--block-size={options.block_size} is invalid (min: 0, max: {1 << 29})")
    if options.block_size > 128 * 1024 and options.protocol >= 30:
        raise _wrong(f"--block-size={options.block_size} is too large (max: {128 * 1024})")
    for name in ("timeout", "contimeout"):
        if getattr(options, name) < 0:
            raise _wrong(f"--{name} must not be negative")
    if options.protocol > MAX_PROTOCOL:
        raise RefsyncError(f"--protocol must be no more than {MAX_PROTOCOL} on the Client.", Exit.PROTOCOL)
    options.list_only_given = options.list_only
    if options.quiet:
        options.verbose = 0
    if options.list_only and not options.recurse:
        options.dirs = True
    if options.verbose > 9:
        options.verbose = 9


def _integer(name: str, value: str) -> int:
    try:
        if not value.isascii() or "_" in value:  # what Python takes for a number, but C does not
            raise ValueError
        number = int(value)
    except ValueError:
        raise _wrong(f"--{name}={value}: invalid numeric value") from None
    if not INT32_MIN <= number <= INT32_MAX:
        raise _wrong(f"--{name}={value}: number too large or too small")
    return number


def parse_size(name: str, value: str) -> int:
    """OPT-5: digits, a fraction, a unit (K, M, G: 1024; KB, MB, GB: 1000; KiB …), ``+1`` or ``-1``."""
    text, change = value, 0
    if text[-2:] in ("+1", "-1") and len(text) > 2:
        text, change = text[:-2], int(text[-2:])
    digits = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    unit = _SIZE_UNITS.get(text[len(digits) :].lower())
    try:
        if unit is None or not digits or len(digits) > 24 or not digits.isascii() or "_" in digits:
            raise ValueError
        size = (int(float(digits) * unit) if "." in digits else int(digits) * unit) + change
        if abs(size) > INT64_MAX:
            raise ValueError
    except (ValueError, OverflowError):  # "1.e999" is infinite
        raise _wrong(f"--{name}={value} is invalid") from None
    return size


def _read(path: str) -> bytes:
    """A file that an option names; ``-`` is standard input."""
    try:
        with open(0 if path == "-" else path, "rb", closefd=path != "-") as file:
            return file.read()
    except OSError as error:
        raise RefsyncError(f"failed to open {path}: {error.strerror} ({error.errno})", Exit.FILE_IO) from None


def _wrong(text: str) -> RefsyncError:
    return RefsyncError(text, Exit.SYNTAX)

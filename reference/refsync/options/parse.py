"""Arguments to ``Options``, in the manner of popt as rsync uses it.

Bundles (``-avz``), ``-oVALUE``, ``-o=VALUE``, ``-o VALUE``, ``--name=VALUE``,
``--name VALUE``, ``--no-NAME``, ``--`` ends options; no abbreviations; the
last word on an option counts. Clauses OPT-1 to OPT-6; upstream
``options.c:parse_arguments``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..wire.dialect import MAX_PROTOCOL
from ..wire.errors import Exit, RefsyncError
from ..wire.limits import MAX_BLOCK_SIZE, OLD_MAX_BLOCK_SIZE
from .actions import act, negate
from .check_writing import check_writing
from .combinations import check_batch
from .compression import check_checksums, settle_compression
from .model import Options
from .option import NO_CRTIMES, Option
from .saying import settle
from .sizes import integer, parse_size
from .table import by_letter, by_name
from .wrong import wrong


def parse(
    arguments: Sequence[str],
    onto: Options | None = None,
    *,
    allow: Callable[[Option], None] = lambda option: None,
    whole: bool = True,
) -> tuple[Options, list[str]]:
    """The options and the other arguments; ``RefsyncError`` (exit 1) names what is wrong.

    ``onto``: options that came before, to which these add. ``allow`` is asked
    about each option and raises for one that is not to be had. Not ``whole``: a
    server that is told ``-s`` gets the others later, and only then it is seen whether all go together.
    """
    options = onto or Options()
    if list(arguments) == ["-h"]:
        options.help = True
        return options, []
    parser = _Parser(options, allow)
    paths = parser.run(list(arguments))
    if not whole and options.server and options.secluded_args:
        return options, paths
    if not (options.help or options.version or options.help_on):
        _check(options)
        settle(options)
    return options, paths


class _Parser:
    def __init__(self, options: Options, allow: Callable[[Option], None]) -> None:
        self._options = options
        self._allow = allow
        self._long = by_name()
        self._short = by_letter()
        self._rest: list[str] = []

    def run(self, arguments: list[str]) -> list[str]:
        self._rest = arguments
        paths: list[str] = []
        while self._rest and not self._options.help_on:
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
                    raise wrong(f"--{name}: option does not take an argument")
                negate(self._options, option)
                return
            option = None
        if option is None:
            raise wrong(f"--{name}: unknown option")
        if not option.argument:
            if equals:
                raise wrong(f"--{name}: option does not take an argument")
            self._apply(option, "")
            return
        if not equals:
            if not self._rest:
                raise wrong(f"--{name}: missing argument")
            value = self._rest.pop(0)
        self._apply(option, value)

    def _bundle(self, letters: str) -> None:
        while letters:
            letter, letters = letters[0], letters[1:]
            option = self._short.get(letter)
            if option is None:
                raise wrong(f"-{letter}: unknown option")
            if not option.argument:
                self._apply(option, "")
                continue
            value = letters[1:] if letters.startswith("=") else letters
            letters = ""
            if not value:
                if not self._rest:
                    raise wrong(f"-{letter}: missing argument")
                value = self._rest.pop(0)
            self._apply(option, value)

    def _apply(self, option: Option, value: str) -> None:
        options, field = self._options, option.field
        self._allow(option)
        if option.refused:
            alone = option.refused == NO_CRTIMES
            raise wrong(option.refused if alone else f"--{option.name} {option.refused}")
        if option.kind == "set":
            setattr(options, field, option.value)
        elif option.kind == "count":
            setattr(options, field, getattr(options, field) + 1)
        elif option.kind == "str":
            if field == "rsh" and options.server:
                options.capabilities = value  # on a server -e carries the client's letters (OPT-3)
            else:
                setattr(options, field, value)
        elif option.kind == "append":
            getattr(options, field).append(value)
        elif option.kind == "int":
            setattr(options, field, integer(option.name, value))
        elif option.kind == "size":
            most = MAX_BLOCK_SIZE if options.protocol >= 30 else OLD_MAX_BLOCK_SIZE
            setattr(options, field, parse_size(option.name, value, most=most))
        else:
            act(options, option, value)


def settle_selection(options: Options) -> None:
    """What ``--files-from``, ``--old-dirs`` and a mere listing make of recursion and ``--dirs`` (FROM-6)."""
    if options.files_from is not None:
        if options.recurse == 1:  # by -a, which does not mean it then
            options.recurse = 0
        if options.dirs is None:
            options.dirs = 1
        if options.relative is None:
            options.relative = True
    if (options.dirs or 0) >= 4:
        options.filters.append("- /*/*")
        options.recurse = options.dirs = 1
    elif options.recurse or (options.dirs is None and options.list_only):
        options.dirs = 1


def _check(options: Options) -> None:
    """OPT-6: combinations that make no sense."""
    settle_selection(options)
    if options.delete and not options.recurse and not options.dirs:
        raise wrong("--delete does not work without --recursive (-r) or --dirs (-d).")
    if options.fake_super and options.xattrs > 1:
        raise wrong("--fake-super conflicts with -XX")
    for name in ("timeout", "contimeout"):
        if getattr(options, name) < 0:
            raise wrong(f"--{name} must not be negative")
    settle_compression(options)
    check_checksums(options)
    if options.protocol > MAX_PROTOCOL:
        raise RefsyncError(f"--protocol must be no more than {MAX_PROTOCOL} on the Client.", Exit.PROTOCOL)
    check_batch(options)
    check_writing(options)
    options.list_only_given = options.list_only
    if options.verbose > 9:
        options.verbose = 9

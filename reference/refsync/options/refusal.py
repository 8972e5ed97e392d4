"""Options that a daemon's module does not take from its clients: ``refuse options``.

Clause DAEMON-10; upstream ``options.c:set_refuse_options``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from ..filters.wildmatch import wildmatch
from .model import Options
from .option import Option
from .table import OPTIONS
from .wrong import wrong

#: A pattern with wildcards never means these: no client could do without them.
_NOT_WILD = frozenset(
    (
        *("rsh", "from0", "secluded-args", "protect-args", "dry-run", "iconv", "checksum-seed"),
        *("copy-devices", "write-devices", "log-format", "sender", "server"),
    )
)
#: Refused unless a module says ``!NAME``.
_BY_DEFAULT = ("copy-devices", "write-devices")
_ARCHIVE = "ardlptgoD"
#: Names of the same that the table does not hide.
_SYNONYMS = {"del": "delete-during", "delete-during": "del"}


class Refusals:
    """What one module refuses.

    ``text`` is the parameter's value: names and patterns parted by blanks, each of which
    may be negated by ``!``; the last that fits an option decides. ``unknown`` holds the names
    that fit no option. ``iconv``: whether the module has a charset; without one it can't convert.
    """

    def __init__(self, text: str, *, iconv: bool = True) -> None:
        self._refused: set[str] = set()
        self._refuses_no_iconv = False
        self.unknown: list[str] = []
        for word in (*_BY_DEFAULT, *text.split(), *(() if iconv else ("iconv",))):
            self._take(word)

    def _take(self, word: str) -> None:
        negated = word.startswith("!") and len(word) > 1
        pattern = word[1:] if negated else word
        if pattern == "no-iconv":  # a module may want names converted (ICONV-7)
            self._refuses_no_iconv = not negated
            return
        if pattern in ("a", "archive"):
            names = {option.name for option in OPTIONS if option.short and option.short in _ARCHIVE}
        elif any(letter in pattern for letter in "*?["):
            raw = os.fsencode(pattern)
            names = {option.name for option in OPTIONS if option.name not in _NOT_WILD and _fits(raw, option)}
        else:
            names = {option.name for option in _same(pattern)}
        if not names:
            self.unknown.append(pattern)
        elif negated:
            self._refused -= names
        else:
            self._refused |= names

    def check(self, option: Option) -> None:
        """``RefsyncError`` if the option is refused."""
        if option.name in self._refused:
            raise _refuse(option)

    def check_implied(self, options: Options) -> None:
        """What no option has asked for by its own name, but another has brought along."""
        if self._refuses_no_iconv and options.iconv is None:
            raise wrong("The server is configured to refuse --no-iconv")
        for name, asked in (
            ("delete", options.delete or options.delete_missing_args),
            ("delete", options.sender and bool(options.remove_source_files)),
            ("inplace", bool(options.append) or options.write_devices),
            ("partial", options.partial or options.partial_dir is not None or options.inplace),
            ("compress", bool(options.compress)),
        ):
            if asked and name in self._refused:
                raise _refuse(next(option for option in OPTIONS if option.name == name))


def _fits(pattern: bytes, option: Option) -> bool:
    if wildmatch(pattern, option.name.encode()):
        return True
    return bool(option.short) and wildmatch(pattern, option.short.encode())


def _same(name: str) -> Iterable[Option]:
    """The option of that name, and its other names: what does the same is refused with it."""
    found = next((option for option in OPTIONS if name in (option.name, option.short)), None)
    if found is None:
        return ()
    if found.name in _SYNONYMS:
        return [option for option in OPTIONS if option.name in (found.name, _SYNONYMS[found.name])]
    if not found.field or found.kind not in ("set", "str", "int", "count", "size"):
        return (found,)
    return [
        option
        for option in OPTIONS
        if option is found
        or (
            (option.hidden or found.hidden)
            and (option.field, option.kind, option.value) == (found.field, found.kind, found.value)
        )
    ]


def _refuse(option: Option) -> Exception:
    short = f" (-{option.short})" if option.short and option.short != option.name else ""
    return wrong(f"The server is configured to refuse --{option.name}{short}")

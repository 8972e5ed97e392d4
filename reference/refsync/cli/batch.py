"""The files of ``--write-batch``, and the run of ``--read-batch``.

Beside the batch goes a shell script that replays it: the command as it was
given, less its sources and rules, which the script has on its standard
input. Clauses BATCH-3, BATCH-7; upstream ``batch.c:open_batch_files``,
``write_batch_shell_file``, ``main.c:do_cmd``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from ..engine.batch import Recorder
from ..filters.rulelist import FilterList
from ..filters.rules import format_rule
from ..filters.source import Source
from ..options.model import Options
from ..options.named import open_named, read_named
from ..typed import BinaryIO
from ..wire.errors import Exit, RefsyncError
from .arguments import split_host

#: Options of the script's command that stand for rules or names, and those of them with a separate argument.
_DROPPED = ("--files-from", "--filter", "--include", "--exclude")
_WRITERS = ("--write-batch", "--only-write-batch")
#: What a shell would take for its own.
_SPECIAL = frozenset(" \t\n\"'&;|[]()<>{}$`#!*?^\\~")


class BatchFiles:
    """The two files that a client writes; opened first of all, so that a wrong place is found.

    ``words`` are the command as it was given, program and all; ``paths`` the
    sources and the destination among them.
    """

    def __init__(self, options: Options, words: Sequence[str], paths: Sequence[str]) -> None:
        name = options.write_batch if options.write_batch is not None else options.only_write_batch
        assert name is not None
        self._name = name
        rules = FilterList.from_options(options.filters, source=Source(named=read_named)).rules
        self._rules = [format_rule(rule) for rule in rules]
        if any(b"\n" in rule for rule in self._rules):  # what follows would be the shell's to run
            raise RefsyncError(
                "a filter rule with a newline can't be written to the script of a batch", Exit.SYNTAX
            )
        self._script = _create(name + ".sh", 0o700, Exit.FILE_SELECT)
        self.recorder = Recorder(_create(name, 0o600, Exit.FILE_IO), options)
        self._words, self._paths = words, paths
        self._ends = b"\0" if options.from0 else b"\n"

    def write_script(self, protocol: int) -> None:
        """BATCH-7: once the protocol is known, on which the form of the rules depends."""
        text = os.fsencode(script(self._words, self._paths, bool(self._rules), protocol))
        if self._rules:
            text += b" <<'#E#'\n" + b"".join(rule + self._ends for rule in self._rules)
            text += b";\n#E#" if self._ends == b"\0" else b"#E#"
        try:
            with self._script as file:
                file.write(text + b"\n")
        except OSError as error:
            raise RefsyncError(
                f"Batch file {self._name}.sh write error: {error.strerror} ({error.errno})", Exit.FILE_IO
            ) from None

    def close(self) -> None:
        """``RefsyncError`` (exit 11) if what was written is not on its way to the disk."""
        self._script.close()
        self.recorder.close()


def script(words: Sequence[str], paths: Sequence[str], rules: bool, protocol: int) -> str:
    """BATCH-7: the command that replays the batch, up to its destination."""
    line = [quoted(word) for word in _program(words[0])]
    if rules:
        line.append("--filter=._-" if protocol >= 29 else "--exclude-from=-")
    rest = _without(words[1:], paths)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if word == "-f" or name.startswith(_DROPPED):
            if not equals:
                del rest[:1]
        elif name in _WRITERS:
            line.append("--read-batch" + (equals + quoted(value) if equals else ""))
        elif word.startswith("-") and equals:
            line.append(name + "=" + quoted(value))
        else:
            line.append(quoted(word))
    remote, path = split_host(paths[-1])
    if remote is not None and remote.daemon:
        path = path or "."
    return " ".join([*line, "${1:-" + quoted(path) + "}"])


def _program(name: str) -> list[str]:
    """What starts this program again: its name, or where that can't be run the interpreter and the module."""
    if name and not name.endswith(".py"):
        return [name]
    return [sys.executable, "-m", "refsync.cli.main"]


def _without(words: Sequence[str], paths: Sequence[str]) -> list[str]:
    """The words less the paths, which are looked for from the end."""
    left, wanted = [], list(paths)
    for word in reversed(words):
        if wanted and wanted[-1] == word:
            wanted.pop()
        else:
            left.append(word)
    return left[::-1]


def quoted(word: str) -> str:
    """A word as a shell takes it for itself."""
    if word and not _SPECIAL.intersection(word):
        return word
    return "'" + word.replace("'", "'\\''") + "'"


def open_batch(name: str) -> int:
    """A descriptor of the batch to read; ``-`` is standard input."""
    if name == "-":
        return os.dup(0)
    try:
        return open_named(name, os.O_RDONLY)
    except OSError as error:
        raise _not_opened(name, error, Exit.FILE_IO) from None


def _create(name: str, mode: int, code: Exit) -> BinaryIO:
    try:
        descriptor = open_named(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    except OSError as error:
        raise _not_opened(name, error, code) from None
    return open(name, "wb", opener=lambda path, flags: descriptor)


def _not_opened(name: str, error: OSError, code: Exit) -> RefsyncError:
    full = os.path.join(os.getcwd(), name)
    return RefsyncError(f'Batch file "{full}" open error: {error.strerror} ({error.errno})', code)

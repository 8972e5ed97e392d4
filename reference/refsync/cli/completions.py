"""Completions for bash, zsh and fish, made from the option table.

``ci/man`` writes them to ``docs/completions``, from where an installation
takes them. Clause OPT-10.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..options.option import Option
from ..options.table import shown
from ..options.words import DEBUG, INFO
from ..wire.negotiation import CHECKSUM_NAMES, COMPRESS_NAMES

_HEAD = "# Made by ci/man from refsync's option table. Do not edit."
_FILES = ("FILE", "PROGRAM")
_DIRS = ("DIR",)
_CHOICES: dict[str, tuple[str, ...]] = {
    "info": ("help", "all", "none", *(word.name.lower() for word in INFO)),
    "debug": ("help", "all", "none", *(word.name.lower() for word in DEBUG)),
    "stderr": ("errors", "all", "client"),
    "outbuf": ("none", "line", "block"),
    "checksum-choice": ("auto", *CHECKSUM_NAMES),
    "compress-choice": ("auto", *COMPRESS_NAMES),
}


def choices(option: Option) -> tuple[str, ...]:
    """The words that the option's argument can be, if they can be told."""
    return _CHOICES.get(option.name, ())


def takes_files(option: Option) -> bool:
    return option.argument in _FILES


def takes_directories(option: Option) -> bool:
    return option.argument in _DIRS


def words(option: Option) -> Iterator[str]:
    """All ways to write it: its long name, with ``=`` if an argument follows, its letter, its opposite."""
    if len(option.name) > 1:
        yield f"--{option.name}=" if option.argument else f"--{option.name}"
        if option.negatable:
            yield f"--no-{option.name}"
    if option.short or len(option.name) == 1:
        yield f"-{option.short or option.name}"


def bash() -> str:
    """A function for bash; it needs nothing but bash 4."""
    options = list(shown())
    lines = [_HEAD, "_refsync() {"]
    lines += [
        "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} option=",
        "    # '=' is a word of its own here",
        "    if [[ $cur == = ]]; then option=$prev cur=",
        "    elif [[ $prev == = ]]; then option=${COMP_WORDS[COMP_CWORD-2]}",
        "    elif [[ $prev == -?* ]]; then option=$prev; fi",
        "    case $option in",
    ]
    for option in options:
        pattern = "|".join(word.rstrip("=") for word in words(option) if not word.startswith("--no-"))
        if not option.argument:
            continue
        if found := choices(option):
            lines.append(f'    {pattern}) COMPREPLY=($(compgen -W "{" ".join(found)}" -- "$cur")); return ;;')
        elif takes_files(option) or takes_directories(option):
            kind = "-d" if takes_directories(option) else "-f"
            lines += [
                f"    {pattern}) compopt -o filenames 2>/dev/null",
                f'        mapfile -t COMPREPLY < <(compgen {kind} -- "$cur"); return ;;',
            ]
        else:
            lines.append(f"    {pattern}) COMPREPLY=(); return ;;")
    every = " ".join(word for option in options for word in words(option))
    lines += [
        "    esac",
        "    if [[ $cur == -* ]]; then",
        f'        COMPREPLY=($(compgen -W "{every}" -- "$cur"))',
        "        [[ ${#COMPREPLY[@]} = 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null",
        "        return 0",
        "    fi",
        "    compopt -o filenames 2>/dev/null",
        '    mapfile -t COMPREPLY < <(compgen -f -- "$cur")',
        "    # a remote place: the name of a host, as far as it is known",
        "    if [[ $cur != */* ]] && declare -F _known_hosts_real >/dev/null; then",
        '        local files=("${COMPREPLY[@]}")',
        '        _known_hosts_real -c -a -- "$cur"',
        '        COMPREPLY=("${files[@]}" "${COMPREPLY[@]}")',
        "    fi",
        "}",
        "complete -F _refsync refsync",
    ]
    return "\n".join(lines) + "\n"


def zsh() -> str:
    """A file for a directory of zsh's ``fpath``."""
    lines = ["#compdef refsync", _HEAD, "", "_arguments -s -S \\"]
    for option in shown():
        short, long = option.short, f"--{option.name}" if len(option.name) > 1 else ""
        short = short or ("" if long else option.name)
        text = _zsh_text(option.help)
        value = ""
        if option.argument:
            if found := choices(option):
                action = f"({' '.join(found)})"
            elif takes_directories(option):
                action = "_files -/"
            else:
                action = "_files" if takes_files(option) else " "
            value = f":{_zsh_text(option.argument)}:{action}"
        for name in filter(None, (f"-{short}" if short else "", long)):
            joined = ("=" if name.startswith("--") else "+") if option.argument else ""
            lines.append(f"  '*{name}{joined}[{text}]{value}' \\")
        if option.negatable and long:
            lines.append(f"  '*--no-{option.name}[turn off --{option.name}]' \\")
    lines += ["  '*:file:_files'"]
    return "\n".join(lines) + "\n"


def _zsh_text(text: str) -> str:
    for char in ("\\", "[", "]", ":"):
        text = text.replace(char, "\\" + char)
    return text.replace("'", "'\\''")


def fish() -> str:
    """Commands for fish."""
    lines = [_HEAD]
    for option in shown():
        words_of = ["complete -c refsync"]
        if option.short or len(option.name) == 1:
            words_of.append(f"-s {option.short or option.name}")
        if len(option.name) > 1:
            words_of.append(f"-l {option.name}")
        if option.argument:
            if found := choices(option):
                words_of.append(f"-x -a '{' '.join(found)}'")
            elif takes_directories(option):
                words_of.append("-x -a '(__fish_complete_directories)'")
            else:
                words_of.append("-r" if takes_files(option) else "-x")
        words_of.append(f"-d {_fish_text(option.help)}")
        lines.append(" ".join(words_of))
        if option.negatable and len(option.name) > 1:
            lines.append(f"complete -c refsync -l no-{option.name} -d 'turn off --{option.name}'")
    return "\n".join(lines) + "\n"


def _fish_text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

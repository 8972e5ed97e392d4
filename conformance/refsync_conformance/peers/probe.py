"""Which options a program knows: it is asked, not believed.

All options are given at once with one at the end that nobody has. A parser stops at the first word that it
does not know and names it: that word is left out and the question put again, until the last one is named.
Nothing is ever transferred, since no call can get past it. An option that is refused in any other way is
neither known nor unknown, and is told apart by halving.

Source: clause OPT-1; upstream `options.c:parse_arguments`.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from refsync.options.option import Option
from refsync.options.table import OPTIONS, by_letter

from refsync_conformance.peers.model import Known, Peer, PeerError
from refsync_conformance.sandbox import Sandbox
from refsync_conformance.transports import Daemon, DaemonRefused, TransportError

SENTINEL = "--no-program-has-this-option"
PATIENCE = 10.0
"""Seconds for one question. A program that goes on with words that it does not know is stopped then."""

_COMPLAINT = re.compile(
    r"unknown option|unrecogni[sz]ed option|invalid option|illegal option|no such option|unexpected argument"
    r"|flag provided but not defined|not supported|does not support|not configured",
    re.IGNORECASE,
)
_WORD = re.compile(r"--[A-Za-z0-9][\w.-]*|(?<![\w-])-\w")
_SHORT_BY_GETOPT = re.compile(r"(?:invalid|illegal) option -- '?([A-Za-z0-9@])'?")

#: What would end the parser early, start a daemon, or is no client's.
_SPECIAL = {"help", "version", "daemon", "server", "sender", "config", "no-detach", "detach", "dparam"}
_SPECIAL |= {"check-config"}
#: What only the reference has: that others lack it says nothing.
_OWN = {"io-uring", "io-uring-depth", "zero-copy"}
_VALUES: Mapping[str, str] = {
    "info": "name",
    "debug": "none",
    "stderr": "errors",
    "outbuf": "L",
    "protocol": "30",
    "stop-at": "2037-01-01T00:00",
    "filter": "- x",
    "chmod": "u+rwX",
    "usermap": "0:0",
    "groupmap": "0:0",
    "chown": "0:0",
    "checksum-choice": "md5",
    "cc": "md5",
    "compress-choice": "zlib",
    "zc": "zlib",
    "iconv": ".",
    "address": "127.0.0.1",
    "rsh": "sh",
    "copy-as": "0",
    "suffix": "~",
    "remote-option": "--numeric-ids",
    "skip-compress": "gz",
    "block-size": "700",
    "max-size": "1000",
    "min-size": "1",
    "max-alloc": "1G",
    "bwlimit": "1000",
}


def missing(known: Known, arguments: Sequence[bytes]) -> list[str]:
    """Those of these arguments' options that a program lacks."""
    return [word for word in words_of(arguments) if word in known.lacks]


def named(said: str) -> set[str]:
    """The option words that complaints about options name."""
    found = set()
    for line in said.splitlines():
        if _COMPLAINT.search(line):
            found |= {word.partition("=")[0] for word in _WORD.findall(line)}
            # Shorts with their value, as some name them.
            found |= {word[:2] for word in re.findall(r"(?<!\S)-\w(?=\S)", line)}
            found |= {f"-{letter}" for letter in _SHORT_BY_GETOPT.findall(line)}
    return found


def both(peer: Peer) -> Peer:
    """The peer with what it knows as a client and as a server, and whether it can be started as a daemon.

    Raises PeerError if it can't be asked.
    """
    if peer.address is not None:
        return peer
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(options, peer.path, server=server) for server in (False, True)]
        started = pool.submit(_daemon, peer) if peer.kind != "ssh" else None
        try:
            client, server = (one.result() for one in asked)
            lack = started.result() if started else ""
        except OSError as problem:
            raise PeerError(f"{peer.path} can't be asked for its options: {problem}") from problem
    return dataclasses.replace(peer, as_client=client, as_server=server, no_daemon=lack)


def _daemon(peer: Peer) -> str:
    """Empty if the program can be started as a daemon with an rsyncd.conf, else why not, in a line."""
    with (
        tempfile.TemporaryDirectory(prefix="refsync-probe-") as place,
        Sandbox(pathlib.Path(place, "daemon")) as sandbox,
    ):
        try:
            Daemon(sandbox, os.fsencode(peer.path)).close()
        except DaemonRefused as refused:
            said = (refused.said.splitlines() or ["it says nothing"])[-1]
            return f"{peer.name} can't be started with an rsyncd.conf (exit {refused.code}): {said}"
        except TransportError as problem:
            return f"{peer.name}: {problem}"
    return ""


def question() -> dict[str, str]:
    """Option words and, for each, how it is written with a value that any rsync takes."""
    found: dict[str, str] = {}
    for option in OPTIONS:
        if option.name in _SPECIAL | _OWN:
            continue
        if len(option.name) > 1:
            found[f"--{option.name}"] = f"--{option.name}" + _value(option, "=")
        if option.short and option.short not in "hV":
            found[f"-{option.short}"] = f"-{option.short}" + _value(option, "")
        if option.negatable:
            found[f"--no-{option.name}"] = f"--no-{option.name}"
    return found


def _value(option: Option, joint: str) -> str:
    if not option.argument:
        return ""
    plain = {"NUM": "1", "SECONDS": "9", "MINS": "9", "PORT": "873", "FILE": "/dev/null", "DIR": "dir"}
    return joint + _VALUES.get(option.name, plain.get(option.argument, "x"))


def words_of(arguments: Sequence[bytes]) -> list[str]:
    """The option words in arguments: clusters of letters one by one, values left out."""
    letters = by_letter()
    found = []
    for argument in arguments:
        text = argument.decode("utf-8", "surrogateescape")
        if text.startswith("--"):
            found.append(text.partition("=")[0])
        elif text.startswith("-"):
            for letter in text[1:]:
                found.append(f"-{letter}")
                if letter not in letters or letters[letter].argument:
                    break
    return found


def options(path: pathlib.Path, *, server: bool) -> Known:
    """Ask a program for its options as a client or as a server. Raises OSError if it can't be run."""
    asked = question()
    with tempfile.TemporaryDirectory(prefix="refsync-probe-", ignore_cleanup_errors=True) as scratch:
        for place in ("src", "dst"):
            pathlib.Path(scratch, place).mkdir()
        ask = _Asker(path, scratch, server)
        said = ask([])
        if SENTINEL not in named(said):
            return Known(unclear={SENTINEL: f"not complained of: {said.strip()[:200] or 'nothing was said'}"})
        lacks, unclear = _sift(ask, asked)
    known = asked.keys() - lacks - unclear.keys()
    return Known(frozenset(known), frozenset(lacks), unclear)


class _Asker:
    def __init__(self, path: pathlib.Path, scratch: str, server: bool) -> None:
        self._words = [str(path), "--server"] if server else [str(path), "-n"]
        self._places = [".", "dst"] if server else ["src/", "dst/"]
        self._scratch = scratch

    def __call__(self, written: Sequence[str]) -> str:
        """What is complained of when these words and the sentinel are given."""
        with subprocess.Popen(
            [*self._words, *written, SENTINEL, *self._places],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd=self._scratch,
            start_new_session=True,
        ) as process:
            try:
                said, _ = process.communicate(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                said = "it went on"
            finally:
                # The whole group: what it has started must not outlive the question.
                try:
                    os.killpg(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        return said


def _sift(ask: _Asker, asked: Mapping[str, str]) -> tuple[set[str], dict[str, str]]:
    """The lacking and the unclear words among those asked for."""
    left = dict(asked)
    lacks: set[str] = set()
    while True:
        said = ask(list(left.values()))
        words = named(said)
        if SENTINEL in words:
            return lacks, {}
        new = _with_aliases(words) & left.keys()
        if not new:
            break
        lacks |= new
        for word in new:
            del left[word]
    if len(left) <= 1:
        return lacks, {word: (said.strip().splitlines() or [""])[0][:200] for word in left}
    every = list(left)
    unclear: dict[str, str] = {}
    for half in (every[: len(every) // 2], every[len(every) // 2 :]):
        more, other = _sift(ask, {word: left[word] for word in half})
        lacks |= more
        unclear |= other
    return lacks, unclear


def _with_aliases(words: set[str]) -> set[str]:
    """The words and, for each, the option's other spelling: some programs name the long one for the short."""
    found = set(words)
    for option in OPTIONS:
        names = {f"--{option.name}"} | ({f"-{option.short}"} if option.short else set())
        if names & words:
            found |= names
    return found

"""``refsync-tap``: run any rsync and see what the two ends say to each other."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

from refsync.cli.arguments import split_host
from refsync.options.model import Options
from refsync.options.parse import parse
from refsync.wire.errors import RefsyncError

from . import relay, render
from .capture import CaptureError, Reader
from .dissector import Dissector
from .stream import Record

_LOOK = 0.02  # seconds between two looks at a growing capture


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code of the command, 2 for a wrong use, 3 for what can't be read."""
    words = list(sys.argv[1:] if argv is None else argv)
    verb = words[0] if words[:1] in (["show"], ["proxy"]) else "run"
    chosen = _parser(verb).parse_args(words[1:] if verb != "run" else words)
    try:
        if verb == "show":
            return _show(chosen)
        if verb == "proxy":
            return _proxy(chosen)
        return _run(chosen)
    except (CaptureError, OSError) as error:
        print(f"refsync-tap: {error}", file=sys.stderr)
        return 3
    except ValueError as error:
        print(f"refsync-tap: {error}", file=sys.stderr)
        return 2


def _parser(verb: str) -> argparse.ArgumentParser:
    usage = {
        "run": "refsync-tap [options] -- rsync -a src/ host:dst/\n"
        "       refsync-tap show [options] FILE\n"
        "       refsync-tap proxy [options] HOST:PORT",
        "show": "refsync-tap show [options] FILE",
        "proxy": "refsync-tap proxy [options] HOST:PORT",
    }[verb]
    parser = argparse.ArgumentParser(
        prog="refsync-tap",
        usage=usage,
        description="Show, field by field, what two rsyncs say to each other.",
    )
    parser.add_argument("--json", action="store_true", help="JSON lines instead of an annotated hexdump")
    parser.add_argument("--frames", action="store_true", help="show the headers of data frames too")
    parser.add_argument("--whole", action="store_true", help="show all bytes of long values")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write there, not to standard error"
    )
    if verb == "show":
        parser.add_argument("file", type=Path)
    else:
        parser.add_argument("--save", type=Path, metavar="FILE", help="keep the capture, for show")
    if verb == "proxy":
        parser.add_argument("daemon", metavar="HOST:PORT")
        parser.add_argument("--listen", type=int, default=0, metavar="PORT", help="on 127.0.0.1")
        parser.add_argument("--connections", type=int, default=0, metavar="N", help="end after so many")
    if verb == "run":
        parser.add_argument("command", nargs=argparse.REMAINDER)
    return parser


class _Printer:
    """Prints records as they come, in the form that was chosen."""

    def __init__(self, chosen: argparse.Namespace, out: TextIO) -> None:
        self._chosen = chosen
        self._out = out
        self._fold = render.Fold(self._show)

    def __call__(self, record: Record) -> None:
        if record.kind == "frame" and not self._chosen.frames:
            return
        if self._chosen.json:
            print(render.as_json(record), file=self._out)
        elif self._chosen.whole:
            self._show(record, 0)
        else:
            self._fold(record)

    def _show(self, record: Record, left_out: int) -> None:
        if left_out:
            print(f"{record.way} …         {left_out} more like it", file=self._out)
        for line in render.lines(record, whole=self._chosen.whole):
            print(line, file=self._out)

    def close(self) -> None:
        """Nothing more will come."""
        self._fold.close()
        self._out.flush()


def _output(chosen: argparse.Namespace, usual: TextIO) -> TextIO:
    return chosen.output.open("w", encoding="utf-8") if chosen.output else usual


def _show(chosen: argparse.Namespace) -> int:
    reader = Reader(chosen.file)
    out = _output(chosen, sys.stdout)
    printer = _Printer(chosen, out)
    dissector = Dissector(reader.header, printer)
    for piece in reader.pieces():
        dissector.feed(piece.way, piece.data)
    dissector.close()
    printer.close()
    if reader.cut_off:
        raise CaptureError(f"{chosen.file} ends inside of a piece")
    return 0


def _follow(capture: Path, printer: _Printer, done: Callable[[], bool]) -> None:
    """Dissect a capture while it grows, until ``done``; once more then, for what came last."""
    reader: Reader | None = None
    dissector: Dissector | None = None
    last = False
    while True:
        if reader is None and capture.exists() and b"\n" in capture.read_bytes()[: 1 << 20]:
            reader = Reader(capture)
            dissector = Dissector(reader.header, printer)
        if reader is not None and dissector is not None:
            for piece in reader.pieces():
                dissector.feed(piece.way, piece.data)
        if last:
            break
        last = done()
        if not last:
            time.sleep(_LOOK)
    if dissector is None:
        raise CaptureError("nothing was said: the other end was not even started")
    dissector.close()
    printer.close()


def _run(chosen: argparse.Namespace) -> int:
    command = chosen.command[1:] if chosen.command[:1] == ["--"] else chosen.command
    if not command:
        raise ValueError("which command? refsync-tap -- rsync -a src/ host:dst/")
    with tempfile.TemporaryDirectory(prefix="refsync-tap-") as place:
        capture = chosen.save or Path(place) / "capture"
        if capture.exists():
            raise ValueError(f"{capture} exists already")
        words, environment = _tapped(command, capture)
        out = _output(chosen, sys.stderr)
        child = subprocess.Popen(words, env=environment)
        _follow(capture, _Printer(chosen, out), lambda: child.poll() is not None)
        return child.wait()


def _tapped(command: list[str], capture: Path) -> tuple[list[str], dict[str, str]]:
    """The command with us in the place of its remote shell, or of its connection to a daemon."""
    try:
        options, paths = parse(command[1:])
    except RefsyncError:  # an option of theirs that is none of ours: the host is found by its look
        options, paths = Options(), [word for word in command[1:] if not word.startswith("-")]
    places = [place for place, _ in map(split_host, paths) if place is not None]
    if not places:
        raise ValueError("both ends are one program here; name one of them as HOST:PATH")
    far = places[0]
    ours = relay.between()
    environment = dict(os.environ)
    if far.daemon and not options.rsh:
        port = str(far.port or options.port or 873)
        environment["RSYNC_CONNECT_PROG"] = shlex.join([*ours, "--connect", str(capture), "%H", port])
        return command, environment
    shell = options.rsh or os.environ.get("RSYNC_RSH") or "ssh"
    words = [*ours, str(capture), shell]
    joined = " ".join('"' + word + '"' if " " in word else word for word in words)
    end = command.index("--") if "--" in command else len(command)
    return [*command[:end], "-e", joined, *command[end:]], environment


def _proxy(chosen: argparse.Namespace) -> int:
    host, _, port = chosen.daemon.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError(f"{chosen.daemon} is not HOST:PORT")
    with tempfile.TemporaryDirectory(prefix="refsync-tap-") as place:
        count = 0

        def next_capture() -> Path:
            nonlocal count
            count += 1
            if chosen.save:
                return Path(f"{chosen.save}.{count}" if count > 1 else chosen.save)
            return Path(place) / f"capture{count}"

        proxy = relay.Proxy(host, int(port), next_capture, listen=chosen.listen)
        print(f"refsync-tap: rsync://127.0.0.1:{proxy.port}/ is {chosen.daemon}", file=sys.stderr, flush=True)
        out = _output(chosen, sys.stdout)
        served = 0
        try:
            while not chosen.connections or served < chosen.connections:
                proxy.serve(connections=1)
                served += 1
                path = Path(f"{chosen.save}.{count}" if chosen.save and count > 1 else chosen.save or "")
                path = path if chosen.save else Path(place) / f"capture{count}"
                _follow(path, _Printer(chosen, out), lambda: True)
        except KeyboardInterrupt:
            pass
        finally:
            proxy.close()
    return 0

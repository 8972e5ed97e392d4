"""Transfers between sides of two character sets, where some names have no form in the other."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from refsync.engine import client
from refsync.engine.report import RemoteReporter
from refsync.engine.server import allow_inc_recurse, serve
from refsync.files.charset import Charset
from refsync.options.parse import parse
from refsync.options.server_args import build
from refsync.session.link import Link
from refsync.session.tasks import Tasks

PUSH = pytest.mark.parametrize("push", [True, False], ids=["push", "pull"])


def transfer(arguments: list[str], source: str, dest: str, charsets: tuple[str, str], *, push: bool) -> int:
    """The client's exit code; ``charsets`` are those of the source and of the destination."""
    near, far = (Charset(name) for name in (charsets if push else reversed(charsets)))
    options, _ = parse([*arguments, "--iconv=a,b"])
    options.sender = push
    ours, theirs = Link(), Link()
    told = build(options, inc_recurse=allow_inc_recurse(options, sender=push))
    server_options, paths = parse([*told, "--no-msgs2stderr", "--", ".", dest if push else source])
    places = [os.fsencode(path) for path in paths]
    running = (
        Tasks(
            ours,
            client.run(
                ours, options, RemoteReporter(Link()), [os.fsencode(source)], os.fsencode(dest), charset=near
            ),
        ),
        Tasks(theirs, serve(theirs, server_options, places, charset=far)),
    )
    while not all(tasks.done for tasks in running):
        moved = False
        for tasks in running:
            tasks.step()
        for a, b in ((ours, theirs), (theirs, ours)):
            out = bytes(a.output())
            if out:
                b.feed(out)
                a.sent(len(out))
                moved = True
        runnable = any(tasks.runnable for tasks in running)
        assert moved or runnable or all(tasks.done for tasks in running), "both wait"
    return int(running[0].results[0])


def write(root: Path, names: list[str], charset: str) -> None:
    for name in names:
        path = os.path.join(os.fsencode(root), name.encode(charset))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(name.encode())


def names_below(root: Path) -> dict[bytes, bytes]:
    """Each file's name below the root, and its content."""
    top = os.fsencode(root)
    found = {}
    for place, _, files in os.walk(top):
        for file in files:
            path = os.path.join(place, file)
            with open(path, "rb") as content:
                found[os.path.relpath(path, top)] = content.read()
    return found


@PUSH
@pytest.mark.parametrize("recursion", ["--inc-recursive", "--no-inc-recursive"])
def test_what_has_no_form_in_the_other_set_is_left_out_and_the_rest_arrives(
    tmp_path: Path, push: bool, recursion: str
) -> None:
    """A directory without a name here has a list all the same, of which nothing is taken."""
    source, dest = tmp_path / "source", tmp_path / "dest"
    good = ["a", "ä/ö", "ä/deep/ü", "z/é"]
    write(source, [*good, "€", "ä/€", "ä/deep/日", "€-dir/in", "€-dir/more/in", "z/日本/x"], "utf-8")
    write(dest, ["extra", "ä/extra"], "latin-1")
    code = transfer(
        ["-a", "--delete", recursion], f"{source}/", f"{dest}/", ("UTF-8", "ISO-8859-1"), push=push
    )
    assert code == 23
    kept = {name.encode("latin-1"): name.encode() for name in [*good, "extra", "ä/extra"]}
    assert names_below(dest) == kept


@PUSH
@pytest.mark.parametrize("version", [27, 29, 30, 32])
def test_each_side_sorts_by_its_own_names(tmp_path: Path, push: bool, version: int) -> None:
    source, dest = tmp_path / "source", tmp_path / "dest"
    names = [f"{'d' * (at % 2)}{chr(0x430 + at)}/{chr(0x44F - at)}" for at in range(32)]
    write(source, names, "koi8-r")
    os.link(
        os.path.join(os.fsencode(source), names[3].encode("koi8-r")),
        os.path.join(os.fsencode(source), "link-ж".encode("koi8-r")),
    )
    arguments = ["-aH", f"--protocol={version}"]
    assert transfer(arguments, f"{source}/", str(dest), ("KOI8-R", "UTF-8"), push=push) == 0
    assert names_below(dest) == {name.encode(): name.encode() for name in names} | {
        "link-ж".encode(): names[3].encode()
    }
    assert os.stat(dest / "link-ж").st_ino == os.stat(dest / names[3]).st_ino

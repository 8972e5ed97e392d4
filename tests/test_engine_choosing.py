"""What arguments mean, which names were asked for, which links are unsafe, what is pruned."""

from __future__ import annotations

import stat

import pytest
from refsync.engine.arguments import Kind, split_argument
from refsync.engine.filesfrom import clean_name
from refsync.engine.requested import Requested
from refsync.files.links import is_unsafe
from refsync.options.parse import parse
from refsync.session.link import Link
from refsync.wire import filesfrom, mux, order
from refsync.wire.cursor import Cursor
from refsync.wire.entry import FileEntry
from refsync.wire.errors import NeedMoreData, ProtocolError, RefsyncError


@pytest.mark.parametrize(
    ("path", "base", "name", "kind"),
    [
        (b"a/b", b"", b"a/b", Kind.NAME),
        (b"a/./b//c/", b"a", b"b/c", Kind.DIRECTORY),
        (b"/etc/x", b"", b"/etc/x", Kind.NAME),
        (b"/", b"", b"/.", Kind.CONTENTS),
        (b"x/./", b"x", b".", Kind.CONTENTS),
        (b"/./x", b"/", b"x", Kind.NAME),
    ],
)
def test_whole_paths(path: bytes, base: bytes, name: bytes, kind: Kind) -> None:
    found = split_argument(path, relative=True)
    assert (found.base, found.name, found.kind) == (base, name, kind)


def test_dots() -> None:
    assert split_argument(b"./a", relative=True).dotted
    with pytest.raises(RefsyncError):
        split_argument(b"a/../b", relative=True)
    assert clean_name(b"/../a/../../b/") == b"b/"


@pytest.mark.parametrize(
    ("target", "unsafe"),
    [
        (b"", True), (b"/x", True), (b"../x", False), (b"../../x", True), (b"a/../x", True), (b"../..", True),
        (b"..//../x", True), (b"x/..", True), (b"x", False), (b"..", False),
    ],
)  # fmt: skip
def test_unsafe_links(target: bytes, unsafe: bool) -> None:
    assert is_unsafe(target, b"d/link") is unsafe


def test_requested_names() -> None:
    asked = Requested([b"x/./a/b", b"c*/d", b"e]"], relative=True, depth=2)
    assert asked.allows(b"a", True) and not asked.allows(b"a", False) and not asked.wanted(b"a")
    assert asked.allows(b"a/b/deep/er", False) and not asked.allows(b"a/c", False)
    assert asked.allows(b"cc", True) and asked.allows(b"cc/d/f", False) and not asked.allows(b"cc/e", True)
    assert not asked.wanted(b".") and not asked.allows(b"..", True)
    one = Requested([b"m/dir/"], relative=False, depth=1)
    assert one.wanted(b".") and one.allows(b"f", False) and not one.allows(b"d/f", False)


def test_pruning() -> None:
    entries = [FileEntry(name, stat.S_IFDIR) for name in (b".", b"a", b"a/b", b"c", b"kept", b"kept/d")]
    entries.append(FileEntry(b"a/f", stat.S_IFREG))
    order.sort(entries, True)
    order.prune_empty(entries, lambda name: name == b"kept")
    assert [entry.name for entry in entries if entry.active] == [b".", b"a", b"a/f", b"kept"]


def test_names_on_the_wire() -> None:
    assert filesfrom.encode(b"\n\na\r\nb", from0=False) == b"a\0b\0\0"
    with pytest.raises(NeedMoreData):
        filesfrom.decode(Cursor(b"a"))
    with pytest.raises(ProtocolError):
        filesfrom.decode(Cursor(b"n" * 4096))


def test_options_of_a_list_of_names() -> None:
    options, _ = parse(["-a", "--files-from=x"])
    assert (options.recurse, options.dirs, options.relative) == (0, 1, True)
    options, _ = parse(["-ar", "--no-relative", "--files-from=x"])
    assert options.recurse and options.relative is False


def test_frames_stop_and_go_on() -> None:
    """FROM-3: raw names between two frames, all in one piece."""
    link = Link()
    link.start_frames_in(stepwise=True)
    link.feed(mux.encode(mux.DATA, b"rule") + b"a\0\0" + mux.encode(mux.DATA, b"rest"))

    def read(count: int) -> bytes:
        step = link.read(lambda cursor: cursor.take(count))
        try:
            step.send(None)
        except StopIteration as stop:
            return bytes(stop.value)
        raise AssertionError("it waits")

    assert read(4) == b"rule"
    link.stop_frames_in()
    assert read(3) == b"a\0\0"
    link.start_frames_in()
    assert read(4) == b"rest"

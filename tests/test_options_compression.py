"""The compression options: what they come to, what a server is told, which files are skipped."""

from __future__ import annotations

import pytest
from refsync.engine.skip_compress import SkipList, default_patterns
from refsync.options import server_args
from refsync.options.parse import parse
from refsync.wire import negotiation, zstd_tokens
from refsync.wire.errors import Exit, RefsyncError

TOLD = {
    "-z": "-rz",
    "-zz": "-r --new-compress",
    "--zc=zlib": "-rz --old-compress",
    "--old-compress": "-rz --old-compress",
    "--zc=zlibx": "-r --new-compress",
    "--new-compress": "-r --new-compress",
    "--zc=zstd": "-r --compress-choice=zstd",
    "--zc=ZSTD": "-r --compress-choice=ZSTD",
    "--zc=none": "-r --compress-choice=none",
    "-z --zc=none": "-r --compress-choice=none",
    "--zc=auto": "-r",
    "-z --zc=auto": "-rz",
    "--zc=lz4 --zl=9": "-r --compress-level=9 --compress-choice=lz4",
    "--zl=5": "-r --compress-level=5",
    "-z --zl=0": "-rz --compress-level=0",
    "-z --no-compress": "-r",
    "-z --no-z": "-r",
    "--zc=zstd --no-compress": "-r",
    "-z --no-compress --zl=3": "-r --compress-level=3",
    "--zc=none --zl=3": "-r --compress-level=3 --compress-choice=none",
    "-z --skip-compress=gz": "-rz --skip-compress=gz",
}


@pytest.mark.parametrize("given", TOLD)
def test_a_server_is_told_as_by_upstream(given: str) -> None:
    """What upstream 3.4.1 sends for the same options."""
    options, _ = parse(["-r", *given.split(), "h:x", "y"])
    options.sender = False
    args = server_args.build(options, inc_recurse=True)
    assert args[:2] == ["--server", "--sender"]
    args[2] = args[2].partition("e.")[0]
    assert " ".join(args[2:]) == TOLD[given]


@pytest.mark.parametrize("name", ["bad", ""])
def test_an_unknown_name_is_refused(name: str) -> None:
    with pytest.raises(RefsyncError, match=f"unknown compress name: {name}") as caught:
        parse([f"--zc={name}", "a", "b"])
    assert caught.value.code == Exit.UNSUPPORTED


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zstd_tokens, "library", None)
    with pytest.raises(RefsyncError, match=r"zstd \(the package backports\.zstd is not installed\)"):
        parse(["--zc=zstd", "a", "b"])


def test_suffixes() -> None:
    skips = SkipList(b"gz/jpg/mp[34]/7Z/[]x/[open/*", b"")
    yes = (
        b"a.gz",
        b"A.GZ",
        b"d/b.Jpg",
        b"c.mp3",
        b"c.mp4",
        b"x.7z",
        b"y.[]x",
        b"y.[open",
        b"z.*",
        b"t.tar.gz",
    )
    no = (b"gz", b".gz", b"a.mp5", b"a.gz.b", b"a.", b"a.jpgx", b"a.txt", b"dir.gz/name")
    assert [name for name in yes if not skips(name)] == []
    assert [name for name in no if skips(name)] == []


def test_patterns_of_a_module() -> None:
    skips = SkipList(b"", b"*.GZ core? data*.bin")
    assert all(map(skips, (b"x.gz", b"Core1", b"sub/data7.BIN")))
    assert not any(map(skips, (b"x.txt", b"score1")))
    assert SkipList(b"", b"*.gz *")(b"anything")
    assert SkipList(b"", default_patterns())(b"x.squashfs")
    assert not SkipList(b"", b"")(b"x.gz")


LISTS = {
    None: ("zstd lz4 zlibx zlib", "zstd lz4 zlibx zlib none"),
    "  ": ("zstd lz4 zlibx zlib", "zstd lz4 zlibx zlib none"),
    "zlib ZSTD": ("zstd zlib", "zstd zlib"),
    "zlib & lz4 none": ("zlib", "lz4 none"),
    "zlib &": ("zlib", "zstd lz4 zlibx zlib none"),
    "& zlib": ("zstd lz4 zlibx zlib", "zlib"),
    "bogus zlib": ("zlib", "zlib"),
    "bogus": ("INVALID", "INVALID"),
}


@pytest.mark.parametrize("environment", LISTS)
def test_a_list_of_the_users(environment: str | None) -> None:
    """SETUP-11: as upstream 3.4.1 reads it, but in canonical order (SETUP-10)."""
    for server, wanted in enumerate(LISTS[environment]):
        names = negotiation.offered(negotiation.COMPRESS_NAMES, environment, server=bool(server))
        assert negotiation.encode_names(names)[1:].decode() == wanted

"""Taking conversations apart.

``captures`` holds small ones of upstream 3.4.1 at both ends, one for each protocol and direction: a new file,
a delta, a symlink, a FIFO, a deletion, ``--checksum`` and ``--stats``. Made with ``refsync-tap --save``.
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import pytest
from refsync_conformance.wiretap import render, tap
from refsync_conformance.wiretap.capture import CaptureError, Header, Reader, Writer
from refsync_conformance.wiretap.dissector import Dissector
from refsync_conformance.wiretap.stream import Record
from refsync_conformance.wiretap.transcript import transcribe

CAPTURES = sorted((pathlib.Path(__file__).parent / "captures").iterdir())
LATEST = next(path for path in CAPTURES if path.name == "push-32")


def dissect(path: pathlib.Path, *, size: int = 0) -> list[Record]:
    """All records; ``size`` > 0 feeds the bytes in pieces of that size, as a slow line would."""
    records: list[Record] = []
    reader = Reader(path)
    dissector = Dissector(reader.header, records.append)
    for piece in reader.pieces():
        step = size or len(piece.data)
        for at in range(0, len(piece.data), step):
            dissector.feed(piece.way, piece.data[at : at + step])
    dissector.close()
    reader.close()
    return records


def said(path: pathlib.Path, way: str) -> bytes:
    reader = Reader(path)
    data = b"".join(piece.data for piece in reader.pieces() if piece.way == way)
    reader.close()
    return data


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_every_byte_of_upstreams_is_understood(path: pathlib.Path) -> None:
    records = dissect(path)
    assert {record.kind for record in records} <= {"value", "frame", "message"}
    for way in "><":
        assert sum(len(record.data) for record in records if record.way == way) == len(said(path, way))
    assert [record.text for record in records if record.name == "index"][-1] == "NDX_DONE"


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_a_record_without_frames_inside_is_what_stands_at_its_offset(path: pathlib.Path) -> None:
    for record in dissect(path):
        raw = said(path, record.way)[record.offset :]
        assert raw[:1] == record.data[:1]
        if record.kind != "value" or len(record.data) <= 4:
            assert raw.startswith(record.data)


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_pieces_of_any_size_give_the_same_values(path: pathlib.Path) -> None:
    def values(records: list[Record]) -> dict[str, list[Record]]:
        return {way: [one for one in records if one.way == way and one.kind == "value"] for way in "><"}

    assert values(dissect(path, size=1)) == values(dissect(path))


def test_what_a_capture_tells() -> None:
    texts = [record.text for record in dissect(LATEST)]
    assert "protocol version 32" in texts
    assert any(" d/b" in text and text.startswith("-rw") for text in texts)
    assert "3 blocks of 700 bytes, the last of 8; 2 bytes of each strong sum" in texts
    assert "block 1" in texts


def test_a_broken_value_is_marked_and_the_rest_shown() -> None:
    records: list[Record] = []
    dissector = Dissector(Header("pipe", ["--server", "-re.LsfxCIvu", ".", "dst"]), records.append)
    dissector.feed(">", b"\x1f\0\0\0")
    dissector.feed("<", b"\x1f\0\0\0\x00\0\0\0\0" + (7 + 77 << 24 | 3).to_bytes(4, "little") + b"abc")
    dissector.close()
    wrong = [record for record in records if record.kind == "wrong"]
    assert [(record.clause, record.name) for record in wrong] == [("MUX-5", "frame")]
    assert records[-1].kind == "unknown"
    assert any("! MUX-5" in line for line in render.lines(wrong[0]))


def test_options_that_are_not_understood_leave_the_bytes_as_they_are() -> None:
    records: list[Record] = []
    dissector = Dissector(Header("pipe", ["--server", "--no-such-option"]), records.append)
    dissector.feed("<", b"abc")
    dissector.close()
    assert [(record.kind, record.data) for record in records] == [("unknown", b"abc")]


def test_a_capture_is_read_while_it_grows(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "capture"
    with path.open("ab") as stream:
        writer = Writer(stream, {"transport": "pipe", "arguments": ["--server"]})
        reader = Reader(path)
        assert list(reader.pieces()) == []
        writer.piece(">", b"one")
        assert [(piece.way, piece.data) for piece in reader.pieces()] == [(">", b"one")]
        writer.piece("<", b"two")
        assert [(piece.way, piece.data) for piece in reader.pieces()] == [("<", b"two")]
        assert not reader.cut_off


@pytest.mark.parametrize("data", [b"", b"{}\n", b"[1]\n", b'{"format": "other"}\n', b"\xff\n"])
def test_what_is_no_capture_is_refused(tmp_path: pathlib.Path, data: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(CaptureError, match="is no capture"):
        Reader(path)
    assert tap.main(["show", str(path)]) == 3


def test_a_damaged_capture_is_said_to_be_one(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "capture"
    path.write_bytes(LATEST.read_bytes()[:-3])
    assert tap.main(["show", str(path), "-o", str(tmp_path / "out")]) == 3
    path.write_bytes(LATEST.read_bytes() + b"x" * 40)
    assert "is damaged" in transcribe([path])[0]


def test_json_lines(tmp_path: pathlib.Path) -> None:
    out = tmp_path / "out"
    assert tap.main(["show", "--json", str(LATEST), "-o", str(out)]) == 0
    first = json.loads(out.read_text().splitlines()[0])
    assert {"way", "offset", "kind", "clause", "name", "text", "hex"} == set(first)


def test_a_run_is_tapped_as_it_goes(tmp_path: pathlib.Path) -> None:
    """The tap gets between a client and its remote shell; the transfer is as without it."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src/file").write_text("hello\n")
    shell = tmp_path / "shell"
    shell.write_text('#!/bin/sh\nshift\nexec /bin/sh -c "$*"\n')
    shell.chmod(0o755)
    refsync = f"{sys.executable} -m refsync"
    client = tmp_path / "client"
    client.write_text(f'#!/bin/sh\nexec {refsync} "$@"\n')
    client.chmod(0o755)
    command = [str(client), "-a", "-e", str(shell), f"--rsync-path={client}", "src/", "far:dst/"]
    words = [sys.executable, "-m", "refsync_conformance.wiretap", "-o", "out", "--", *command]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "dst/file").read_text() == "hello\n"
    assert "6 literal bytes" in (tmp_path / "out").read_text()


def test_a_local_copy_has_no_wire(capsys: pytest.CaptureFixture[str]) -> None:
    assert tap.main(["--", "rsync", "-a", "src/", "dst/"]) == 2
    assert "HOST:PATH" in capsys.readouterr().err


def test_attributes_are_shown() -> None:
    """Lists with the entry, then what is asked for and what is sent."""
    records = dissect(next(path for path in CAPTURES if path.name == "push-attributes-32"))
    texts = [record.text for record in records]
    assert any("acl g::4,m::7,u:1(daemon):7 xattrs 1 user.long (40 bytes: digest" in text for text in texts)
    assert any("default acl u::6,g::4,m::7,o::4,u:1:7" in text for text in texts)
    at = [
        n for n, record in enumerate(records) if record.name == "attribute sent" and record.text == "number 1"
    ]
    assert at and records[at[0] + 1].text == "300 bytes"
    assert sum(record.name == "attribute wanted" and record.text == "number 1" for record in records) == len(
        at
    )

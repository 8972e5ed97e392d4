"""Which options a program knows, whatever its way to say no; and what `smoke` makes of a peer."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from refsync_conformance import cli, smoke
from refsync_conformance.model import Case, Cell, Verdict
from refsync_conformance.peers import limits, probe
from refsync_conformance.peers.model import Known, Peer, PeerError
from refsync_conformance.peers.registry import reference
from refsync_conformance.runner import run_cell
from refsync_conformance.trees import file
from refsync_conformance.trial import Trial

#: Stops at the first word that it does not know, as popt's users do.
POPT = """
for word; do
    case $word in
        --fuzzy|--no-fuzzy|-z|--crtimes|{sentinel}) echo "rsync: $word: unknown option" >&2; exit 1;;
        -y) echo "rsync: --fuzzy is not supported here" >&2; exit 1;;
    esac
done
"""
#: The same in the words of getopt_long.
GETOPT = """
for word; do
    case $word in
        --fuzzy|{sentinel}) echo "openrsync: unrecognized option '$word'" >&2; exit 1;;
        -z) echo "openrsync: invalid option -- 'z'" >&2; exit 1;;
    esac
done
"""
#: One option is refused without a name.
MUMBLES = """
for word; do
    case $word in
        --delete) echo "no" >&2; exit 1;;
        {sentinel}) echo "unknown option: $word" >&2; exit 1;;
    esac
done
"""


def program(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "rsync"
    path.write_text("#!/bin/sh\n" + text.replace("{sentinel}", probe.SENTINEL))
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("text", "lacks", "unclear"),
    [
        (POPT, {"--fuzzy", "--no-fuzzy", "-y", "-z", "--compress", "--crtimes", "-N"}, {}),
        (GETOPT, {"--fuzzy", "-y", "-z", "--compress"}, {}),
        (MUMBLES, set(), {"--delete": "no"}),
    ],
    ids=["popt", "getopt", "mumbles"],
)
@pytest.mark.parametrize("server", [False, True])
def test_what_is_refused_by_name_is_lacking(
    text: str, lacks: set[str], unclear: dict[str, str], server: bool, tmp_path: Path
) -> None:
    known = probe.options(program(tmp_path, text), server=server)
    # An option that is refused under one of its spellings is taken to lack under the other.
    assert (known.lacks, known.unclear) == (lacks, unclear)
    assert known.known == probe.question().keys() - lacks - unclear.keys()


def test_a_program_that_takes_anything_is_not_believed(tmp_path: Path) -> None:
    known = probe.options(program(tmp_path, "exit 0\n"), server=False)
    assert (known.known, known.lacks) == (set(), set())
    assert probe.SENTINEL in known.unclear


def test_a_program_that_cannot_be_run(tmp_path: Path) -> None:
    with pytest.raises(PeerError, match="can't be asked"):
        probe.both(Peer("x", "", 32, tmp_path / "absent", "exec"))


def test_words_of_a_command_line() -> None:
    words = [b"-avze", b"ssh", b"--delete", b"--info=name2", b"-Tdir", b"src/"]
    assert probe.words_of(words) == ["-a", "-v", "-z", "-e", "--delete", "--info", "-T"]
    assert probe.missing(Known(lacks=frozenset({"-z", "--info"})), words) == ["-z", "--info"]


def test_the_reference_knows_what_its_table_has() -> None:
    known = probe.options(reference().path, server=False)
    assert not known.unclear
    assert {"--archive", "-a", "--no-perms", "--delete", "--protocol", "-z"} <= known.known


# --- what follows for cells


def compressed(t: Trial) -> None:
    """Need -z at both ends."""
    t.build([file("a", b"1")])
    t.sync("-az")


def outcome(client: Known, server: Known, tmp_path: Path, *, protocol: int = 32) -> tuple[Verdict, str]:
    peer = reference()
    case = Case("TEST-001", "FS-1", "t", compressed)
    peers = {
        "client": dataclasses.replace(peer, name="client", as_client=client, protocol=protocol),
        "server": dataclasses.replace(peer, name="server", as_server=server),
    }
    cell = Cell("TEST-001", "pipe", "push", 32, "client", "server")
    found = run_cell(case, cell, peers, tmp_path, control=None)
    return found.verdict, found.reason


def test_a_client_that_lacks_an_option_is_not_run_with_it(tmp_path: Path) -> None:
    lacking = Known(lacks=frozenset({"-z"}))
    assert outcome(lacking, Known(), tmp_path) == (Verdict.UNSUPPORTED, "client does not know -z")


def test_a_client_without_ways_to_say_it_is_run_all_the_same(tmp_path: Path) -> None:
    """One version, no --protocol; a remote command of its own, no --rsync-path."""
    lacking = Known(lacks=frozenset({"--protocol", "--rsync-path"}))
    assert outcome(lacking, Known(), tmp_path) == (Verdict.PASS, "")
    assert outcome(lacking, Known(), tmp_path, protocol=33)[0] is Verdict.UNSUPPORTED


def test_a_version_that_a_peer_does_not_speak_is_unsupported() -> None:
    old = Peer("old", "", 29, Path("/x"), "exec")
    case = Case("TEST-001", "FS-1", "t", compressed)
    cell = Cell("TEST-001", "pipe", "push", 31, "old", "old")
    assert limits.barred(case, cell, old, old) == "old speaks protocol 29 at most"
    assert limits.barred(case, dataclasses.replace(cell, protocol=29), old, old) == ""


def test_a_program_that_is_no_daemon_is_not_judged_as_one(tmp_path: Path) -> None:
    path = program(tmp_path, POPT + 'case "$*" in *--daemon*) echo "no config" >&2; exit 7;; esac\n')
    peer = probe.both(Peer("mine", "", 32, path, "exec"))
    assert peer.no_daemon == "mine can't be started with an rsyncd.conf (exit 7): no config"
    case = Case("TEST-001", "FS-1", "t", compressed)
    cell = Cell("TEST-001", "daemon", "push", 31, "other", "mine")
    assert limits.barred(case, cell, reference(), peer) == peer.no_daemon
    assert limits.barred(case, dataclasses.replace(cell, transport="pipe"), reference(), peer) == ""


# --- smoke


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what is tried at the newest version, and no options: the whole takes as long as the rest here."""
    whole = smoke._plan

    def plan(name: str) -> list[tuple[Case, Cell]]:
        return [(case, cell) for case, cell in whole(name) if case.tapped or cell.transport == "local"]

    monkeypatch.setattr(smoke, "_plan", plan)
    monkeypatch.setattr(smoke.probe, "both", lambda peer: peer)


def test_smoke_tells_what_a_peer_offers(few: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["smoke", "mine=self:", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["peer"]["name"] == "mine"
    assert set(data["ways"].values()) == {"ok"}
    assert data["protocols"] == {"client": {"32": "ok"}, "server": {"32": "ok"}}
    assert {"xxh128", "md5"} <= set(data["checksums"])
    assert {"zstd", "zlib"} <= set(data["compressions"])
    assert "INC_RECURSE" in data["flags"]
    assert {"i", "L", "s", "f", "C", "v"} <= set(data["capability_letters"])


def test_smoke_says_why_a_peer_is_of_no_use(
    few: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = 'case "$*" in *--version*) echo version 1.0;; *) printf "\\040\\000\\000\\000"; exit 1;; esac\n'
    assert cli.main(["smoke", f"mine=exec:{program(tmp_path, text)}"]) == 1
    said = capsys.readouterr().out
    assert "NOT usable" in said
    assert "exit code: 1" in said
    assert cli.main(["smoke", "mine=exec:/nowhere"]) == cli.USAGE

"""Asking a program for its version and its protocol, with small scripts in the part of the program."""

from __future__ import annotations

import pathlib

import pytest
from refsync_conformance.peers import PeerError, greeting


def script(
    tmp_path: pathlib.Path, server: str, version: str = "echo 'rsync  version 3.9.1  protocol 40'"
) -> pathlib.Path:
    path = tmp_path / "peer"
    path.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then {version}; exit; fi\n{server}\n')
    path.chmod(0o755)
    return path


def test_protocol_is_read_from_the_greeting_not_from_the_version(tmp_path: pathlib.Path) -> None:
    path = script(tmp_path, r"printf '\036\000\000\000more'")
    assert greeting.protocol(path) == 30
    assert greeting.version(path) == "3.9.1"


def test_a_peer_that_waits_for_the_client_s_greeting_gets_one(tmp_path: pathlib.Path) -> None:
    path = script(tmp_path, r"head -c 4 >/dev/null; printf '\033\000\000\000'; sleep 600")
    assert greeting.protocol(path) == 27


def test_a_greeting_in_pieces(tmp_path: pathlib.Path) -> None:
    path = script(tmp_path, r"printf '\040\000'; head -c 4 >/dev/null; printf '\000\000'")
    assert greeting.protocol(path) == 32


def test_text_instead_of_a_greeting(tmp_path: pathlib.Path) -> None:
    with pytest.raises(PeerError, match="no greeting as a server but b'Welc'"):
        greeting.protocol(script(tmp_path, "echo Welcome to this machine"))


def test_a_peer_that_ends_at_once_is_quoted(tmp_path: pathlib.Path) -> None:
    with pytest.raises(PeerError, match="no server mode here"):
        greeting.protocol(script(tmp_path, "echo no server mode here >&2; exit 1"))


def test_a_silent_peer_does_not_hang_the_suite(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(greeting, "PATIENCE", 0.1)
    with pytest.raises(PeerError, match="said nothing"):
        greeting.protocol(script(tmp_path, "sleep 600"))


def test_a_program_that_fails(tmp_path: pathlib.Path) -> None:
    path = script(tmp_path, "exit 1", version="echo broken library >&2; exit 127")
    with pytest.raises(PeerError, match=r"--version failed \(exit 127\): broken library"):
        greeting.version(path)


def test_a_program_without_a_version(tmp_path: pathlib.Path) -> None:
    assert greeting.version(script(tmp_path, "exit 1", version="echo gokrazy/rsync")) == ""


def test_a_file_that_is_no_program(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(b"\x7fELFnot really")
    path.chmod(0o755)
    with pytest.raises(PeerError, match="can't be run"):
        greeting.version(path)
    with pytest.raises(PeerError, match="can't be run"):
        greeting.protocol(path)

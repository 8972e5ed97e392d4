"""Reading apt's configuration: which mirror a machine uses, and what to say when it has none."""

from __future__ import annotations

import pathlib

import pytest
from refsync_conformance.peers import machine
from refsync_conformance.peers.machine import Mirror, Source

DEB822 = """\
Types: deb deb-src
# a comment between fields
URIs: http://mirror.example/debian http://other.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Enabled: no
Types: deb
URIs: http://disabled.example/debian
Suites: bookworm
Components: main

Types: deb-src
URIs: http://source.example/debian
Suites: bookworm
"""

UBUNTU = """\
Types: deb
URIs: http://mirror.example/ubuntu/
Suites: noble noble-updates
Components: main universe
Signed-By: /keys/ubuntu.gpg
"""


@pytest.fixture
def no_keyrings(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    rings = tmp_path / "keyrings"
    rings.mkdir()
    monkeypatch.setattr(machine, "KEYRINGS", rings)
    for variable in machine.MIRROR_VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)
    return rings


def apt_directory(tmp_path: pathlib.Path, **files: str) -> pathlib.Path:
    top = tmp_path / "apt"
    (top / "sources.list.d").mkdir(parents=True)
    for name, text in files.items():
        stem, _, suffix = name.rpartition("_")
        (top / "sources.list.d" / f"{stem}.{suffix}").write_text(text)
    return top


def test_deb822_gives_each_pair_of_enabled_binary_entries() -> None:
    found = list(machine.deb822_sources(DEB822))
    assert [(source.uri, source.suite) for source in found] == [
        ("http://mirror.example/debian", "bookworm"),
        ("http://mirror.example/debian", "bookworm-updates"),
        ("http://other.example/debian", "bookworm"),
        ("http://other.example/debian", "bookworm-updates"),
    ]
    assert found[0].signed_by == "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc"


def test_one_line_entries_with_and_without_options() -> None:
    text = (
        "# deb http://commented.example/debian bookworm main\n"
        "deb http://a.example/debian bookworm main contrib # trailing\n"
        "deb [arch=amd64 signed-by=/keys/a.gpg] http://b.example/debian bookworm-updates main\n"
        "deb [ signed-by=/keys/b.gpg ] http://c.example/debian trixie main\n"
        "deb-src http://d.example/debian bookworm main\n"
        "deb\n"
    )
    assert list(machine.one_line_sources(text)) == [
        Source("http://a.example/debian", "bookworm"),
        Source("http://b.example/debian", "bookworm-updates", "/keys/a.gpg"),
        Source("http://c.example/debian", "trixie", "/keys/b.gpg"),
    ]


@pytest.mark.parametrize(
    ("suite", "expected"),
    [
        ("bookworm", "debian"),
        ("bookworm-updates", "debian"),
        ("trixie-security", "debian-security"),
        ("buster/updates", "debian-security"),
        ("noble-security", "ubuntu"),
        ("jammy-backports", "ubuntu"),
        ("nodistro", None),
    ],
)
def test_distribution_is_told_by_the_suite(suite: str, expected: str | None) -> None:
    assert machine.distribution_of(Source("http://any.example/", suite)) == expected


def test_the_whole_key_ring_is_preferred_to_the_source_s_own(
    tmp_path: pathlib.Path, no_keyrings: pathlib.Path
) -> None:
    top = apt_directory(tmp_path, ubuntu_sources=UBUNTU)
    assert machine.mirrors("ubuntu", top) == [Mirror("http://mirror.example/ubuntu/", "/keys/ubuntu.gpg")]
    ring = no_keyrings / "ubuntu-archive-keyring.gpg"
    ring.write_bytes(b"keys")
    assert machine.mirrors("ubuntu", top) == [Mirror("http://mirror.example/ubuntu/", str(ring))]


def test_a_mirror_without_any_key_is_not_used(tmp_path: pathlib.Path, no_keyrings: pathlib.Path) -> None:
    top = apt_directory(tmp_path, debian_list="deb [trusted=yes] http://a.example/debian bookworm main\n")
    assert machine.mirrors("debian", top) == []


def test_discs_and_disabled_files_are_passed_over(tmp_path: pathlib.Path, no_keyrings: pathlib.Path) -> None:
    (no_keyrings / "debian-archive-keyring.gpg").write_bytes(b"keys")
    top = apt_directory(
        tmp_path,
        disc_list="deb cdrom:[Debian]/ bookworm main\n",
        old_disabled="deb http://a.example/debian bookworm main\n",
    )
    assert machine.mirrors("debian", top) == []


def test_the_environment_names_a_mirror(
    tmp_path: pathlib.Path, no_keyrings: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFSYNC_DEBIAN_MIRROR", "http://chosen.example/debian")
    ring = str(no_keyrings / "debian-archive-keyring.gpg")
    assert machine.mirrors("debian", tmp_path) == [Mirror("http://chosen.example/debian", ring)]


def test_advice_names_package_and_variable(
    tmp_path: pathlib.Path, no_keyrings: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = tmp_path / "os-release"
    release.write_text('ID=ubuntu\nPRETTY_NAME="Ubuntu 24.04.1 LTS"\n')
    monkeypatch.setattr(machine, "OS_RELEASE", release)
    text = machine.advice("debian")
    assert "Ubuntu 24.04.1 LTS" in text
    assert "sudo apt-get install debian-archive-keyring" in text
    assert "export REFSYNC_DEBIAN_MIRROR=" in text
    (no_keyrings / "debian-archive-keyring.gpg").write_bytes(b"keys")
    assert "apt-get install" not in machine.advice("debian")

"""From a name to a peer, the cache, and what a failed fetch says."""

from __future__ import annotations

import io
import json
import os
import pathlib
import struct
import subprocess
import sys
import threading

import pytest
from refsync_conformance.peers import (
    Peer,
    PeerError,
    apt,
    cache,
    commands,
    fetch,
    greeting,
    launchers,
    machine,
    registry,
    unpack,
)
from refsync_conformance.peers.catalogue import BY_NAME, RELEASES, REQUIRED, canonical

GREETS = """\
#!/bin/sh
[ "$1" = --version ] && { echo 'rsync version 3.4.1'; exit; }
printf '\\040\\000\\000\\000'
"""


@pytest.fixture(autouse=True)
def private_cache(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/refsync/peers"


def program(path: pathlib.Path, text: str = GREETS) -> pathlib.Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


def make(name: str = REQUIRED) -> Peer:
    """A peer in the cache, made the way that a fetch makes one; the caller holds the lock."""
    with cache.staging(name) as staged:
        (staged / "root").mkdir()
        program(staged / "root/rsync")
        unpack.write_wrapper(staged / "bin/rsync", [str(cache.directory() / name / "root/rsync")])
        facts = {
            "kind": "upstream",
            "version": "3.4.1",
            "protocol": 32,
            "package_version": "3.4.1-1",
            "program": "root/rsync",
            "program_sha256": cache.sha256(staged / "root/rsync"),
            "wrapper": "bin/rsync",
        }
        cache.write_manifest(staged, facts)
        cache.publish(name, staged)
    peer = cache.load(name)
    assert peer is not None
    return peer


def put(name: str = REQUIRED) -> Peer:
    with cache.lock(name):
        return make(name)


def test_names_are_unique_and_the_required_release_is_there() -> None:
    assert len(set(registry.names())) == len(RELEASES) + 1
    assert REQUIRED in registry.names()


@pytest.mark.parametrize("name", ["upstream-3.4.1", "3.4.1", "rsync-3.4.1"])
def test_short_names(name: str) -> None:
    assert canonical(name) == "upstream-3.4.1"


def test_a_cached_peer_needs_no_network() -> None:
    made = put()
    peer = registry.resolve("3.4.1", fetch=False)
    assert peer == made
    assert greeting.protocol(peer.path) == 32


def test_a_damaged_peer_is_not_taken(private_cache: pathlib.Path) -> None:
    put()
    (private_cache / REQUIRED / "root/rsync").write_text("#!/bin/sh\nexit 0\n")
    with pytest.raises(PeerError, match="not cached"):
        registry.resolve(REQUIRED, fetch=False)


def test_a_moved_cache_is_not_taken(
    private_cache: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put()
    (tmp_path / "cache").rename(tmp_path / "elsewhere")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    assert cache.load(REQUIRED) is None


def test_publishing_again_replaces_and_leaves_nothing_behind(private_cache: pathlib.Path) -> None:
    put()
    put()
    assert sorted(path.name for path in private_cache.iterdir()) == [f".{REQUIRED}.lock", REQUIRED]


def test_a_failed_staging_leaves_nothing_behind(private_cache: pathlib.Path) -> None:
    with pytest.raises(RuntimeError), cache.staging("broken") as staged:
        (staged / "half").write_text("half")
        raise RuntimeError
    assert list(private_cache.iterdir()) == []


def test_many_askers_fetch_once(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[str] = []
    everyone_asks = threading.Barrier(4)

    def count_and_make(release: object, progress: object) -> Peer:
        fetched.append("once")
        return make()

    monkeypatch.setattr(registry, "_fetch", count_and_make)
    found: list[Peer] = []

    def ask() -> None:
        everyone_asks.wait()
        found.append(registry.resolve(REQUIRED))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fetched == ["once"]
    assert len(found) == 4 and len(set(found)) == 1


def test_any_program_by_path(tmp_path: pathlib.Path) -> None:
    path = program(tmp_path / "my rsync")
    assert registry.resolve(f"mine=exec:{path}") == Peer("mine", "3.4.1", 32, path, "exec")


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ("nonesuch", "no peer is called 'nonesuch'; there are refsync, upstream-3.4.1"),
        ("mine=http://host/", "NAME=exec:/path/to/rsync"),
        ("mine=exec:", "no such file"),
        ("mine=exec:/nonexistent/rsync", "no such file"),
        ("a/b=exec:/bin/true", "no name for a peer"),
    ],
)
def test_a_wrong_spec_is_explained(spec: str, complaint: str) -> None:
    with pytest.raises(PeerError) as caught:
        registry.resolve(spec)
    assert complaint in caught.value.message


def test_a_file_that_is_not_executable(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "rsync"
    path.write_text(GREETS)
    with pytest.raises(PeerError, match="not executable"):
        registry.resolve(f"mine=exec:{path}")


def test_a_fetch_without_a_mirror_says_what_to_do(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apt, "missing_tools", list)
    monkeypatch.setattr(machine, "APT_DIRECTORY", tmp_path)
    for variable in machine.MIRROR_VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(PeerError) as caught:
        registry.resolve(REQUIRED)
    assert "export REFSYNC_DEBIAN_MIRROR=" in caught.value.message
    assert f"--peer {REQUIRED}=exec:/path/to/rsync" in caught.value.message


def test_a_fetch_without_apt_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apt, "missing_tools", lambda: ["apt-get"])
    with pytest.raises(PeerError, match=r"apt-get not found .* --peer upstream-3\.4\.1=exec:"):
        fetch.fetch(BY_NAME[REQUIRED], lambda text: None)


def test_an_unsigned_mirror_is_refused(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if apt.missing_tools():
        pytest.skip(f"this machine has no {', '.join(apt.missing_tools())}")
    suite = tmp_path / "mirror/dists/trixie"
    packages = suite / "main/binary-all"
    packages.mkdir(parents=True)
    (packages / "Packages").write_text("Package: rsync\nVersion: 3.4.1-1\n\n")
    (suite / "Release").write_text("Suite: trixie\nCodename: trixie\nComponents: main\n")
    ring = tmp_path / "empty.gpg"
    ring.write_bytes(b"")
    top = tmp_path / "apt"
    top.mkdir()
    mirror = machine.Mirror(f"file:{tmp_path}/mirror", str(ring))
    with pytest.raises(PeerError, match="reading the package index of trixie failed"):
        apt.PrivateApt(top, [(mirror, "trixie")]).update()


@pytest.mark.parametrize(
    ("version", "wanted", "same"),
    [
        ("3.4.1+ds1-5+deb13u4", "3.4.1", True),
        ("1:3.4.1-2", "3.4.1", True),
        ("3.4.10-1", "3.4.1", False),
        ("3.4.1.2-1", "3.4.1", False),
        ("3.5.1-2", "3.5.", True),
        ("3.4.1-1", "3.5.", False),
        ("0.3.8-1", "", True),
    ],
)
def test_package_versions(version: str, wanted: str, same: bool) -> None:
    assert apt.is_version(version, wanted) is same


def test_upstream_version() -> None:
    assert apt.upstream_version("1:3.4.1+ds1-5+deb13u4") == "3.4.1"


def test_only_download_settings_are_taken_from_the_machine() -> None:
    dump = (
        'Acquire::http::Proxy "http://proxy.example:3128";\n'
        'Acquire::AllowInsecureRepositories "1";\n'
        'Acquire::IndexTargets::deb::Packages::MetaKey "x";\n'
        'APT::Update::Post-Invoke:: "rm -f /var/cache/apt/archives/*.deb";\n'
    )
    assert apt.acquire_settings(dump) == ['Acquire::http::Proxy "http://proxy.example:3128";']


def test_the_loader_is_read_from_the_program() -> None:
    loader = unpack.interpreter(pathlib.Path("/bin/sh").resolve())
    assert loader is not None and pathlib.Path(loader).exists()


def test_a_program_runs_under_the_loader_of_its_own_root(tmp_path: pathlib.Path) -> None:
    source = pathlib.Path("/bin/echo").resolve()
    wanted = unpack.interpreter(source)
    assert wanted is not None
    root = tmp_path / "root"
    (root / "lib/here").mkdir(parents=True)
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/bin/echo").write_bytes(source.read_bytes())
    with pytest.raises(PeerError, match="the packages have no ld-"):
        unpack.command(root, "usr/bin/echo")
    loader = root / "lib/here" / pathlib.Path(wanted).name
    loader.symlink_to(pathlib.Path(wanted).resolve())
    with pytest.raises(PeerError, match="the packages have no ld-"):
        unpack.command(root, "usr/bin/echo")  # a link out of the root is this machine's loader
    loader.unlink()
    loader.write_bytes(pathlib.Path(wanted).resolve().read_bytes())
    loader.chmod(0o755)
    argv = unpack.command(root, "usr/bin/echo")
    assert argv[0] == str(loader) and argv[2].startswith(str(root / "lib/here"))
    wrapper = tmp_path / "with space/echo"
    unpack.write_wrapper(wrapper, argv)
    said = subprocess.run([str(wrapper), "a b", "$HOME"], capture_output=True, check=True, text=True).stdout
    assert said == "a b $HOME\n"


@pytest.mark.parametrize("data", [b"", b"#!/bin/sh\n", b"\x7fELF\x02\x01" + b"\xff" * 70, b"\x7fELF\x02\x01"])
def test_a_program_that_is_not_elf(tmp_path: pathlib.Path, data: bytes) -> None:
    path = tmp_path / "program"
    path.write_bytes(data)
    with pytest.raises(PeerError, match="ELF program"):
        unpack.interpreter(path)


def test_a_static_program_needs_no_loader(tmp_path: pathlib.Path) -> None:
    header = bytearray(64)
    header[:6] = b"\x7fELF\x02\x01"
    struct.pack_into("<Q", header, 32, 64)
    struct.pack_into("<HH", header, 54, 56, 0)
    (tmp_path / "program").write_bytes(header)
    assert unpack.command(tmp_path, "program") == [str(tmp_path / "program")]


def test_a_damaged_package_is_named(tmp_path: pathlib.Path) -> None:
    if apt.missing_tools():
        pytest.skip(f"this machine has no {', '.join(apt.missing_tools())}")
    package = tmp_path / "rsync_1_all.deb"
    package.write_bytes(b"!<arch>\nnot much of one")
    with pytest.raises(PeerError, match=r"can't unpack rsync_1_all\.deb"):
        unpack.unpack([package], tmp_path / "root")


def test_the_reference_s_wrapper_is_one_executable_file_made_once() -> None:
    wrapper = registry.reference_wrapper()
    before = wrapper.stat()
    assert registry.reference_wrapper() == wrapper
    assert wrapper.stat().st_ino == before.st_ino
    launcher = (wrapper.parent.parent / "launch.py").read_text()
    assert sys.executable in wrapper.read_text()
    assert "from refsync.cli.entry import run" in launcher


LEAVE = "from refsync_conformance.peers import launchers; print(launchers.directory(), flush=True); "


def of_another(code: str) -> pathlib.Path:
    """The launchers' directory of a process that then runs this code."""
    done = subprocess.run([sys.executable, "-c", LEAVE + code], capture_output=True, text=True, check=False)
    return pathlib.Path(done.stdout.strip())


def test_launchers_go_with_their_process_however_it_ends() -> None:
    assert not of_another("").exists()
    left = of_another("import os; os._exit(1)")
    assert left.exists()
    before = launchers.directory()
    assert launchers.directory() == before
    assert not left.exists()
    assert launchers.sweep() == []
    assert before.exists()


def test_launchers_of_what_is_no_more_are_removed() -> None:
    package = registry.reference_wrapper().parents[1]
    gone = ["refsync-0123456789ab", "ssh-0123456789ab"]
    for name in gone:
        place, lock = cache.directory() / name, cache.directory() / f".{name}.lock"
        place.mkdir()
        (place / "launch.py").write_text("sys.path[0] = '/no/such/place'\n")
        lock.touch()
        os.utime(place, (0, 0))
        os.utime(lock, (0, 0))
    (cache.directory() / "ssh-ba9876543210").mkdir()
    # The lock goes when its place has gone.
    assert [*launchers.sweep(), *launchers.sweep()] == [*gone, *(f".{name}.lock" for name in gone)]
    assert package.exists()


def run(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    return commands.main(arguments, out, err), out.getvalue(), err.getvalue()


def test_the_path_verb_prints_one_line() -> None:
    peer = put()
    assert run("path", "3.4.1") == (0, f"{peer.path}\n", "")


def test_fetch_of_a_cached_peer_asks_it_again() -> None:
    peer = put()
    code, out, _ = run("fetch")
    assert code == 0
    assert f"{REQUIRED}: version 3.4.1, protocol 32, package 3.4.1-1\n    {peer.path}" in out


def test_fetch_notices_another_protocol_than_recorded(private_cache: pathlib.Path) -> None:
    put()
    manifest = private_cache / REQUIRED / "peer.json"
    facts = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**facts, "protocol": 31}))
    code, _, err = run("fetch", REQUIRED)
    assert code == 3
    assert "spoke protocol 31 when fetched and 32 now" in err


def test_list_says_what_is_there_and_what_is_required() -> None:
    code, out, _ = run("list")
    assert code == 0
    assert f"{REQUIRED} (required): {REQUIRED} is not cached" in out


@pytest.mark.parametrize(
    "arguments", [(), ("fetch", "--every"), ("path",), ("path", "a", "b"), ("remove", "x")]
)
def test_wrong_usage(arguments: tuple[str, ...]) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("usage: refsync-conformance peers")


def test_a_name_that_no_peer_has_is_wrong_usage() -> None:
    code, out, err = run("path", "nonesuch")
    assert (code, out) == (2, "")
    assert err.startswith("error: no peer is called 'nonesuch'")


def test_what_is_pointed_at_has_no_path_that_stays() -> None:
    code, out, err = run("path", "mine=ssh:there")
    assert (code, out) == (2, "")
    assert "a path that stays" in err

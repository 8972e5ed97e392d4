"""Sources and destination as words: hosts, users, modules, ports, local paths.

Input: arguments, each ended by NUL.
"""

from __future__ import annotations

from collections.abc import Iterator

from refsync.cli.arguments import Job, plan, plan_replay, split_host
from refsync.wire.errors import RefsyncError

from ..oracle import asked, expect, same
from ..target import Surface

SURFACE = Surface(
    priority=3,
    clauses=("OPT-7", "OPT-8"),
    code=("refsync.cli.arguments",),
    oracle="RS",
    dictionary={
        "url": b"rsync://user@host:873/mod/", "daemon": b"host::mod/", "shell": b"user@host:dir/",
        "six": b"[::1]:a",
        "six_url": b"rsync://[fe80::1]:873/m", "option": b"-oProxyCommand=x:y", "more": b":b",
        "more_daemon": b"::m", "at": b"@",
    },
    max_length=200,
)  # fmt: skip


def _one(argument: str) -> None:
    """A place has the same parts when it is written anew."""
    found = asked(lambda: split_host(argument))
    if found is None:
        return
    assert isinstance(found, tuple)
    remote, path = found
    if remote is None:
        same(path, argument, "a local path")
        expect(":" not in argument.split("/")[0] or argument.startswith("["), f"{argument!r} is local")
        return
    expect(0 <= remote.port < 65536, f"port of {argument!r}")
    by_url = argument[:8].lower() == "rsync://"
    expect(by_url or not remote.host.startswith("-"), f"{argument!r} would be an option of the shell")
    expect(argument.endswith(path), f"the path of {argument!r}")
    expect(remote.daemon or not by_url, "a URL is a daemon's")
    if (
        by_url
        or (remote.host.lower() == "rsync" and path.startswith("//"))
        or set(remote.host + remote.user) & set("[]@:/")
    ):
        return
    if "]:" in path:
        return  # brackets would be taken for those of a host
    user = f"{remote.user}@" if remote.user else ""
    same(split_host(f"{user}{remote.host}{':' * (1 + remote.daemon)}{path}"), found, f"{argument!r} anew")


def fuzz_one(data: bytes) -> None:
    """Oracle: a place taken apart and put together is the same; any words are a job or refused with exit 1.

    A job has one end that is remote at most; all its sources are on the same side; no host is an option.
    """
    words = [word.decode("utf-8", "surrogateescape") for word in data.split(b"\0")][:8]
    for word in words:
        _one(word)
    for only in (False, True):
        job = asked(lambda: plan(list(words), list_only=only))  # noqa: B023
        if job is None:
            continue
        assert isinstance(job, Job)
        expect(job.sources, "sources")
        if job.remote is None:
            expect(not [word for word in words if _remote(word)], f"{words} are local")
            same(job.sources, words[: len(job.sources)], "local sources")
        elif not job.sender:
            expect(all(_remote(word) for word in words[: len(job.sources)]), f"{words} are remote")
        else:
            same(job.sources, words[:-1], "local sources")
            expect(_remote(words[-1]), f"the destination of {words}")
    replay = asked(lambda: plan_replay(list(words)))
    expect(replay is None or (isinstance(replay, Job) and not replay.sources), "a batch has the files")


def _remote(word: str) -> bool:
    try:
        return split_host(word)[0] is not None
    except RefsyncError:
        return True


def seeds() -> Iterator[tuple[str, bytes]]:
    """Each form of a place, alone and in jobs."""
    jobs = (
        "a\0b", "host:a\0b", "a\0u@host:b", "host::m/a\0:b\0::m\0c", "rsync://h/m/\0b",
        "rsync://u@[::1]:99/m\0b", "[fe80::1]:a\0b",
        "-oX:y\0b", "a\0b\0h:c", "h:a\0h2:b\0c", "h:a\0h::b\0c", "h:a\0h:b", "./a:b\0c", "a:\0b", ":a\0b",
        "\0b", "a",
        "u@h@x:p\0b", "rsync://h:0/m\0b", "rsync://h:x/m\0b", "a/b:c\0d", "host:a\0:b", "RSYNC://h/m",
    )  # fmt: skip
    for number, text in enumerate(jobs):
        yield f"job.{number}", text.encode()

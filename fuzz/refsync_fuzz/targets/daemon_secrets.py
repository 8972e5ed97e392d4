"""``auth users`` and the file of secrets: who is let in by which line.

Input: bytes that choose the user and whether the response is right, ``auth users``, a NUL, the file.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache

from refsync.daemon.secrets import MAX_LINE, SecretsFile, judge, parse_users
from refsync.filters.wildmatch import wildmatch

from ..choices import Choices
from ..oracle import expect, same
from ..target import Surface

#: No user has such a name here, so that no group of this machine matters.
USERS = (b"eva", b"adam", b"#eva", b"@eva", b"", b"e*", b"eva:x", b"EVA")

SURFACE = Surface(
    priority=0,
    clauses=("AUTH-4", "AUTH-5", "AUTH-6"),
    code=("refsync.daemon.secrets",),
    oracle="DMS",
    dictionary={
        "line": b"\neva:sesame\n", "group": b"@wheel:open\n", "comment": b"#eva:sesame\n",
        "long": b"x" * 1030,
        "rule_ro": b"eva:ro", "rule_rw": b"adam:rw", "rule_deny": b"e*:deny", "comma": b",", "any": b"*",
        "return": b"\r\n", "feed": b"\x0c", "escape": b"\\*",
    },
    max_length=1200,
    slow="a real file is written and read for each input",
)  # fmt: skip


@cache
def _path() -> str:
    made = tempfile.mkdtemp(prefix="refsync-fuzz-secrets-")
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return os.path.join(made, "secrets")


def _response(password: bytes) -> bytes:
    return b"=" + password


def _password(file: bytes, user: bytes) -> bytes | None:
    """What the first line of a user says; no line of somebody else, no comment."""
    for line in file.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"):
        name, colon, password = line[:MAX_LINE].partition(b":")
        if colon and name == user:
            return password
    return None


def _access(users: str, user: bytes) -> str | None:
    """The access of the first word that names the user; None if there is none."""
    listed = users.split(",") if users.lstrip()[:1] == "," else users.replace(",", " ").split()
    for word in filter(None, (one.strip() for one in listed)):
        name, _, option = word.partition(":")
        if name.startswith("@") or not wildmatch(os.fsencode(name), user):
            continue
        option = option.lower()
        return (
            "deny" if option.startswith("d") else next((one for one in ("ro", "rw") if option[:2] == one), "")
        )
    return None


def fuzz_one(data: bytes) -> None:
    """Oracle: a model reads one line at a time. Nobody is let in with a response to another password.

    More lines and more words behind the one that counts change nothing.
    """
    choices = Choices(data)
    user, right = choices.pick(USERS), choices.byte() & 1
    raw, _, file = choices.rest().partition(b"\0")
    users = raw.decode("utf-8", "surrogateescape")
    with open(_path(), "wb") as out:
        out.write(file)
    os.chmod(_path(), 0o600)
    rules = parse_users(users)
    secrets = SecretsFile(_path())
    password = None if user[:1] in (b"#", b"@") else _password(file, user)
    response = _response(password) if password is not None and right else b"?"
    verdict = judge(user, rules, secrets, _response, response)
    access = _access(users, user)
    let_in = access is not None and access != "deny" and password is not None and bool(right)
    same(not verdict.reason, let_in, f"{user!r} by {users!r}: {verdict.reason}")
    if let_in:
        same(verdict.access, access, "access")
        expect(
            judge(user, [*rules, *parse_users("*:deny")], secrets, _response, response) == verdict,
            "a later rule",
        )
    expect(judge(user, rules, SecretsFile(_path() + "x"), _response, response).reason, "without a file")
    os.chmod(_path(), 0o604)
    expect(judge(user, rules, secrets, _response, response).reason, "a file that all may read")


def seeds() -> Iterator[tuple[str, bytes]]:
    """Rules and files that let somebody in, and some that almost do."""
    cases = (
        ("eva", "eva:sesame\n"), ("*", "adam:one\neva:two\n"), ("adam eva:ro", "eva:x"),
        ("e*:deny, *", "eva:x\n"),
        (",eva b,eva", "eva:x\n"), ("@wheel,eva:RW", "@wheel:a\neva:b\n"), ("eva", "#eva:x\n"),
        ("eva", "eva:a\neva:b\n"),
        ("eva", "eva\n:x\n"), ("eva:rox", "eva:\n"), ("*", "eva:a\r\nadam:b\r\n"), ("*", "eva:" + "x" * 1100),
        ("*", "x" * 1025 + "\neva:x"), ("", ""), ("EVA", "EVA:x"),
    )  # fmt: skip
    for number, (users, file) in enumerate(cases):
        for user in sorted({0, number % len(USERS)}):
            yield f"secrets.{number}.{user}", bytes((user, 1 - number % 5 // 4)) + f"{users}\0{file}".encode()

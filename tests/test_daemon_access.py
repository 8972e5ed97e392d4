"""Hosts, users and secrets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from refsync.daemon.access import UNDETERMINED, Client, allowed
from refsync.daemon.secrets import SecretsFile, judge, parse_users
from refsync.session.auth import DIGEST_LENGTHS, choose_digest, respond

HERE = Client("192.0.2.17", "box.example.org")
SIX = Client("2001:db8::7", UNDETERMINED)


@pytest.mark.parametrize(
    ("client", "allow", "deny", "expected"),
    [
        (HERE, "", "", True),
        (HERE, "192.0.2.17", "", True),
        (HERE, "192.0.2.18", "", False),
        (HERE, "192.0.2.0/24", "", True),
        (HERE, "192.0.2.0/255.255.255.0", "", True),
        (HERE, "192.0.3.0/24 , 10.0.0.0/8", "", False),
        (HERE, "192.0.2.16/31", "*", True),
        (HERE, "192.0.2.18/31", "*", False),
        (HERE, "0.0.0.0/0", "", True),
        (HERE, "*.example.org", "", True),
        (HERE, "BOX.example.*", "", True),
        (HERE, "*.example.net", "", False),
        (HERE, "", "192.0.2.0/24", False),
        (HERE, "", "10.0.0.0/8", True),
        (HERE, "10.0.0.0/8", "172.16.0.0/12", True),
        (HERE, "192.0.2.17", "192.0.2.0/24", True),
        (HERE, "2001:db8::/32", "", False),
        (SIX, "2001:db8::/32", "", True),
        (SIX, "2001:db8::7", "", True),
        (SIX, "", "2001:db8::/64", False),
        (Client("::ffff:192.0.2.17"), "192.0.2.0/24", "", True),
        # what can't be understood lets nobody in
        (HERE, "192.0.2.0/99", "", False),
        (HERE, "", "10.0.0.0/99", False),
        (HERE, "@netgroup", "", False),
        (HERE, "", "@netgroup", False),
    ],
)
def test_hosts(client: Client, allow: str, deny: str, expected: bool) -> None:
    assert allowed(client, allow, deny, forward_lookup=False) is expected


def test_a_denied_name_that_does_not_resolve_denies() -> None:
    name = "host.refsync.invalid"  # RFC 2606: never exists
    assert not allowed(HERE, "", name)
    assert not allowed(HERE, name, "")
    assert allowed(HERE, "", name, forward_lookup=False)


def secrets(tmp_path: Path, text: str, mode: int = 0o600) -> SecretsFile:
    path = tmp_path / "secrets"
    path.write_text(text)
    path.chmod(mode)
    return SecretsFile(str(path))


def answer(password: bytes) -> bytes:
    return respond("md5", password, b"challenge")


def verdict(file: SecretsFile, users: str, user: bytes, password: bytes) -> tuple[str, str]:
    found = judge(user, parse_users(users), file, answer, answer(password))
    return found.reason, found.access


def test_the_first_rule_that_names_a_user_decides(tmp_path: Path) -> None:
    file = secrets(tmp_path, "# a comment\nann:one\nbob:two:with colon\n\nann:again\r\ncrlf:x\r\n")
    users = "ann:rw, bob:RO eve:deny c*"
    assert verdict(file, users, b"ann", b"one") == ("", "rw")
    assert verdict(file, users, b"ann", b"again") == ("password mismatch", "rw")
    assert verdict(file, users, b"bob", b"two:with colon") == ("", "ro")
    assert verdict(file, users, b"eve", b"x") == ("denied by rule", "")
    assert verdict(file, users, b"crlf", b"x") == ("", "")
    assert verdict(file, users, b"carl", b"x")[0] == "secret not found"
    assert verdict(file, users, b"dan", b"x")[0] == "no matching rule"
    assert verdict(file, "*", b"# a comment", b"")[0] == "invalid username"


def test_a_group_is_no_user(tmp_path: Path) -> None:
    file = secrets(tmp_path, "@staff:shared\n")
    assert verdict(file, "*", b"@staff", b"shared")[0] == "invalid username"
    assert file.check(b"ann", b"staff", answer, answer(b"shared")) == ""
    assert file.check(b"ann", None, answer, answer(b"shared")) == "secret not found"


def test_a_comma_first_parts_by_commas_alone() -> None:
    rules = parse_users(", @group with space:deny, ann")
    assert [(rule.pattern, rule.group, rule.access) for rule in rules] == [
        (b"group with space", True, "deny"),
        (b"ann", False, ""),
    ]
    assert [rule.pattern for rule in parse_users("a,b c\td")] == [b"a", b"b", b"c", b"d"]


def test_secrets_that_others_can_read_are_not_used(tmp_path: Path) -> None:
    file = secrets(tmp_path, "ann:one\n", 0o644)
    assert "other-accessible" in file.check(b"ann", None, answer, answer(b"one"))
    assert SecretsFile(file.path, strict=False).check(b"ann", None, answer, answer(b"one")) == ""
    assert SecretsFile(str(tmp_path / "none")).check(b"ann", None, answer, b"") == "no secrets file"
    if os.getuid() == 0:
        os.chmod(file.path, 0o600)
        os.chown(file.path, 12345, -1)
        assert "owned by root" in file.check(b"ann", None, answer, answer(b"one"))


@pytest.mark.parametrize("digest", sorted(DIGEST_LENGTHS))
def test_responses_are_unpadded_and_depend_on_both(digest: str) -> None:
    right = respond(digest, b"secret", b"challenge")
    assert len(right) == (DIGEST_LENGTHS[digest] * 8 + 5) // 6
    assert b"=" not in right
    assert right != respond(digest, b"Secret", b"challenge")
    assert right != respond(digest, b"secret", b"Challenge")


@pytest.mark.parametrize(
    ("digest", "expected"),
    [  # base64 of what openssl gives for "secretchallenge"
        ("md5", b"QEiMMf9XE5h9Y4xG3FmQOA"),
        ("md4", b"JbHKXv/VdlzkkR2P11o+lg"),
        ("sha1", b"ObhKrMte5mG1tJgZSao/bjM8Opo"),
    ],
)
def test_known_responses(digest: str, expected: bytes) -> None:
    assert respond(digest, b"secret", b"challenge") == expected


def test_the_digest_is_the_first_of_the_clients_that_both_have() -> None:
    assert choose_digest(("sha256", "md5"), ("md5", "sha256"), 32) == "sha256"
    assert choose_digest(("xyz", "md4"), ("md5", "md4"), 32) == "md4"
    assert choose_digest(("xyz",), ("md5",), 32) is None
    assert choose_digest(("xyz",), ("xyz",), 32) is None
    assert choose_digest(None, ("md5",), 31) == "md5"
    assert choose_digest(("md5",), None, 29) == "md4-old"

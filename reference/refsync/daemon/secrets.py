"""Who may use a module: ``auth users`` and the secrets file.

Clauses AUTH-4 to AUTH-6; upstream ``authenticate.c:auth_server``, ``check_secret``.
"""

from __future__ import annotations

import grp
import hmac
import os
import pwd
from collections.abc import Callable

from ..filters.wildmatch import wildmatch
from ..options.named import open_named
from ..records import dataclass

#: Longest line of a secrets file.
MAX_LINE = 1024

#: Gives the right response for a password.
Responder = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Rule:
    """A word of ``auth users``: a pattern for users or groups; ``access`` is "", "ro", "rw" or "deny".

    ``option`` is what was written for that: what means nothing is passed over, as upstream does.
    """

    pattern: bytes
    group: bool
    access: str
    option: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """``reason`` is empty if the user is who it says, else for the log only; ``access`` as in ``Rule``."""

    reason: str
    access: str = ""


def parse_users(text: str) -> list[Rule]:
    """AUTH-6: the words of ``auth users``; a list that starts with a comma is parted by commas alone."""
    if text.lstrip().startswith(","):
        words = [word.strip() for word in text.split(",")]
    else:
        words = text.replace(",", " ").split()
    rules = []
    for word in filter(None, words):
        name, _, option = word.partition(":")
        option = option.lower()
        access = "deny" if option[:1] == "d" else option[:2] if option[:2] in ("ro", "rw") else ""
        raw = os.fsencode(name)
        rules.append(Rule(raw.removeprefix(b"@"), raw.startswith(b"@"), access, option))
    return rules


def judge(
    user: bytes, rules: list[Rule], secrets: SecretsFile, expected: Responder, response: bytes
) -> Verdict:
    """AUTH-6: the first rule that names the user decides; then the secret has to be right."""
    groups: list[bytes] | None = None
    for rule in rules:
        matched: bytes | None = None
        if not rule.group:
            if not wildmatch(rule.pattern, user):
                continue
        else:
            if groups is None:
                groups = groups_of(user)
            matched = next((group for group in groups if wildmatch(rule.pattern, group)), None)
            if matched is None:
                continue
        if rule.access == "deny":
            return Verdict("denied by rule")
        return Verdict(secrets.check(user, matched, expected, response), rule.access)
    return Verdict("no matching rule")


def groups_of(user: bytes) -> list[bytes]:
    """The names of all groups of a user of this machine; none if there is no such user."""
    try:
        entry = pwd.getpwnam(os.fsdecode(user))
    except (KeyError, ValueError):
        return []
    names = []
    for gid in os.getgrouplist(entry.pw_name, entry.pw_gid):
        try:
            names.append(os.fsencode(grp.getgrgid(gid).gr_name))
        except KeyError:
            continue
    return names


@dataclass(frozen=True, slots=True)
class SecretsFile:
    """Lines ``user:password`` and ``@group:password``; ``strict`` wants it closed to others."""

    path: str
    strict: bool = True

    def check(self, user: bytes, group: bytes | None, expected: Responder, response: bytes) -> str:
        """AUTH-4, AUTH-5: empty if the response is right for the user's line or the group's, else why not."""
        if user.startswith((b"#", b"@")):  # would match a comment, or pass a group off as a user
            return "invalid username"
        try:
            with os.fdopen(open_named(self.path, os.O_RDONLY), "rb") as file:
                complaint = self._complaint(os.fstat(file.fileno())) if self.strict else ""
                if complaint:
                    return complaint
                lines = file.read().splitlines()
        except OSError:
            return "no secrets file"
        wanted: dict[bytes, bool] = {user: True}
        if group is not None:
            wanted[b"@" + group] = True
        reason = "secret not found"
        for line in lines:
            name, colon, password = line[:MAX_LINE].partition(b":")
            if not colon or not wanted.get(name):
                continue
            if hmac.compare_digest(expected(password), response):
                return ""
            reason = "password mismatch"
            wanted[name] = False  # only the first line of a name counts
        return reason

    @staticmethod
    def _complaint(status: os.stat_result) -> str:
        if status.st_mode & 0o006:
            return "ignoring secrets file: it must not be other-accessible (see strict modes)"
        if os.getuid() == 0 and status.st_uid != 0:
            return "ignoring secrets file: it must be owned by root when running as root (see strict modes)"
        return ""

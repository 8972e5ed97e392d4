"""Who a connection runs as, and in which root directory.

Clause DAEMON-11; upstream ``clientserver.c:rsync_module``.
"""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Callable

from ..options.named import open_named
from ..records import dataclass, field
from ..session.daemon_server import Refused

NOBODY = "nobody"
#: The group of nobody has another name on other systems.
NOBODY_GROUPS = ("nogroup", "nobody")

Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Identity:
    """``uid`` None and ``gids`` empty leave things as they are; the first of ``gids`` is the main one."""

    uid: int | None = None
    gids: list[int] = field(default_factory=list)


def identity(uid_text: str, gid_text: str, log: Log) -> Identity:
    """DAEMON-11: who a module runs as; root becomes nobody unless the module says otherwise.

    Names have to be resolved before a chroot takes the tables away. ``gid`` is a
    list parted by commas or white space; ``*`` first means all groups of the user.
    """
    root = os.getuid() == 0
    uid_text = uid_text.strip() or (NOBODY if root else "")
    uid = _uid(uid_text, log) if uid_text else None
    words = gid_text.replace(",", " ").split()
    gids: list[int] = []
    if not words and root:
        gids = [_nobody_group(log)]
    for number, word in enumerate(words):
        if word == "*" and number == 0:
            gids += _all_groups(os.getuid() if uid is None else uid, log)
        else:
            gids.append(_gid(word, log))
    return Identity(uid, gids)


def become(who: Identity, log: Log) -> None:
    """Take on an identity: groups before the user, who may no longer change them."""
    try:
        what = "setgid"
        if who.gids:
            os.setgid(who.gids[0])
            what = "setgroups"
            os.setgroups(who.gids)
        what = "setuid"
        if who.uid is not None:
            os.setuid(who.uid)
    except OSError as error:
        log(f"{what} failed: {error.strerror} ({error.errno})")
        raise Refused(f"{what} failed") from None


def no_chroot() -> str:
    """Why a change of the root directory is not permitted, found out by changing to the one there is."""
    try:
        os.chroot("/")
    except OSError as error:
        return error.strerror or "not permitted"
    return ""


def change_root(path: str, log: Log) -> None:
    """Make ``path`` the root directory; names from the old one can't be reached afterwards."""
    try:
        _go_to(path)
        os.chroot(".")
        os.chdir("/")
    except OSError as error:
        log(f'chroot("{path}") failed: {error.strerror} ({error.errno})')
        raise Refused("chroot failed") from None


def change_directory(path: bytes, log: Log) -> None:
    """Make ``path`` the working directory."""
    try:
        _go_to(path)
    except OSError as error:
        log(f"chdir {os.fsdecode(path)} failed: {error.strerror} ({error.errno})")
        raise Refused("chdir failed") from None


def _go_to(path: str | bytes) -> None:
    """DAEMON-29: by no symlink of somebody else's."""
    fd = open_named(path, os.O_PATH | os.O_DIRECTORY)
    try:
        os.fchdir(fd)
    finally:
        os.close(fd)


def user_number(text: str) -> int | None:
    """The uid that a number or a name means here, None if it means none. A number is never a name."""
    if text.isascii() and text.isdecimal():
        return _number(text)
    try:
        return pwd.getpwnam(text).pw_uid
    except (KeyError, ValueError):
        return None


def group_number(text: str) -> int | None:
    """The gid that a number or a name means here, None if it means none."""
    if text.isascii() and text.isdecimal():
        return _number(text)
    try:
        return grp.getgrnam(text).gr_gid
    except (KeyError, ValueError):
        return None


def _number(digits: str) -> int | None:
    """An id; the highest number means none to the system."""
    value = int(digits[:11])
    return value if value < 0xFFFFFFFF else None


def _uid(text: str, log: Log) -> int:
    uid = user_number(text)
    if uid is None:
        log(f"Invalid uid {text}")
        raise Refused(f"invalid uid {text}")
    return uid


def _gid(text: str, log: Log) -> int:
    gid = group_number(text)
    if gid is None:
        log(f"Invalid gid {text}")
        raise Refused(f"invalid gid {text}")
    return gid


def _nobody_group(log: Log) -> int:
    for name in NOBODY_GROUPS:
        try:
            return grp.getgrnam(name).gr_gid
        except KeyError:
            continue
    return _gid(NOBODY_GROUPS[0], log)


def _all_groups(uid: int, log: Log) -> list[int]:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        log(f"getpwuid({uid}) failed")
        raise Refused("getpwuid failed") from None
    groups = os.getgrouplist(entry.pw_name, entry.pw_gid)
    return [entry.pw_gid, *(gid for gid in groups if gid != entry.pw_gid)]

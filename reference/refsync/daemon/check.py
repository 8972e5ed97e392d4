"""``--daemon --check-config``: what is wrong with a configuration, with file, line and reason.

It finds what would show when the daemon starts, when a client comes, or never.
Nothing is served. Clause DAEMON-24.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator

from ..files.charset import Charset
from ..files.log import FACILITIES
from ..options.chmod import parse as parse_chmod
from ..options.refusal import Refusals
from ..transport import sockopts
from ..wire.errors import Exit, RefsyncError
from . import privileges
from .access import mistakes_of
from .config import Section
from .entrance import Start
from .rules import module_rules
from .secrets import parse_users


def check(start: Start) -> int:
    """Print the mistakes; returns 1 if there are any."""
    found = mistakes(start)
    for mistake in found:
        print(mistake)
    if not found:
        print(f"{start.path}: no mistakes")
    sys.stdout.flush()
    return Exit.SYNTAX if found else Exit.OK


def mistakes(start: Start) -> list[str]:
    """The mistakes in the order of the file, as lines ``file, line N: reason``."""
    notes: list[str] = []
    try:
        config = start.load(notes)
    except RefsyncError as error:
        return [*notes, error.message]
    return [*notes, *_global(config.main), *(each for module in config.modules for each in _of(module))]


def _global(main: Section) -> Iterator[str]:
    port = main.number("port")
    if not 0 <= port < 65536:
        yield f"{main.place('port')}: {port} is no port"
    if main.text("address"):
        try:
            socket.getaddrinfo(main.text("address"), None, flags=socket.AI_PASSIVE)
        except (OSError, UnicodeError) as error:
            yield f"{main.place('address')}: the address {main.text('address')}: {_reason(error)}"
    if main.number("listen backlog") < 1:
        yield f"{main.place('listen backlog')}: the listen backlog must be at least 1"
    with socket.socket() as trial:
        for complaint in sockopts.apply(trial, main.text("socket options")):
            yield f"{main.place('socket options')}: {complaint}"
    for what, find in (("daemon uid", privileges.user_number), ("daemon gid", privileges.group_number)):
        if main.text(what) and find(main.text(what)) is None:
            yield f"{main.place(what)}: {what} {main.text(what)} is not known here"
    root = main.text("daemon chroot")
    if root and not os.path.isdir(root):
        yield f"{main.place('daemon chroot')}: the daemon chroot {root} is no directory"
    if main.text("motd file") and not os.access(main.text("motd file"), os.R_OK):
        yield f"{main.place('motd file')}: the motd file {main.text('motd file')} can't be read"
    if main.text("pid file") and not _can_make(main.text("pid file")):
        yield f"{main.place('pid file')}: the pid file {main.text('pid file')} can't be made"
    for item in mistakes_of(main.text("proxy protocol hosts")):
        yield f"{main.place('proxy protocol hosts')}: proxy protocol hosts has {item}"
    if main.flag("proxy protocol") and not main.text("proxy protocol hosts"):
        yield f"{main.place('proxy protocol')}: without proxy protocol hosts every connection is refused"


def _of(module: Section) -> Iterator[str]:
    for name, reason in _reasons(module):
        yield f"{module.place(name)}: module {module.name}: {reason}"


def _reasons(module: Section) -> Iterator[tuple[str, str]]:
    """(parameter, reason) of each mistake of a module."""
    yield from _path(module)
    yield from _identity(module)
    for kind in ("incoming chmod", "outgoing chmod"):
        try:
            parse_chmod(module.text(kind) or "u+r", 0)
        except ValueError:
            yield kind, f'Invalid "{kind}" directive: {module.text(kind)}'
    for word in Refusals(module.text("refuse options")).unknown:
        yield "refuse options", f"no option is called {word}"
    for name in ("hosts allow", "hosts deny"):
        for item in mistakes_of(module.text(name), resolve=module.flag("forward lookup")):
            yield name, f"{name} has {item}"
    facility = module.text("syslog facility").lower()
    if facility not in FACILITIES and not facility.isdecimal():
        yield "syslog facility", f"there is no syslog facility {facility}"
    for name in ("early exec", "pre-xfer exec", "post-xfer exec", "name converter"):
        try:
            module.command(name)
        except RefsyncError as error:
            yield name, error.message
    if module.number("max connections") and not _can_make(module.text("lock file")):
        yield "lock file", f"the lock file {module.text('lock file')} can't be made"
    if module.text("log file") and not _can_make(module.text("log file")):
        yield "log file", f"the log file {module.text('log file')} can't be made"
    if module.text("charset"):
        try:
            Charset(module.text("charset"))
        except RefsyncError as error:
            yield "charset", error.message
    try:
        module_rules(module)
    except RefsyncError as error:
        yield "filter", error.message


def _path(module: Section) -> Iterator[tuple[str, str]]:
    path = module.text("path")
    if not path:
        yield "", "no path"
    elif not path.startswith("/"):
        yield "path", f"the path {path} does not start with a slash"
    elif "%" not in path and not os.path.isdir(path):
        yield "path", f"the path {path} is no directory"
    if module.maybe("use chroot") and os.getuid() != 0:
        yield "use chroot", "only root can use chroot"


def _identity(module: Section) -> Iterator[tuple[str, str]]:
    if module.text("uid") and privileges.user_number(module.text("uid").strip()) is None:
        yield "uid", f"uid {module.text('uid')} is not known here"
    for number, word in enumerate(module.text("gid").replace(",", " ").split()):
        if not (word == "*" and number == 0) and privileges.group_number(word) is None:
            yield "gid", f"gid {word} is not known here"
    if not module.text("auth users").strip():
        return
    for rule in parse_users(module.text("auth users")):
        shown = os.fsdecode(rule.pattern)
        if rule.option and not rule.access:
            yield "auth users", f"auth users says {rule.option} of {shown}, which is not ro, rw or deny"
        if rule.group and not set(shown) & set("*?[") and privileges.group_number(shown) is None:
            yield "auth users", f"the group {shown} of auth users is not known here"
    path = module.text("secrets file")
    try:
        status = os.stat(path) if path else None
    except OSError as error:
        yield "secrets file", f"the secrets file {path}: {error.strerror}"
        return
    if status is None:
        yield "auth users", "auth users without a secrets file let nobody in"
    elif module.flag("strict modes"):
        if status.st_mode & 0o006:
            yield "secrets file", f"the secrets file {path} must not be other-accessible (see strict modes)"
        elif os.getuid() == 0 and status.st_uid != 0:
            yield "secrets file", f"the secrets file {path} must be owned by root (see strict modes)"


def _reason(error: OSError | UnicodeError) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


def _can_make(path: str) -> bool:
    return os.access(path if os.path.exists(path) else os.path.dirname(path) or ".", os.W_OK)

"""The daemon's side of one connection: what ``session.daemon_server`` asks of the machine.

Clauses DAEMON-5 to DAEMON-8, DAEMON-11; upstream ``clientserver.c:rsync_module``.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Collection, Iterable

from ..engine.module import ModuleContext
from ..files.charset import Charset
from ..files.log import Log
from ..files.scan import MUNGED
from ..options.named import open_named, read_named
from ..session.daemon_server import Refused, Responder
from ..wire.errors import RefsyncError
from . import privileges, secrets
from .access import UNDETERMINED, Client, allowed, look_up
from .config import Config, Section
from .confinement import wall_in
from .entrance import Start
from .programs import Hooks
from .rules import module_rules


class ModuleHost:
    """One connection's host; after ``enter`` it has the ``context`` for the engine."""

    def __init__(
        self, start: Start, config: Config, client: Client, log: Log, descriptors: Collection[int] = ()
    ) -> None:
        self._start = start
        self._descriptors = tuple(descriptors)
        self._config = config
        self._log = log
        self._section: Section | None = None
        self._hooks: Hooks | None = None
        self._lock = -1
        self.client = client
        self.user = ""
        self.read_only = True
        self.context: ModuleContext | None = None
        self.munge_links = False
        self.confined = True  # paths are all that keep a client inside the module
        self.numeric_ids = False
        self.charset: Charset | None = None  # that of the module's names, if it says

    @property
    def hooks(self) -> Hooks:
        """The module's programs, once it was entered."""
        assert self._hooks is not None
        return self._hooks

    @property
    def section(self) -> Section:
        """The module that was opened."""
        assert self._section is not None
        return self._section

    def motd(self) -> bytes:
        path = self._config.main.text("motd file")
        if not path:
            return b""
        try:
            return read_named(path) + b"\n"
        except OSError:
            return b"\n"

    def listing(self) -> Iterable[tuple[bytes, bytes]]:
        self._log(f"module-list request from {self._from()}")
        for module in self._config.modules:
            if module.flag("list"):
                yield os.fsencode(module.name), os.fsencode(module.text("comment"))

    def open(self, name: bytes) -> bool:
        text = os.fsdecode(name)
        section = self._config.module(text)
        if section is None:
            self._log(f"unknown module '{text}' tried from {self._from()}")
            raise Refused(f"Unknown module '{text}'")
        self._section = section
        if self.client.host == UNDETERMINED and section.flag("reverse lookup"):
            self.client = Client(self.client.address, look_up(self.client.address))
        self._set_environment(RSYNC_MODULE_NAME=section.name, RSYNC_HOST_NAME=self.client.host)
        self._set_environment(RSYNC_HOST_ADDR=self.client.address)
        self._check_access(section)
        self._claim(section)
        self.read_only = section.flag("read only")
        return bool(section.text("auth users").strip())

    def challenge(self, length: int) -> bytes:
        return os.urandom(length)

    def authenticate(self, user: bytes, expected: Responder, response: bytes) -> bool:
        section = self.section
        rules = secrets.parse_users(section.text("auth users"))
        file = secrets.SecretsFile(section.text("secrets file"), section.flag("strict modes"))
        verdict = secrets.judge(user, rules, file, expected, response)
        if verdict.reason:
            who = f"{self._from()} for {os.fsdecode(user)}"
            self._log(f"auth failed on module {section.name} from {who}: {verdict.reason}")
            return False
        if verdict.access:
            self.read_only = verdict.access == "ro"
        self.user = os.fsdecode(user)
        return True

    def enter(self, early_input: bytes) -> None:
        section = self.section
        self._set_environment(RSYNC_USER_NAME=self.user)
        if charset := section.text("charset"):
            try:
                self.charset = Charset(charset)  # before anything changes what the C library can load
            except RefsyncError as error:
                self._log(error.message)
                raise Refused("the module's charset is not known", error.code) from None
        who = privileges.identity(section.text("uid"), section.text("gid"), self._log)
        path = section.text("path")
        if not path:
            self._log(f"No path specified for module {section.name}")
            raise Refused("no path setting.")
        if not path.startswith("/"):
            self._log(f"normalize_path({path}) failed")
            raise Refused("chdir failed")
        outer, inner, chrooted = self._roots(section, path)
        self._set_environment(RSYNC_MODULE_PATH=os.path.normpath(path))
        try:
            rules = module_rules(section)
        except RefsyncError as error:
            self._log(error.message)
            raise Refused("the module's filter rules can't be read") from None
        if not self._start.log_file:
            self._log.change(
                section.text("log file"), section.text("syslog tag"), section.text("syslog facility")
            )
        try:
            self._hooks = Hooks(section)
        except RefsyncError as error:
            self._log(error.message)
            raise Refused("the module's programs can't be run") from None
        try:
            self._hooks.start(early_input, self._descriptors)
        except Refused as error:
            self._log(error.message)
            raise
        if chrooted:
            privileges.change_root(outer, self._log)
        root = os.fsencode(inner if chrooted else os.path.normpath(path))
        privileges.change_directory(root, self._log)
        munge = section.maybe("munge symlinks")
        if munge is None:
            munge = not chrooted or root != b"/"
        if munge and os.path.isdir(MUNGED):
            self._log(f"Symlink munging is unsafe when a {MUNGED.rstrip(b'/').decode()} directory exists.")
            raise Refused("daemon security issue -- contact admin")
        privileges.become(who, self._log)
        if not chrooted or root != b"/":
            wall_in(root, writable=not self.read_only, log=self._log)
        numeric = section.maybe("numeric ids")
        self.context = ModuleContext(
            name=section.name,
            root=root,
            read_only=self.read_only,
            write_only=section.flag("write only"),
            filters=rules,
            timeout=section.number("timeout"),
            facts={
                "h": os.fsencode(self.client.host),
                "a": os.fsencode(self.client.address),
                "m": os.fsencode(section.name),
                "P": os.fsencode(os.path.normpath(path)),
                "u": os.fsencode(self.user),
            },
            dont_compress=section.text("dont compress"),
            confined=not chrooted or root != b"/",
            ignore_nonreadable=section.flag("ignore nonreadable"),
        )
        self.munge_links = munge
        self.confined = not chrooted or root != b"/"
        if chrooted:  # the new root has no names, unless a program knows them
            self.numeric_ids = numeric is not False and not self._hooks.converts
        else:
            self.numeric_ids = numeric is True

    def _check_access(self, section: Section) -> None:
        allow, deny = section.text("hosts allow"), section.text("hosts deny")
        forward = section.flag("forward lookup")
        let_in = allowed(self.client, allow, deny, forward_lookup=forward, found=self._found)
        if not let_in:
            self._log(f"rsync denied on module {section.name} from {self._from()}")
            if not section.flag("list"):  # who may not see it learns nothing of it
                raise Refused(f"Unknown module '{section.name}'")
            raise Refused(f"access denied to {section.name} from {self._from()}")
        self._log(f"rsync allowed access on module {section.name} from {self._from()}")

    def _found(self, name: str) -> None:
        """A client whose name nobody looked up is called as the list of hosts has it."""
        if self.client.host == UNDETERMINED:
            self.client = Client(self.client.address, name)

    def _claim(self, section: Section) -> None:
        """Hold one of so many places in the lock file for as long as this process lives."""
        limit = section.number("max connections")
        if limit == 0:
            return
        path = section.text("lock file")
        try:
            self._lock = open_named(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            self._log(f"failed to open lock file {path}: {error.strerror} ({error.errno})")
            raise Refused("failed to open lock file") from None
        for place in range(limit):
            try:
                fcntl.lockf(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB, 4, place * 4)
                return
            except OSError:
                continue
        self._log(f"max connections ({limit}) reached")
        raise Refused(f"max connections ({limit}) reached -- try again later")

    def _roots(self, section: Section, path: str) -> tuple[str, str, bool]:
        """The new root directory, where the module is in it, and whether there will be one at all."""
        wanted = section.maybe("use chroot")
        outer, divider, inner = path.partition("/./")
        if wanted is None:
            reason = "" if divider else privileges.no_chroot()
            wanted = not reason
            if reason:
                self._log(f"chroot test failed: {reason}. Switching 'use chroot' from unset to false.")
        if not divider:
            return os.path.normpath(path), "/", wanted
        return os.path.normpath(outer or "/"), os.path.normpath("/" + inner), wanted

    def _from(self) -> str:
        return f"{self.client.host} ({self.client.address})"

    @staticmethod
    def _set_environment(**values: str) -> None:
        """For ``%VAR%`` in the parameters that are read from here on."""
        os.environ.update(values)

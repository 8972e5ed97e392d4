"""Where the files go: the destination directory, or the one file that is to be written.

Clauses FS-1 to FS-6, XFER-17; upstream ``main.c:get_local_name``,
``rsync.c:finish_transfer``, ``set_file_attrs``.
"""

from __future__ import annotations

import os
import stat

from ..files import fakesuper
from ..files.acls import default_permissions
from ..files.attributes import Attributes, dest_mode
from ..files.destination import Destination
from ..files.extended import Extended
from ..files.rank import FAKE, ORDINARY, rank
from ..files.scan import size_of
from ..files.sources import PLAIN, Files, is_dir
from ..files.temp import TempFile
from ..files.walk import DIRECTORY
from ..options.named import open_named
from ..session.lists import FileLists
from ..wire import items
from ..wire.entry import FileEntry
from ..wire.errors import Exit, RefsyncError
from .attached import TargetAttributes, digest_of
from .changes import module_changes
from .descriptors import Descriptors
from .module import first_hidden
from .places import Places
from .session import Session, os_error


class Target:
    """The receiving side's files.

    ``local_name`` is set if a single file is to be written under a name of
    its own. ``missing`` is a directory that a dry run did not make.
    """

    def __init__(
        self, session: Session, root: bytes, local_name: bytes | None = None, *, missing: bool = False
    ) -> None:
        files = session.files
        self._session = session
        self.root = root
        self.local_name = local_name
        self.missing = missing
        self.created = False
        self.temp_place = b""  # another directory for temporary files
        self.umask = os.umask(0)
        os.umask(self.umask)
        self._in_dir: tuple[bytes | None, int] = (None, 0)
        # a missing directory is represented by its nearest existing parent and never written to
        place = _existing(files, root) if missing else root
        if session.module is None:  # what the user named, by nobody else's symlink (DAEMON-29)
            held: int | None = open_named(place, DIRECTORY)
        else:
            held = None if files is PLAIN else files.open(place, DIRECTORY)
        self.dest = Destination(place, held)
        self.dest.read_flags |= session.checksums.open_flags
        if rank(session.options) == FAKE:
            self.dest.fake_super(session.fail)
        extended = Extended(
            self.dest,
            session.options,
            session.fail,
            session.say,
            names=session.xattr_names,
            digest_of=digest_of,
            kept=Descriptors(session).kept,
        )
        self.extended = extended
        self.attached = TargetAttributes(session, extended)
        self.attributes = Attributes(
            self.dest,
            session.options,
            session.fail,
            umask=self.umask,
            extended=extended,
            changes=module_changes(session.options),
        )

    def name(self, entry: FileEntry) -> bytes:
        """The entry's name below the root."""
        return entry.name if self.local_name is None else self.local_name

    def path(self, name: bytes) -> bytes:
        """The absolute path as messages have it: the top itself ends in a dot."""
        return os.path.join(self.root, name)

    def directory(self, name: bytes) -> bytes:
        """The absolute path of a directory."""
        return os.path.join(self.root, name) if name != b"." else self.root

    def shown(self, name: bytes) -> bytes:
        return b'"' + self.path(name) + b'"'

    def lstat(self, name: bytes) -> os.stat_result | None:
        """What has this name now, None if nothing has; other errors escape."""
        status = None if self.missing else self.dest.lstat(name)
        if status is None or not self._session.options.write_devices or status.st_size:
            return status
        mode = status.st_mode
        return self._sized(name, status) if stat.S_ISBLK(mode) or stat.S_ISCHR(mode) else status

    def _sized(self, name: bytes, status: os.stat_result) -> os.stat_result:
        """FS-26: a device that is written to as a file is as large as its end is far."""
        try:
            fd = self.dest.open_read(name, device=True)
        except OSError:
            return status
        try:
            return fakesuper.sized(status, size_of(fd))
        finally:
            os.close(fd)

    def fix_mode(self, entry: FileEntry, status: os.stat_result | None) -> None:
        """FS-4: without ``-p`` an existing file keeps its permissions, a new one gets the usual ones."""
        options = self._session.options
        if not options.perms:
            if (sent := self._session.items.sent_modes) is not None:
                sent.setdefault(entry.name, entry.mode)
            umask = self.umask if status is not None else self.umask_in(entry.dirname)
            entry.mode = dest_mode(entry.mode, status, umask, options)

    def directory_of(self, prefix: bytes) -> int | None:
        """The directory of names that begin so, a descriptor good until the next call; None without one."""
        try:
            return self.dest.place_of(prefix + b"x")[0]
        except OSError:
            return None

    def umask_in(self, directory: bytes) -> int:
        """FS-4: the umask, or what the directory's default access list makes of it."""
        if self._in_dir[0] != directory:
            umask = self.umask
            try:
                if not self.missing:
                    path = self.dest.attribute_path(directory or b".")
                    umask = ~default_permissions(path, umask) & 0o777
            except OSError:
                pass
            self._in_dir = (directory, umask)
        return self._in_dir[1]

    def set_xattrs(self, entry: FileEntry, iflags: int) -> None:
        """XATTR-9: an item whose attributes alone were asked for gets them, and all others once more."""
        options = self._session.options
        if not options.xattrs or options.dry_run or not items.xattrs_follow(iflags, optimised=True):
            return
        name = self.name(entry)
        # a directory that its owner can't use yet stays usable until its contents are there
        later = entry.is_dir and entry.mode & 0o700 != 0o700 and rank(options) == ORDINARY
        self.attributes.apply(name, entry, xattrs_of=name, set_mode=not later)

    def use_temp_dir(self, directory: bytes, places: Places) -> None:
        """FS-9: make temporary files there; ``RefsyncError`` if it is no directory."""
        module = self._session.module
        path = places.path(directory)
        if module is not None and first_hidden(module.rules(sender=False), places.below_module(path), True):
            raise RefsyncError("Your options have been rejected by the server.", Exit.SYNTAX)
        shown = os.fsdecode(directory)
        try:
            self.temp_place = places.enter(path)
        except NotADirectoryError:
            raise RefsyncError(f"The temp-dir is not a directory: {shown}", Exit.SYNTAX) from None
        except FileNotFoundError:
            raise RefsyncError(f"The temp-dir does not exist: {shown}", Exit.SYNTAX) from None
        except OSError as error:
            raise RefsyncError(f"Failed to stat temp-dir {shown}: {error.strerror}", Exit.FILE_IO) from None

    def open_output(self, name: bytes, entry: FileEntry, *, part: bytes | None, sparse: bool) -> TempFile:
        """A temporary file, with ``--inplace`` the file itself, or the part that is to be completed."""
        options = self._session.options
        if options.inplace:
            return self.dest.open_inplace(name, sparse=sparse, device=options.write_devices)
        if part is not None:
            return self.dest.open_inplace(part, target=name, sparse=sparse)
        return self.dest.create_temp(name, mode=entry.mode, sparse=sparse, place=self.temp_place)

    def preallocate(self, entry: FileEntry, temp: TempFile, here: os.stat_result | None) -> None:
        """FS-10: room for the whole file, if the file system can; ``here``: what is written over."""
        old = here.st_size if temp.inplace and here is not None else 0
        if not self._session.options.preallocate or entry.size <= old:
            return
        try:
            temp.writer.preallocate(entry.size)
        except OSError as error:
            what = os_error("do_fallocate", self.path(self.name(entry)), error, b"")
            self._session.reporter.warning(b"rsync: [receiver] " + what + b"\n")

    def close(self) -> None:
        self.dest.close()


def _existing(files: Files, path: bytes) -> bytes:
    path = os.path.abspath(path)
    while not is_dir(files, path) and path != b"/":
        path = os.path.dirname(path)
    return path


def open_target(session: Session, lists: FileLists, dest: bytes, base: bytes = b"") -> Target:
    """XFER-17: what a destination argument means, given what is to come.

    An existing directory takes the files. More than one entry, or a trailing
    slash, makes a directory. Otherwise the one file is written under that name.
    """
    options = session.options
    total = lists.total
    first = next((entry for entry in lists.live[0].entries if entry.active), None) if lists.live else None
    module = session.module
    if module and first_hidden(module.rules(sender=False), dest, True) is not None:
        raise _refuse(f'daemon has excluded destination "{os.fsdecode(dest.rstrip(b"/"))}"')
    path = os.path.join(base, dest) if base else dest
    path = path or b"."
    if options.list_only:
        return Target(session, os.path.abspath(_existing(session.files, path)), missing=True)
    try:
        status: os.stat_result | None = session.files.stat(path)
    except FileNotFoundError:
        status = None
    except OSError as error:
        text = f"ERROR: cannot stat destination {_quoted(session, path)}: {error.strerror} ({error.errno})"
        raise RefsyncError(f"rsync: [Receiver] {text}", Exit.FILE_SELECT) from None
    trailing = path.endswith(b"/")
    if options.mkpath and status is None and (total > 1 or b"/" in path):
        make_path(session, path, dest, whole=total > 1 and not trailing)
        try:
            status = session.files.stat(path)
        except OSError:
            status = None
    if status is not None:
        if stat.S_ISDIR(status.st_mode):
            return _enter(session, path)
        if total > 1:
            raise _refuse("destination must be a directory when copying more than 1 file")
        if first is not None and first.is_dir:
            raise _refuse("cannot overwrite non-directory with a directory")
    if (
        total > 1
        or trailing
        or (first is not None and first.is_dir and total == 1 and lists.inc_recurse and not lists.eof)
    ):
        if status is not None:
            raise RefsyncError("ERROR: destination path is not a directory", Exit.SYNTAX)
        path = path.rstrip(b"/") or b"/"
        if not options.dry_run:
            try:
                session.files.mkdir(path)
            except OSError as error:
                raise RefsyncError(
                    f"mkdir {_quoted(session, path)} failed: {error.strerror} ({error.errno})", Exit.FILE_IO
                ) from None
        if options.info["NAME"] or options.format_has_i:
            session.reporter.info(b"created directory " + dest.rstrip(b"/") + b"\n")
        target = Target(session, os.path.abspath(path), missing=options.dry_run)
        target.created = first is not None and first.name == b"."
        return target
    parent, name = os.path.split(path)
    target = _enter(session, parent or b".", 3)
    target.local_name = name
    return target


def make_path(session: Session, path: bytes, shown: bytes, *, whole: bool) -> None:
    """XFER-22: ``--mkpath``: the directories that lead to the destination, and itself if it is to be one.

    ``RefsyncError`` (exit 11) if one can't be made. A dry run makes none.
    """
    options = session.options
    missing: list[bytes] = []
    at = (
        path.rstrip(b"/")
        if whole
        else path[: max(path.rfind(b"/"), 0)] or (b"/" if path[:1] == b"/" else b"")
    )
    while at and not is_dir(session.files, at):
        missing.append(at)
        at = os.path.dirname(at.rstrip(b"/"))
    if not missing or options.dry_run:
        return
    for directory in reversed(missing):
        try:
            session.files.mkdir(directory)
        except OSError as error:
            text = f"mkdir {_quoted(session, directory)} failed: {error.strerror} ({error.errno})"
            raise RefsyncError(text, Exit.FILE_IO) from None
    if options.info["NAME"] or options.format_has_i:
        kind = b"directory" if len(missing) == 1 else b"directories"
        name = shown if whole else shown[: shown.rfind(b"/")]
        session.reporter.info(b"created %d %s for " % (len(missing), kind) + name + b"\n")


def _enter(session: Session, path: bytes, number: int = 1) -> Target:
    """Go there; ``number`` tells upstream's messages about that apart."""
    try:
        return Target(session, os.path.abspath(path))
    except OSError as error:
        raise RefsyncError(
            f"change_dir#{number} {_quoted(session, path)} failed: {error.strerror} ({error.errno})",
            Exit.FILE_SELECT,
        ) from None


def _refuse(text: str) -> RefsyncError:
    return RefsyncError(f"ERROR: {text}", Exit.FILE_SELECT)


def _quoted(session: Session, path: bytes) -> str:
    """A path in a message; what is in a module is shown as it is below the module's root."""
    shown, module = os.path.abspath(path), session.module
    root = module.root.rstrip(b"/") + b"/" if module else b""
    if module and root != b"/" and shown.startswith(root):
        return f'"{os.fsdecode(shown.removeprefix(root))}" (in {module.name})'
    return f'"{os.fsdecode(shown)}"'

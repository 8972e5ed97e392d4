"""What a daemon's module lays down for one connection.

Clauses DAEMON-8, DAEMON-12; upstream ``flist.c:path_is_daemon_excluded``,
``util1.c:full_fname``.
"""

from __future__ import annotations

import errno
import os

from ..files.ids import LOCAL_NAMES, Names
from ..filters.rulelist import FilterList
from ..filters.rules import RECEIVER, SENDER
from ..records import dataclass, field


@dataclass(slots=True)
class ModuleContext:
    """A module as the engine sees it: ``root`` is its directory, ``timeout`` seconds or 0.

    ``filters`` are rules about names below ``root``, whatever part of the
    module is transferred.
    """

    name: str
    root: bytes
    read_only: bool = True
    write_only: bool = False
    filters: list[str] = field(default_factory=list)
    timeout: int = 0
    facts: dict[str, bytes] = field(default_factory=dict)  # what a log format calls h, a, P, m and u
    dont_compress: str = ""
    ignore_nonreadable: bool = False
    confined: bool = False  # paths are all that keep a client inside: no new root does
    names: Names = LOCAL_NAMES  # who has which id
    here: bytes | None = None

    def rules(self, *, sender: bool) -> FilterList:
        """The module's rules as they count on one side; names are those below the root."""
        rules = FilterList.from_options(self.filters, module_root=self.root)
        rules.work_for(SENDER if sender else RECEIVER)
        rules.set_root(self.root)
        return rules

    def shown(self, text: bytes) -> bytes:
        """A message with its quoted paths as a client knows them: ``"sub/file" (in module)``.

        A path starts with a slash if the directory that this side works in, ``here``, is below the root, or
        the root is that of a chroot; while that is unknown, if the path is not right below the root.
        """
        root = self.root.rstrip(b"/")
        place = b" (in " + os.fsencode(self.name) + b")"
        out = []
        at = 0
        while (start := text.find(b'"' + root, at)) >= 0:
            start += 1
            end = text.find(b'"', start)
            path = text[start:end]
            if end < 0:
                break
            if path != root and not path.startswith(root + b"/"):
                out.append(text[at : end + 1])
            else:
                below = path[len(root) :]
                plain = below.count(b"/") == 1 if self.here is None else self.here.rstrip(b"/") == root
                if self.root != b"/" and plain:
                    below = below[1:]
                out += (text[at:start], below or b"/", b'"', place)
            at = end + 1
        return b"".join(out) + text[at:]


def first_hidden(rules: FilterList, path: bytes, is_dir: bool) -> bytes | None:
    """The first part of a path that the rules hide: a directory on the way, or the path itself."""
    parts = [part for part in path.split(b"/") if part not in (b"", b".")]
    for count in range(1, len(parts) + 1):
        name = b"/".join(parts[:count])
        if rules.check(name, is_dir or count < len(parts)) < 0:
            return name
    return None


def not_there() -> OSError:
    """What a client is told of something hidden."""
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))

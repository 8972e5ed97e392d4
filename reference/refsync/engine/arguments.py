"""What a source argument means: where to start, which name in the list, what of it.

Clauses FLIST-16, FLIST-23; upstream ``flist.c:send_file_list``, ``util1.c:clean_fname``.
"""

from __future__ import annotations

from enum import Enum

from ..files.sources import join
from ..records import dataclass
from ..wire.errors import Exit, RefsyncError


class Kind(Enum):
    """How much of what it names an argument asks for."""

    NAME = "the thing itself"
    CONTENTS = "what is in the directory that the transfer starts from"
    DIRECTORY = "the directory, and what is in it"  # ``dir/`` with ``--relative``
    MISSING = "to be deleted: it is not there"


@dataclass(frozen=True, slots=True)
class Argument:
    """``base``: the directory to start from, empty for the current one; ``name``: in the list.

    ``name`` has a leading slash if a whole path is to be kept; it is ``b"."`` or ``b"/."`` for
    the contents. ``dotted``: a leading ``./`` asks for the starting directory's own attributes.
    """

    base: bytes
    name: bytes
    kind: Kind = Kind.NAME
    dotted: bool = False

    @property
    def contents(self) -> bool:
        return self.kind is Kind.CONTENTS

    @property
    def path(self) -> bytes:
        """The whole of it again."""
        return join(self.base, self.name)


def split_argument(path: bytes, *, relative: bool = False) -> Argument:
    """FLIST-16; with ``relative`` FLIST-23: the whole path, or what follows ``/./``, is the name."""
    if relative:
        return _split_relative(path)
    if not path or path.endswith(b"/"):
        path = b"." if path == b"./" else path + b"."
    elif path == b".." or path.endswith(b"/.."):
        path += b"/."
    kind = Kind.CONTENTS if path == b"." or path.endswith(b"/.") else Kind.NAME
    cut = path.rfind(b"/")
    if cut < 0:
        return Argument(b"", path, kind)
    return Argument(path[:cut] or b"/", path[cut + 1 :], kind)


def _split_relative(path: bytes) -> Argument:
    base, divider, name = path.partition(b"/./")
    if divider:
        base, name = _clean(base) if base else b"/", name.lstrip(b"/")
    else:
        base, name = b"", path
    dotted = name.startswith(b"./") and len(name) > 2
    name = _clean(name)
    if b".." in name.split(b"/"):
        shown = name.decode("utf-8", "surrogateescape")
        raise RefsyncError(f'found ".." dir in relative path: {shown}', Exit.SYNTAX)
    if name == b"/":
        return Argument(base, b"/.", Kind.CONTENTS, dotted)
    if name == b".":
        return Argument(base, name, Kind.CONTENTS, dotted)
    if name.endswith(b"/"):
        return Argument(base, name[:-1], Kind.DIRECTORY, dotted)
    return Argument(base, name, Kind.NAME, dotted)


def _clean(path: bytes) -> bytes:
    """No doubled slashes, no dot components; a slash at the end stays."""
    parts = [part for part in path.split(b"/") if part not in (b"", b".")]
    out = b"/" * path.startswith(b"/") + b"/".join(parts)
    if parts and path.endswith((b"/", b"/.")):
        out += b"/"
    return out or b"."

"""One option of rsync's, as a row of the table."""

from __future__ import annotations

from ..records import dataclass


@dataclass(frozen=True, slots=True)
class Option:
    """``kind`` is how it acts on ``field`` of ``Options``:

    ``set`` stores ``value``; ``count`` adds one; ``str``, ``int``, ``size``
    store the argument; ``append`` adds it to a list; ``do`` is a name that
    the parser knows how to handle. ``negatable``: ``--no-NAME`` stores the
    field's zero. ``hidden`` options are other names, or for servers, and not
    shown by ``--help``. ``refused``: why it can't be had; it is never ignored.
    """

    name: str
    short: str = ""
    kind: str = "set"
    field: str = ""
    value: object = True
    help: str = ""
    negatable: bool = False
    argument: str = ""
    hidden: bool = False
    refused: str = ""


#: The reason of what is still to be built.
LATER = "is not supported yet"
#: What upstream says where the system has no times of creation to set; the whole message.
NO_CRTIMES = "This rsync does not support --crtimes (-N)"

"""What ``--info`` and ``--debug`` can name, and what each ``-v`` turns on: the data, without any rule.

A word's sides tell who has a use for it, so that a client passes on only what
its server can act on. Clauses OUT-10, OUT-11; upstream
``options.c:info_words``, ``debug_words``, ``info_verbosity``, ``debug_verbosity``.
"""

from __future__ import annotations

from ..records import dataclass

CLIENT, SERVER, SENDER, RECEIVER = 1, 2, 4, 8
BOTH_ENDS = CLIENT | SERVER
BOTH_ROLES = SENDER | RECEIVER

#: The highest level that a word can have.
MAX_LEVEL = 4
#: More ``-v`` than this turn on nothing more.
MAX_VERBOSITY = 5


@dataclass(frozen=True, slots=True)
class Word:
    """``sides`` 0: of this program alone, so that ``all`` does not mean it and no server is told."""

    name: str
    sides: int
    help: str


INFO: tuple[Word, ...] = (
    Word("BACKUP", RECEIVER, "Mention files backed up"),
    Word("COPY", RECEIVER, "Mention files copied locally on the receiving side"),
    Word("DEL", RECEIVER, "Mention deletions on the receiving side"),
    Word("FLIST", CLIENT, "Mention file-list receiving/sending (levels 1-2)"),
    Word("MISC", BOTH_ROLES, "Mention miscellaneous information (levels 1-2)"),
    Word("MOUNT", BOTH_ROLES, "Mention mounts that were found or skipped"),
    Word("NAME", BOTH_ROLES, "Mention 1) updated file/dir names, 2) unchanged names"),
    Word("NONREG", RECEIVER, "Mention skipped non-regular files (default 1, 0 disables)"),
    Word("PROGRESS", CLIENT, "Mention 1) per-file progress or 2) total transfer progress"),
    Word("REMOVE", SENDER, "Mention files removed on the sending side"),
    Word("SKIP", RECEIVER, "Mention files skipped due to transfer overrides (levels 1-2)"),
    Word("STATS", BOTH_ENDS, "Mention statistics at end of run (levels 1-3)"),
    Word("SYMSAFE", BOTH_ROLES, "Mention symlinks that are unsafe"),
)

DEBUG: tuple[Word, ...] = (
    Word("ACL", BOTH_ROLES, "Debug extra ACL info"),
    Word("BACKUP", RECEIVER, "Debug backup actions (levels 1-2)"),
    Word("BIND", CLIENT, "Debug socket bind actions"),
    Word("CHDIR", BOTH_ENDS, "Debug when the current directory changes"),
    Word("CONNECT", CLIENT, "Debug connection events (levels 1-2)"),
    Word("CMD", CLIENT, "Debug commands+options that are issued (levels 1-2)"),
    Word("DEL", RECEIVER, "Debug delete actions (levels 1-3)"),
    Word("DELTASUM", BOTH_ROLES, "Debug delta-transfer checksumming (levels 1-4)"),
    Word("DUP", RECEIVER, "Debug weeding of duplicate names"),
    Word("EXIT", BOTH_ENDS, "Debug exit events (levels 1-3)"),
    Word("FILTER", BOTH_ROLES, "Debug filter actions (levels 1-3)"),
    Word("FLIST", BOTH_ROLES, "Debug file-list operations (levels 1-4)"),
    Word("FUZZY", RECEIVER, "Debug fuzzy scoring (levels 1-2)"),
    Word("GENR", RECEIVER, "Debug generator functions"),
    Word("HASH", BOTH_ROLES, "Debug hashtable code"),
    Word("HLINK", BOTH_ROLES, "Debug hard-link actions (levels 1-3)"),
    Word("ICONV", BOTH_ENDS, "Debug iconv character conversions (levels 1-2)"),
    Word("IO", BOTH_ENDS, "Debug I/O routines (levels 1-4)"),
    Word("NSTR", BOTH_ENDS, "Debug negotiation strings"),
    Word("OWN", RECEIVER, "Debug ownership changes in users & groups (levels 1-2)"),
    Word("PROTO", BOTH_ENDS, "Debug protocol information"),
    Word("RECV", RECEIVER, "Debug receiver functions"),
    Word("SEND", SENDER, "Debug sender functions"),
    Word("TIME", RECEIVER, "Debug setting of modified times (levels 1-2)"),
    Word("URING", 0, "Tell how data moves over io_uring, or why it does not"),
)

#: By number of ``-v``: what that many add to what fewer give.
INFO_BY_VERBOSITY = (
    "NONREG",
    "COPY,DEL,FLIST,MISC,NAME,STATS,SYMSAFE",
    "BACKUP,MISC2,MOUNT,NAME2,REMOVE,SKIP",
    "",
    "",
    "",
)
DEBUG_BY_VERBOSITY = (
    "",
    "",
    "BIND,CMD,CONNECT,DEL,DELTASUM,DUP,FILTER,FLIST,ICONV",
    "ACL,BACKUP,CONNECT2,DELTASUM2,DEL2,EXIT,FILTER2,FLIST2,FUZZY,GENR,OWN,RECV,SEND,TIME",
    "CMD2,DELTASUM3,DEL3,EXIT2,FLIST3,ICONV2,OWN2,PROTO,TIME2",
    "CHDIR,DELTASUM4,FLIST4,FUZZY2,HASH,HLINK",
)

"""Every limit that a length from the peer meets before memory is taken, with its reason.

All in bytes unless said otherwise.
"""

from __future__ import annotations

#: Longest path in a file list, and longest symlink target (upstream ``MAXPATHLEN``).
MAX_PATH = 4096
#: A line of a proxy's reply, and how many lines it may have (upstream ``socket.c`` bounds only the line).
MAX_PROXY_LINE = 1024
MAX_PROXY_HEADERS = 128
#: Longest string in a negotiated list (upstream ``compat.c:MAX_NSTR_STRLEN``).
MAX_NEGOTIATION_STRING = 256
#: A line of the daemon's greeting, message of the day or module request (upstream ``BIGPATHBUFLEN``).
MAX_DAEMON_LINE = 4096 + 1024
#: The same where a daemon reads it before it knows who is there (upstream ``clientserver.c:start_daemon``).
MAX_DAEMON_REQUEST = 1024
#: Arguments a client may send to a daemon; upstream 3.5 refuses past this.
MAX_DAEMON_ARGS = 16000
#: All daemon arguments together; keeps one connection from holding more than this before it is authorised.
MAX_DAEMON_ARG_BYTES = 4 * 1024 * 1024
#: One filter rule on the wire (upstream ``exclude.c:recv_filter_list`` has a buffer of one more byte).
MAX_FILTER_RULE = MAX_PATH + 1024 - 1
#: All filter rules of a session.
MAX_FILTER_BYTES = 16 * 1024 * 1024
#: Text of one message frame (upstream ``io.c:BIGPATHBUFLEN`` check).
MAX_MESSAGE_TEXT = MAX_PATH + 1024
#: User or group name in an id list: its length is one byte.
MAX_ID_NAME = 255
#: Block length in a sum head, from protocol 30 (upstream ``MAX_BLOCK_SIZE``) and before.
MAX_BLOCK_SIZE = 128 * 1024
OLD_MAX_BLOCK_SIZE = 1 << 29
#: Blocks in one sum head: bounds the table that the sender builds (about 64 bytes a block here).
MAX_BLOCK_COUNT = (1 << 31) - 1
#: One literal run; upstream sends 32 KiB, other implementations 64 KiB and more.
MAX_LITERAL = 64 * 1024 * 1024
#: Entries in an extended attribute or ACL list.
MAX_XATTR_COUNT = 65536
MAX_ACL_COUNT = 65536
#: Length of an attribute's name without its NUL: Linux has 255, and a prefix of ours may come before it.
MAX_XATTR_NAME = 1024
#: Different lists of attributes, and of access rights, in a session.
MAX_XATTR_LISTS = 1 << 22
MAX_ACL_LISTS = 1 << 22
#: One extended attribute value.
MAX_XATTR_VALUE = 64 * 1024 * 1024
#: Largest value of one field of the deletion statistics.
MAX_DELETE_STAT = 1 << 28
#: Highest file index.
MAX_NDX = (1 << 31) - 1
#: Entries in all live file lists of a session; bounds memory, not a protocol figure.
MAX_FLIST_ENTRIES = 50_000_000
#: Packed block sums of one file: a terabyte at the largest block of protocol 30 needs 160 MiB.
MAX_SUM_BYTES = 1 << 30
#: Inflated data handed on at a time, however much a piece of compressed data holds.
MAX_INFLATED = 64 * 1024
#: One lz4 block: upstream's buffer holds 32 KiB that don't compress.
MAX_LZ4_BLOCK = 32 * 1024 + 32 * 1024 // 255 + 16
#: zstd's window, as a power of two: 128 MiB, which zstd's own receivers allow and its level 22 uses.
MAX_ZSTD_WINDOW_LOG = 27

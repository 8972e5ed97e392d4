"""What ``--cvs-exclude`` ignores before any file has a say.

Clause FILT-16; the list is in rsync's manual under that option.
"""

from __future__ import annotations

#: Perishable from protocol 30.
DEFAULT_PATTERNS = (
    b"RCS SCCS CVS CVS.adm RCSLOG cvslog.* tags TAGS .make.state .nse_depinfo "
    b"*~ #* .#* ,* _$* *$ *.old *.bak *.BAK *.orig *.rej .del-* "
    b"*.a *.olb *.o *.obj *.so *.exe *.Z *.elc *.ln core .svn/ .git/ .hg/ .bzr/"
)
#: The per-directory file, and the one in the home directory.
IGNORE_FILE = b".cvsignore"

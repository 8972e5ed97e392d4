"""Builds the C kernel: ``setup.py`` runs this as part of an installation."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

from cffi import FFI

HERE = Path(__file__).parent

ffi = FFI()
ffi.cdef("""
    typedef struct sum_table sum_table;
    typedef struct md4_state { ...; } md4_state;

    uint32_t refsync_weak_sum(const unsigned char *data, int64_t length);
    void refsync_block_sums(const unsigned char *data, int64_t length, int64_t block, unsigned char *out);

    sum_table *refsync_table_new(const unsigned char *packed, uint32_t count, uint32_t strong);
    void refsync_table_free(sum_table *table);
    int64_t refsync_table_find(const sum_table *table, uint32_t sum, const unsigned char *strong);
    int64_t refsync_search(const unsigned char *data, int64_t start, int64_t end, int64_t block,
                           const sum_table *table, uint32_t *state, int rolling);

    void refsync_md4_start(md4_state *state);
    void refsync_md4_update(md4_state *state, const unsigned char *data, int64_t length);
    void refsync_md4_digest(const md4_state *state, unsigned char *out);

    typedef struct file_sum file_sum;
    int refsync_have_file_sums(void);
    file_sum *refsync_sum_new(int kind);
    void refsync_sum_free(file_sum *sum);
    void refsync_sum_update(file_sum *sum, const unsigned char *data, int64_t length);
    int refsync_sum_digest(const file_sum *sum, unsigned char *out);
    int64_t refsync_sum_file(file_sum *sum, int file, int64_t at, int64_t count, int *error);

    typedef struct bulk_out {
        int file_error; int error; int64_t length; int64_t position; int64_t sent;
        ...;
    } bulk_out;
    bulk_out *refsync_out_new(int file, int64_t length, int framed, file_sum *sum);
    void refsync_out_free(bulk_out *out);
    void refsync_out_start(bulk_out *out, int64_t at, int error);
    int refsync_out_at_boundary(const bulk_out *out);
    int refsync_out_run(bulk_out *out, int to, int from, int milliseconds, int64_t budget, int finish);

    typedef struct bulk_in {
        int error; int64_t offset; int64_t frame_left; int64_t token_left; int64_t literal; int64_t matched;
        int64_t received; int64_t taken; int32_t bad; int token_have; int head_have;
        unsigned char token[4]; unsigned char head[4];
        const unsigned char *here; int64_t left;
        ...;
    } bulk_in;
    bulk_in *refsync_in_new(int file, int basis, int framed, file_sum *sum, int64_t block, int64_t blocks,
                            int64_t last_block, int64_t max_literal);
    void refsync_in_free(bulk_in *in);
    void refsync_in_manner(bulk_in *in, int sparse, int64_t existing, int in_place);
    int refsync_in_begin(bulk_in *in, const unsigned char *raw, int64_t count, int64_t frame_left,
                          int64_t token_left, int64_t offset);
    int refsync_in_run(bulk_in *in, int from, int to, int milliseconds, int64_t budget);

    int refsync_file_sums(int file, int64_t at, int64_t want, int64_t block, int strong, int kind,
                          uint64_t seed, unsigned char *out);
    typedef struct match_op { int64_t at; int64_t size; int32_t index; } match_op;
    typedef struct matcher {
        int file_error; int count; match_op op[256]; int64_t matches; int64_t false_alarms;
        int64_t literal; int64_t matched; int64_t start; int64_t end; unsigned char *data;
        ...;
    } matcher;
    matcher *refsync_match_new(int file, int64_t length, int64_t step, int64_t full, int64_t shorter,
                               int kind, uint64_t seed, const sum_table *table, file_sum *sum,
                               int64_t budget, int64_t alarm_cost, int in_place, int64_t window,
                               int64_t chunk);
    void refsync_match_free(matcher *m);
    int refsync_match_run(matcher *m);
    int64_t refsync_match_tokens(const matcher *m, unsigned char *out);

    typedef struct ring ring;
    typedef struct ring_site {
        uint64_t submitted; uint64_t completed; uint64_t shortened; uint64_t failed;
        uint64_t bytes; uint64_t injured;
        int opcode;
    } ring_site;
    typedef struct ring_fault { int64_t at; int64_t times; int result; int64_t limit; } ring_fault;
    typedef struct ring_injury {
        ring_fault site[32];
        int setup; int setup_times; int memory; int groups; int no_multishot; int interrupts;
        uint64_t missing;
    } ring_injury;
    extern ring_injury refsync_ring_injury;
    int refsync_ring_built(void);
    ring *refsync_ring_new(unsigned depth, unsigned extra, int *error);
    void refsync_ring_free(ring *ring);
    int refsync_ring_has(const ring *ring, int opcode);
    int refsync_ring_group_take(ring *ring);
    void refsync_ring_group_give(ring *ring, int id);
    void refsync_ring_limit_groups(ring *ring, int limit);
    int refsync_ring_fsync(ring *ring, const int *fds, int *results, int count);
    void refsync_ring_count(const ring *ring, int site, ring_site *out);
    void refsync_ring_facts(const ring *ring, int64_t *out);

    typedef struct ring_out ring_out;
    ring_out *refsync_ring_out_new(ring *ring, int file, int64_t length, int framed, file_sum *sum,
                                   int zero_copy);
    void refsync_ring_out_free(ring_out *out);
    void refsync_ring_out_start(ring_out *out, int64_t at, int error);
    bulk_out *refsync_ring_out_base(ring_out *out);
    int refsync_ring_out_at_boundary(const ring_out *out);
    int refsync_ring_out_run(ring_out *out, int to, int from, int milliseconds, int64_t budget, int finish);
    typedef struct ring_in ring_in;
    ring_in *refsync_ring_in_new(ring *ring, int file, int basis, int framed, file_sum *sum, int64_t block,
                                 int64_t blocks, int64_t last_block, int64_t max_literal, int *error);
    void refsync_ring_in_free(ring_in *in);
    bulk_in *refsync_ring_in_base(ring_in *in);
    int refsync_ring_in_begin(ring_in *in, const unsigned char *raw, int64_t count, int64_t frame_left,
                              int64_t token_left, int64_t offset);
    void refsync_ring_in_stop(ring_in *in);
    int refsync_ring_in_run(ring_in *in, int from, int to, int milliseconds, int64_t budget);

    typedef struct small_file {
        int directory; const char *stem; const char *name; unsigned mode; int64_t uid; int64_t gid;
        int64_t seconds; int64_t nanoseconds; int set_times; int set_mode; int64_t length;
    } small_file;
    int64_t refsync_small_read(int directory, const char *path, int flags, int64_t most, int sum,
                               unsigned char *out, int64_t *length);
    int64_t refsync_small_write(const unsigned char *data, int64_t have, int sum, small_file *file);

    typedef struct row {
        int64_t size; int64_t mtime; uint32_t nsec; uint32_t mode; uint32_t uid; uint32_t gid;
        int64_t name; int64_t digest; int32_t length; int32_t made;
    } row;
    typedef struct rows { row *row; int32_t count; unsigned char *names; ...; } rows;
    typedef struct flist_state {
        int64_t mtime; uint32_t mode; uint32_t uid; uint32_t gid; int32_t length; unsigned char name[4096];
    } flist_state;
    typedef struct row_rules {
        int64_t window; int sum; int flags; int any_time; int times; int mode; int uid; int gid;
    } row_rules;
    rows *refsync_rows_new(void);
    void refsync_rows_free(rows *list);
    int refsync_rows_add(rows *list, const unsigned char *name, int64_t length, uint32_t mode, int32_t made);
    int64_t refsync_rows_total(const rows *list, int32_t from, int32_t until);
    void refsync_rows_own(rows *list, int32_t from, int32_t until, uint32_t uid, uint32_t gid);
    int32_t refsync_rows_sort(rows *list);
    rows *refsync_rows_scan(int fd);
    int refsync_rows_look(rows *list, int32_t from, int32_t until, int fd);
    int32_t refsync_rows_sum(rows *list, int32_t from, int fd, int sum, int flags);
    int32_t refsync_rows_same(const rows *list, int32_t from, int32_t until, int directory,
                              const row_rules *rules);
    int32_t refsync_rows_encode(const rows *list, int32_t from, int32_t until, const unsigned char *prefix,
                                int32_t prefix_length, flist_state *state, int with_uid, int with_gid,
                                int digest_size, unsigned char *out, int64_t room, int64_t *used);
    int32_t refsync_rows_decode(rows *list, const unsigned char *data, int64_t have,
                                const unsigned char *prefix, int32_t prefix_length, flist_state *state,
                                int digest_size, int32_t most, int64_t *used);

    typedef struct row_run {
        int32_t start; int32_t index; int32_t previous; int32_t count; int32_t limit; int32_t *done; int more;
        int64_t sizes; int64_t literal;
        int64_t in_used; int64_t out_used; unsigned flags; int directory; int open_flags; int sum;
        int64_t most; int set_times; int keep_mode; unsigned umask; int set_uid; int set_gid; uint32_t gid;
    } row_run;
    int32_t refsync_rows_request(const rows *list, int32_t from, int32_t until, int directory,
                                 int32_t start, unsigned flags, int32_t *previous, unsigned char *out,
                                 int64_t room, int64_t *used);
    void refsync_rows_serve(const rows *list, const unsigned char *in, int64_t have, unsigned char *out,
                            int64_t room, row_run *run);
    typedef struct small_batch { int32_t count; int32_t at; int error; ...; } small_batch;
    small_batch *refsync_batch_new(int32_t most);
    void refsync_batch_free(small_batch *batch);
    int32_t refsync_batch_sync(small_batch *batch, ring *ring);
    int32_t refsync_batch_commit(small_batch *batch);
    void refsync_batch_end(small_batch *batch, ring *ring);
    void refsync_batch_drop(small_batch *batch);
    int refsync_batch_fd(const small_batch *batch, int32_t index);
    const char *refsync_batch_temp(const small_batch *batch, int32_t index);
    void refsync_rows_take(const rows *list, const unsigned char *in, int64_t have, row_run *run,
                           small_batch *batch);
""")

# The header of libxxhash is compiled in, so that the library need not be there to run.
INCLUDE = [Path(sysconfig.get_path("include")), Path("/usr/include"), Path("/usr/local/include")]
XXHASH = any((folder / "xxhash.h").exists() for folder in INCLUDE)
HEAD = "#define XXH_INLINE_ALL\n#define REFSYNC_XXHASH\n#include <xxhash.h>\n" if XXHASH else ""
URING = sys.platform.startswith("linux") and any((folder / "liburing.h").exists() for folder in INCLUDE)
if URING:
    HEAD += "#define REFSYNC_URING\n"
# Its library goes in as well where an archive of it is found, else it has to be there to run.
PLACES = [
    "/usr/lib/" + str(sysconfig.get_config_var("MULTIARCH")),
    "/usr/lib64",
    "/usr/lib",
    "/usr/local/lib",
]
ARCHIVE = [path for place in PLACES if (path := Path(place) / "liburing.a").exists()]

SOURCES = (
    "kernel.c",
    "sums.c",
    "holes.c",
    "bulk.c",
    "bulk_receive.c",
    "match.c",
    "uring.c",
    "uring_send.c",
    "uring_put.c",
    "uring_receive.c",
    "uring_none.c",
    "small.c",
    "small_batch.c",
    "rows.c",
    "rows_wire.c",
    "rows_files.c",
)  # each uses what stands before it

ffi.set_source(
    "refsync._kernel",
    "#ifndef _GNU_SOURCE\n#define _GNU_SOURCE\n#endif\n#include <stddef.h>\n"
    + HEAD
    # compilers, sanitizers and gcov then speak of the real files
    + "".join(f'#line 1 "{name}"\n' + (HERE / name).read_text(encoding="utf-8") for name in SOURCES)
    + '#line 1 "_kernel.c"\n',
    extra_compile_args=["-O3"],
    extra_link_args=([str(ARCHIVE[0])] if ARCHIVE else ["-luring"]) if URING else [],
    py_limited_api=True,
)

if __name__ == "__main__":  # beside the sources, for working in a checkout that is not installed
    ffi.compile(tmpdir=str(HERE.parent.parent), verbose=True)

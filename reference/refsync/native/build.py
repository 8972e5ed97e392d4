"""Builds the C kernel: ``setup.py`` runs this as part of an installation."""

from __future__ import annotations

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
""")
ffi.set_source(
    "refsync._kernel",
    (HERE / "kernel.c").read_text(encoding="utf-8"),
    extra_compile_args=["-O3"],
    py_limited_api=True,
)

if __name__ == "__main__":  # beside the sources, for working in a checkout that is not installed
    ffi.compile(tmpdir=str(HERE.parent.parent), verbose=True)

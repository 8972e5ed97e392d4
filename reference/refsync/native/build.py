"""Builds the C kernel: ``setup.py`` runs this as part of an installation."""

from __future__ import annotations

from pathlib import Path

from cffi import FFI

HERE = Path(__file__).parent

ffi = FFI()
ffi.cdef("""
    typedef struct sum_table sum_table;
    sum_table *refsync_table_new(const uint32_t *sums, uint32_t count);
    void refsync_table_free(sum_table *table);
    uint32_t refsync_weak_sum(const unsigned char *data, int64_t length);
    void refsync_block_sums(const unsigned char *data, int64_t length, int64_t block, uint32_t *out);
    int64_t refsync_search(const unsigned char *data, int64_t start, int64_t end, int64_t block,
                           const sum_table *table);
    void refsync_md4_blocks(uint32_t *state, const unsigned char *data, int64_t blocks);
""")
ffi.set_source(
    "refsync._kernel",
    (HERE / "kernel.c").read_text(encoding="utf-8"),
    extra_compile_args=["-O3"],
    py_limited_api=True,
)

if __name__ == "__main__":
    ffi.compile(tmpdir=str(HERE.parent.parent), verbose=True)

/* Without liburing's header: what the files before this have else, which says that there is no ring. Only what can be
 * called without one does anything; nobody has a mover, as none can be made. */

#ifndef REFSYNC_URING

int refsync_ring_built(void) { return 0; }
ring *refsync_ring_new(unsigned depth, unsigned extra, int *error) { (void)depth, (void)extra; *error = ENOSYS; return NULL; }
ring_out *refsync_ring_out_new(ring *r, int f, int64_t l, int fr, file_sum *s, int z)
{
    (void)r, (void)f, (void)l, (void)fr, (void)s, (void)z;
    return NULL;
}
ring_in *refsync_ring_in_new(ring *r, int f, int b, int fr, file_sum *s, int64_t bl, int64_t bs, int64_t l, int64_t m,
                             int *error)
{
    (void)r, (void)f, (void)b, (void)fr, (void)s, (void)bl, (void)bs, (void)l, (void)m;
    *error = ENOSYS;
    return NULL;
}

#define NEVER(result, name, ...) result name(__VA_ARGS__) { abort(); }
#define INTO ring_in *in
#define OUT_OF ring_out *out
NEVER(void, refsync_ring_free, ring *ring)
NEVER(int, refsync_ring_has, const ring *ring, int opcode)
NEVER(int, refsync_ring_group_take, ring *ring)
NEVER(void, refsync_ring_group_give, ring *ring, int id)
NEVER(void, refsync_ring_limit_groups, ring *ring, int limit)
NEVER(int, refsync_ring_fsync, ring *ring, const int *fds, int *results, int count)
NEVER(void, refsync_ring_count, const ring *ring, int site, ring_site *out)
NEVER(void, refsync_ring_facts, const ring *ring, int64_t *out)
NEVER(void, refsync_ring_out_free, OUT_OF)
NEVER(void, refsync_ring_out_start, OUT_OF, int64_t at, int error)
NEVER(int, refsync_ring_out_at_boundary, const OUT_OF)
NEVER(bulk_out *, refsync_ring_out_base, OUT_OF)
NEVER(int, refsync_ring_out_run, OUT_OF, int to, int from, int milliseconds, int64_t budget, int finish)
NEVER(int, ring_put_gathered, bulk_in *in)
NEVER(int, ring_put_copy, bulk_in *in, const unsigned char *data, int64_t count, int64_t at)
NEVER(int, ring_copy_run, bulk_in *in)
NEVER(bulk_in *, refsync_ring_in_base, INTO)
NEVER(int, refsync_ring_in_begin, INTO, const unsigned char *raw, int64_t count, int64_t f, int64_t t, int64_t o)
NEVER(void, refsync_ring_in_stop, INTO)
NEVER(void, refsync_ring_in_free, INTO)
NEVER(int, refsync_ring_in_run, INTO, int from, int to, int milliseconds, int64_t budget)

#endif

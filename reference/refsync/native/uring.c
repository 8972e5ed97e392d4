/* One io_uring per process: made, probed, submitted to, reaped, counted and injured (by tests) here. What goes through it
 * is in uring_send.c, uring_put.c and uring_receive.c; where it can't be built uring_none.c says so. */

enum {
    SITE_READ_SOURCE, SITE_READ_BASIS, SITE_WRITE_LITERAL, SITE_WRITE_COPY, SITE_FSYNC, SITE_SEND, SITE_SEND_ZC,
    SITE_WRITE_PIPE, SITE_RECV, SITE_READ_PIPE, SITE_POLL, SITE_CANCEL, SITES
};

typedef struct ring_site {
    uint64_t submitted, completed, shortened, failed, bytes, injured;
    int opcode; /* of the last one, -1: none yet */
} ring_site;

/* What a test does to the ring. `at`: from the how-manieth submission on, 0: never; `times`: to how many. */
typedef struct ring_fault {
    int64_t at, times;
    int result;    /* the operation is not done and ends with this */
    int64_t limit; /* > 0: instead of that it is cut to so many bytes */
} ring_fault;

typedef struct ring_injury {
    ring_fault site[32];
    int setup;        /* an errno value: the ring is refused */
    int setup_times;  /* so many times */
    int memory;       /* an errno value: memory is not registered */
    int groups;       /* an errno value: a buffer ring is not registered */
    int no_multishot; /* a receive that goes on by itself is refused */
    int interrupts;   /* so many waits end with EINTR */
    uint64_t missing; /* opcodes below 64 that the kernel is said not to know */
} ring_injury;

ring_injury refsync_ring_injury;

typedef struct ring ring;
typedef struct ring_out ring_out;
typedef struct ring_in ring_in;

#define RING_MEMORY (9 * 256 * 1024) /* registered: less than an ordinary user may lock */
#define GROUPS 65536

#ifdef REFSYNC_URING
#include <liburing.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* One operation. It and what it names stay as they are while it is `flying`. */
typedef struct ring_op {
    int site;
    int flying; /* a completion, or for a zero-copy send its notice, is still to come */
    int res;
    unsigned flags; /* of the completion */
    int injected, result; /* by a test: what it ends with */
    int64_t want;
    uint64_t done; /* completions so far */
} ring_op;

typedef struct ring_got { /* a buffer that a multishot receive has filled */
    int length, buffer;
} ring_got;

struct ring {
    struct io_uring io;
    unsigned flags, depth;
    unsigned char *memory;
    int fixed;         /* memory is registered */
    int memory_error;  /* why not, an errno value */
    int flying;        /* operations */
    int broken;        /* the ring itself fails: an errno value */
    struct io_uring_probe *probe;
    uint64_t waits, interrupted;
    ring_site site[SITES];
    /* buffer groups: ids in use, and those that are free again, last in, first out */
    uint8_t *group_used;
    uint16_t *group_free;
    int groups_free, groups_used, groups_peak, groups_next, groups_limit;
    /* where multishot receives put what they got */
    ring_op *receiving;
    ring_got *got;
    int got_first, got_count, got_room;
};

static const unsigned SETUPS[] = {
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
    IORING_SETUP_COOP_TASKRUN,
    0,
};

int refsync_ring_built(void)
{
    return 1;
}

void refsync_ring_free(ring *ring)
{
    if (!ring)
        return;
    io_uring_queue_exit(&ring->io); /* which waits for nothing: the movers have drained what names their memory */
    if (ring->memory)
        munmap(ring->memory, RING_MEMORY);
    free(ring->probe);
    free(ring->group_used);
    free(ring->group_free);
    free(ring);
}

/* NULL and *error, an errno value. `extra`: setup flags besides (SQPOLL). */
ring *refsync_ring_new(unsigned depth, unsigned extra, int *error)
{
    ring *ring = calloc(1, sizeof *ring);
    unsigned entries = 64;
    *error = ENOMEM;
    if (!ring)
        return NULL;
    while (entries < 2 * depth)
        entries *= 2;
    int made = -1;
    for (size_t i = extra ? 1 : 0; i < sizeof SETUPS / sizeof *SETUPS && made < 0; i++) {
        struct io_uring_params params = {.flags = (extra ? 0 : SETUPS[i]) | extra | IORING_SETUP_CLAMP};
        if (refsync_ring_injury.setup && refsync_ring_injury.setup_times > 0) {
            refsync_ring_injury.setup_times--;
            made = -refsync_ring_injury.setup;
        } else
            made = io_uring_queue_init_params(entries, &ring->io, &params);
        ring->flags = params.flags;
        if (made == -EPERM || made == -ENOSYS || made == -ENOMEM)
            break; /* other flags make no difference */
    }
    if (made < 0) {
        *error = -made;
        free(ring);
        return NULL;
    }
    ring->depth = depth;
    ring->probe = io_uring_get_probe_ring(&ring->io);
    ring->group_used = calloc(GROUPS, 1);
    ring->group_free = calloc(GROUPS, sizeof *ring->group_free);
    ring->groups_limit = GROUPS;
    ring->memory = mmap(NULL, RING_MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (ring->memory == MAP_FAILED)
        ring->memory = NULL;
    if (!ring->memory || !ring->group_used || !ring->group_free || !(ring->io.features & IORING_FEAT_EXT_ARG)) {
        *error = ring->io.features & IORING_FEAT_EXT_ARG ? ENOMEM : ENOSYS;
        refsync_ring_free(ring);
        return NULL;
    }
    for (int i = 0; i < SITES; i++)
        ring->site[i].opcode = -1;
    struct iovec all = {ring->memory, RING_MEMORY};
    int registered = refsync_ring_injury.memory ? -refsync_ring_injury.memory
                                                : io_uring_register_buffers(&ring->io, &all, 1);
    ring->fixed = !registered;
    ring->memory_error = -registered;
    *error = 0;
    return ring;
}

int refsync_ring_has(const ring *ring, int opcode)
{
    if (opcode < 64 && refsync_ring_injury.missing >> opcode & 1)
        return 0;
    return ring->probe && io_uring_opcode_supported(ring->probe, opcode);
}

/* -- buffer groups --------------------------------------------------------------------------------- */

/* An id that nobody on this ring has, -1 if there is none. */
int refsync_ring_group_take(ring *ring)
{
    int id = -1;
    if (ring->groups_free)
        id = ring->group_free[--ring->groups_free];
    else if (ring->groups_next < ring->groups_limit)
        id = ring->groups_next++;
    if (id < 0)
        return -1;
    ring->group_used[id] = 1;
    if (++ring->groups_used > ring->groups_peak)
        ring->groups_peak = ring->groups_used;
    return id;
}

void refsync_ring_group_give(ring *ring, int id)
{
    if (id < 0 || id >= GROUPS || !ring->group_used[id])
        return;
    ring->group_used[id] = 0;
    ring->groups_used--;
    ring->group_free[ring->groups_free++] = (uint16_t)id;
}

/* -- submitting and reaping ------------------------------------------------------------------------ */

static void see(ring *ring, struct io_uring_cqe *cqe)
{
    ring_op *op = io_uring_cqe_get_data(cqe);
    ring_site *site = &ring->site[op->site];
    int res = op->injected ? op->result : cqe->res;
    if (cqe->flags & IORING_CQE_F_NOTIF) { /* the zero-copy send's buffer is ours again */
        op->flying = 0;
        ring->flying--;
        return;
    }
    op->res = res;
    op->flags = cqe->flags;
    op->done++;
    site->completed++;
    if (res >= 0 && op->site != SITE_POLL) {
        site->bytes += (uint64_t)res;
        site->shortened += op->want && res < op->want;
    } else if (res < 0 && res != -EAGAIN && res != -ECANCELED && res != -ENOBUFS && res != -ENOENT && res != -EALREADY)
        site->failed++;
    if (op == ring->receiving && res > 0 && cqe->flags & IORING_CQE_F_BUFFER && ring->got_count < ring->got_room) {
        int at = (ring->got_first + ring->got_count++) % ring->got_room;
        ring->got[at] = (ring_got){res, (int)(cqe->flags >> IORING_CQE_BUFFER_SHIFT)};
    }
    if (!(cqe->flags & IORING_CQE_F_MORE)) {
        op->flying = 0;
        ring->flying--;
    }
}

static int reap(ring *ring)
{
    struct io_uring_cqe *cqe;
    unsigned head;
    int seen = 0;
    io_uring_for_each_cqe(&ring->io, head, cqe) {
        see(ring, cqe);
        seen++;
    }
    io_uring_cq_advance(&ring->io, (unsigned)seen);
    return seen;
}

/* Submits what is prepared. Waits for a completion if there is none yet: `milliseconds`, -1 for ever, 0 not at all.
 * MORE: something may have completed. AGAIN: time is up, or a signal came. FAILED: the ring is broken. */
static int turn(ring *ring, int milliseconds)
{
    struct __kernel_timespec span = {milliseconds / 1000, milliseconds % 1000 * 1000000LL};
    struct io_uring_cqe *cqe;
    int result;
    if (refsync_ring_injury.interrupts > 0) {
        refsync_ring_injury.interrupts--;
        result = -EINTR;
    } else if (!milliseconds)
        result = io_uring_submit_and_get_events(&ring->io);
    else if (milliseconds < 0)
        result = io_uring_submit_and_wait(&ring->io, 1);
    else
        result = io_uring_submit_and_wait_timeout(&ring->io, &cqe, 1, &span, NULL);
    ring->waits++;
    ring->interrupted += result == -EINTR;
    if (reap(ring))
        return MORE;
    /* of a wait that a signal ended the system says how much it had submitted before, if anything */
    if (result == -EINTR || result == -ETIME || result == -EAGAIN || result == -EBUSY || result >= 0)
        return AGAIN;
    ring->broken = -result;
    return FAILED;
}

/* The same for a mover, which has the error to tell. */
static int turn_for(ring *ring, int milliseconds, int *error)
{
    int moved = turn(ring, milliseconds);
    if (moved == FAILED)
        *error = ring->broken;
    return moved;
}

/* An entry for one more operation; there is room, as everything in flight is bounded. */
static struct io_uring_sqe *entry_for(ring *ring)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->io);
    while (!sqe && !ring->broken) {
        io_uring_submit(&ring->io);
        sqe = io_uring_get_sqe(&ring->io);
    }
    return sqe;
}

/* The operation is prepared: count it, and let a test have its way with it. */
static void launch(ring *ring, struct io_uring_sqe *sqe, ring_op *op, int site, int64_t want)
{
    ring_site *count = &ring->site[site];
    ring_fault *fault = &refsync_ring_injury.site[site];
    count->submitted++;
    count->opcode = sqe->opcode;
    op->site = site;
    op->flying = 1;
    op->want = want;
    op->injected = 0;
    if (fault->at && (int64_t)count->submitted >= fault->at && fault->times > 0) {
        fault->times--;
        count->injured++;
        if (!fault->limit) {
            io_uring_prep_nop(sqe);
            op->injected = 1;
            op->result = fault->result;
        } else if (fault->limit < want)
            sqe->len = (uint32_t)fault->limit;
    }
    io_uring_sqe_set_data(sqe, op);
    ring->flying++;
}

static int inside(const ring *ring, const unsigned char *data)
{
    return ring->fixed && data >= ring->memory && data < ring->memory + RING_MEMORY;
}

static void start_read(ring *ring, ring_op *op, int site, int file, unsigned char *to, int64_t count, int64_t at)
{
    struct io_uring_sqe *sqe = entry_for(ring);
    if (inside(ring, to) && refsync_ring_has(ring, IORING_OP_READ_FIXED))
        io_uring_prep_read_fixed(sqe, file, to, (unsigned)count, (uint64_t)at, 0);
    else
        io_uring_prep_read(sqe, file, to, (unsigned)count, (uint64_t)at);
    launch(ring, sqe, op, site, count);
}

static void start_write(ring *ring, ring_op *op, int site, int file, const unsigned char *from, int64_t count, int64_t at)
{
    struct io_uring_sqe *sqe = entry_for(ring);
    if (inside(ring, from) && refsync_ring_has(ring, IORING_OP_WRITE_FIXED))
        io_uring_prep_write_fixed(sqe, file, from, (unsigned)count, (uint64_t)at, 0);
    else
        io_uring_prep_write(sqe, file, from, (unsigned)count, (uint64_t)at);
    launch(ring, sqe, op, site, count);
}

static void start_poll(ring *ring, ring_op *op, int fd, short what)
{
    struct io_uring_sqe *sqe = entry_for(ring);
    io_uring_prep_poll_add(sqe, fd, (unsigned)what);
    launch(ring, sqe, op, SITE_POLL, 0);
}

/* Asks for the end of an operation that may take for ever; `with` is for the request itself. */
static void cancel(ring *ring, ring_op *op, ring_op *with)
{
    if (!op->flying || with->flying)
        return;
    struct io_uring_sqe *sqe = entry_for(ring);
    io_uring_prep_cancel(sqe, op, 0);
    launch(ring, sqe, with, SITE_CANCEL, 0);
}

/* -- syncing many files ---------------------------------------------------------------------------- */

#define SYNCS 256 /* in flight: they name no memory, and a journal is written once for all that wait */

/* FSYNC for each descriptor; results[i] is 0 or an errno value. 0, or the ring's own. */
int refsync_ring_fsync(ring *ring, const int *fds, int *results, int count)
{
    ring_op *ops = calloc((size_t)count + 1, sizeof *ops);
    int next = 0, flying;
    if (!ops)
        return ENOMEM;
    do {
        flying = 0;
        for (int i = 0; i < next; i++)
            flying += ops[i].flying;
        for (; next < count && flying < SYNCS; next++, flying++) {
            struct io_uring_sqe *sqe = entry_for(ring);
            io_uring_prep_fsync(sqe, fds[next], 0);
            launch(ring, sqe, &ops[next], SITE_FSYNC, 0);
        }
        if (flying && turn(ring, -1) == FAILED)
            break;
    } while (flying);
    for (int i = 0; i < count; i++)
        results[i] = -ops[i].res;
    if (ring->broken)
        return ring->broken; /* what may still be flying keeps its memory */
    free(ops);
    return 0;
}

/* -- telling --------------------------------------------------------------------------------------- */

void refsync_ring_count(const ring *ring, int site, ring_site *out)
{
    *out = ring->site[site];
}

void refsync_ring_facts(const ring *ring, int64_t *out)
{
    int64_t facts[] = {ring->flags, ring->depth, ring->fixed, ring->memory_error, ring->flying, ring->groups_used,
                       ring->groups_peak, (int64_t)ring->waits, (int64_t)ring->interrupted, ring->groups_limit};
    memcpy(out, facts, sizeof facts);
}

void refsync_ring_limit_groups(ring *ring, int limit)
{
    ring->groups_limit = limit;
}

#endif

/* The file's side of receiving over a ring: writes that are not waited for, and copies from the basis. The connection's
 * side is in uring_receive.c. */

#ifdef REFSYNC_URING

#define IN_BUFFERS 8
#define IN_BUFFER (128 * 1024)
#define COPIES 4
#define COPY_SLOT (256 * 1024)
#define WRITES 32

typedef struct in_write {
    ring_op op;
    struct iovec part[GATHERED];
    int parts, first;
    int64_t at;     /* in the file */
    int buffer;     /* whose bytes they are, -1: what came before */
    int copy;       /* or the copy whose they are, -1: none */
    int used;
} in_write;

struct ring_in {
    ring *ring;
    int socket, multishot, group;
    struct io_uring_buf_ring *buffers;
    ring_op receive, readable, writable, stop[3];
    int armed;                /* a receive is in flight; -1: it is to be waited for that there is something */
    int reading;              /* the buffer of a plain one */
    int closed, failure;      /* of the connection */
    int current;              /* the buffer that is being parsed, -1: what came before */
    int uses[IN_BUFFERS];     /* writes, and the parser; 0: it is the kernel's or can be */
    int lent[IN_BUFFERS];     /* it is in the buffer ring */
    ring_got got[IN_BUFFERS];
    in_write write[WRITES];
    ring_op copy_read[COPIES];
    int64_t copy_have[COPIES], copy_want[COPIES], copy_from[COPIES];
    int copy_used[COPIES];    /* writes, and who fills it; 0: it is free */
    int placing;              /* the copy that is being written */
    int write_error;
    unsigned char *rest;
    bulk_in base; /* without its room */
};

static unsigned char *buffer_of(const ring_in *in, int buffer)
{
    return in->ring->memory + (size_t)buffer * IN_BUFFER;
}

static unsigned char *copy_of(const ring_in *in, int copy)
{
    return in->ring->memory + (size_t)IN_BUFFERS * IN_BUFFER + (size_t)copy * COPY_SLOT;
}

static void lend(ring_in *in, int buffer)
{
    in->lent[buffer] = 1;
    if (in->buffers) {
        io_uring_buf_ring_add(in->buffers, buffer_of(in, buffer), IN_BUFFER, (unsigned short)buffer,
                              io_uring_buf_ring_mask(IN_BUFFERS), 0);
        io_uring_buf_ring_advance(in->buffers, 1);
    }
}

static void let_go(ring_in *in, int buffer)
{
    if (buffer >= 0 && !--in->uses[buffer])
        lend(in, buffer);
}

static void leave_group(ring_in *in)
{
    if (in->buffers) {
        io_uring_unregister_buf_ring(&in->ring->io, in->group);
        free(in->buffers);
        in->buffers = NULL;
    }
    refsync_ring_group_give(in->ring, in->group);
    in->group = -1;
}

/* -- writing */

static void start_write_of(ring_in *in, in_write *write)
{
    if (write->copy >= 0) {
        struct iovec *part = write->part;
        start_write(in->ring, &write->op, SITE_WRITE_COPY, in->base.file, part->iov_base, (int64_t)part->iov_len,
                    write->at);
        return;
    }
    struct io_uring_sqe *sqe = entry_for(in->ring);
    int64_t want = 0;
    for (int i = write->first; i < write->parts; i++)
        want += (int64_t)write->part[i].iov_len;
    if (write->first == write->parts - 1)
        io_uring_prep_write(sqe, in->base.file, write->part[write->first].iov_base, (unsigned)want, (uint64_t)write->at);
    else
        io_uring_prep_writev(sqe, in->base.file, write->part + write->first, (unsigned)(write->parts - write->first),
                             (uint64_t)write->at);
    ring_fault *fault = &refsync_ring_injury.site[SITE_WRITE_LITERAL];
    int64_t limit = fault->limit;
    if (sqe->opcode == IORING_OP_WRITEV && limit) { /* a vector is cut to one part of it */
        fault->limit = want;
        if (fault->at && (int64_t)in->ring->site[SITE_WRITE_LITERAL].submitted + 1 >= fault->at && fault->times > 0)
            sqe->len = 1;
    }
    launch(in->ring, sqe, &write->op, SITE_WRITE_LITERAL, want);
    fault->limit = limit;
}

/* Looks at the writes that have ended; what is short goes on, zero bytes are an error. */
static void end_writes(ring_in *in)
{
    for (in_write *write = in->write; write < in->write + WRITES; write++) {
        if (!write->used || write->op.flying)
            continue;
        int64_t count = write->op.res;
        if (count == -EINTR || count == -EAGAIN)
            count = 0;
        else if (count <= 0) {
            if (!in->write_error)
                in->write_error = count ? (int)-count : EIO;
            count = INT64_MAX;
        }
        if (count != INT64_MAX) {
            write->at += count;
            while (write->first < write->parts && (size_t)count >= write->part[write->first].iov_len)
                count -= (int64_t)write->part[write->first++].iov_len;
            if (write->first < write->parts) {
                write->part[write->first].iov_base = (unsigned char *)write->part[write->first].iov_base + count;
                write->part[write->first].iov_len -= (size_t)count;
                if (write->copy >= 0)
                    write->part[0] = write->part[write->first];
                start_write_of(in, write);
                continue;
            }
        }
        write->used = 0;
        if (write->copy >= 0)
            in->copy_used[write->copy]--;
        else
            let_go(in, write->buffer);
    }
}

static in_write *free_write(ring_in *in)
{
    for (;;) {
        end_writes(in);
        for (in_write *write = in->write; write < in->write + WRITES; write++)
            if (!write->used)
                return write;
        if (turn(in->ring, -1) == FAILED) {
            in->write_error = in->ring->broken;
            return NULL;
        }
    }
}

/* A write of `parts` at `at`, whose bytes stay where they are in a buffer or a copy (-1: neither) until it has ended. */
static int write_out(ring_in *in, const struct iovec *part, int parts, int64_t at, int buffer, int copy)
{
    in_write *write = free_write(in);
    if (!write || in->write_error)
        return FILE_FAILED;
    memcpy(write->part, part, (size_t)parts * sizeof *part);
    write->parts = parts;
    write->first = 0;
    write->at = at;
    write->buffer = buffer;
    write->copy = copy;
    write->used = 1;
    if (copy >= 0)
        in->copy_used[copy]++;
    else if (buffer >= 0)
        in->uses[buffer]++;
    start_write_of(in, write);
    return MORE;
}

static int ring_put_gathered(bulk_in *base)
{
    int parts = base->gathered;
    base->gathered = 0;
    return write_out(base->by_ring, base->part, parts, base->gathered_at, base->by_ring->current, -1);
}

static int ring_put_copy(bulk_in *base, const unsigned char *data, int64_t count, int64_t at)
{
    struct iovec part = {(void *)data, (size_t)count};
    return write_out(base->by_ring, &part, 1, at, -1, base->by_ring->placing);
}

/* -- copying from the basis: reads ahead in a few slots, sums in order, writes that are not waited for */

static int free_copy(ring_in *in)
{
    for (int i = 0; i < COPIES; i++)
        if (!in->copy_used[i])
            return i;
    return -1;
}

static void read_copy(ring_in *in, int copy)
{
    int64_t have = in->copy_have[copy];
    in->copy_read[copy].done = 0;
    start_read(in->ring, &in->copy_read[copy], SITE_READ_BASIS, in->base.basis, copy_of(in, copy) + have,
               in->copy_want[copy] - have, in->copy_from[copy] + have);
}

/* The copy is whole: 1. It goes on: 0. It can't be read: -1. Where the basis has shrunk it reads as zeros. */
static int copy_is_read(ring_in *in, int copy)
{
    ring_op *op = &in->copy_read[copy];
    if (op->flying)
        return 0;
    if (op->res > 0)
        in->copy_have[copy] += op->res;
    else if (!op->res) {
        memset(copy_of(in, copy) + in->copy_have[copy], 0, (size_t)(in->copy_want[copy] - in->copy_have[copy]));
        return 1;
    } else if (op->res != -EINTR && op->res != -EAGAIN) {
        in->base.error = -op->res;
        return -1;
    }
    if (in->copy_have[copy] == in->copy_want[copy])
        return 1;
    read_copy(in, copy);
    return 0;
}

static int ring_copy_run(bulk_in *base)
{
    ring_in *in = base->by_ring;
    int order[COPIES], first = 0, count = 0;
    int64_t asked = 0;
    while (base->run_size) {
        for (int copy; asked < base->run_size && count < COPIES && (copy = free_copy(in)) >= 0; count++) {
            in->copy_used[copy] = 1;
            in->copy_have[copy] = 0;
            in->copy_want[copy] = small(base->run_size - asked, COPY_SLOT);
            in->copy_from[copy] = base->run + asked;
            asked += in->copy_want[copy];
            order[(first + count) % COPIES] = copy;
            read_copy(in, copy);
        }
        int ready = count ? copy_is_read(in, order[first]) : 0;
        if (ready < 0 || in->write_error || in->ring->broken)
            return FILE_FAILED;
        if (!ready) {
            turn(in->ring, -1);
            end_writes(in);
            continue;
        }
        int copy = in->placing = order[first];
        int64_t size = in->copy_want[copy];
        refsync_sum_update(base->sum, copy_of(in, copy), size);
        int failed = put_copy(base, copy_of(in, copy), size);
        in->copy_used[copy]--;
        if (failed)
            return FILE_FAILED;
        first = (first + 1) % COPIES;
        count--;
        asked -= size;
    }
    return MORE;
}

#endif

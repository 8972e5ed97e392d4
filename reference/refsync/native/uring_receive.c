/* Receiving over a ring, as bulk.c does without one: a receive that goes on by itself, writes that are not waited for.
 * It stops where that of bulk.c stops and says the same. */

typedef struct ring_in ring_in;

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
    int copy_used[COPIES];
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

/* NULL and *error: ENOMEM, or ENOSPC if all buffer groups are taken. Where the kernel has no buffer rings the
 * connection is read plainly. */
ring_in *refsync_ring_in_new(ring *ring, int file, int basis, int framed, file_sum *sum, int64_t block, int64_t blocks,
                             int64_t last_block, int64_t max_literal, int *error)
{
    ring_in *in = malloc(sizeof *in);
    *error = ENOMEM;
    if (!in)
        return NULL;
    memset(in, 0, offsetof(ring_in, base) + offsetof(bulk_in, part));
    in->ring = ring;
    in->base.file = file;
    in->base.basis = basis;
    in->base.framed = framed;
    in->base.sum = sum;
    in->base.block = block;
    in->base.blocks = blocks;
    in->base.last_block = last_block;
    in->base.max_literal = max_literal;
    in->base.by_ring = in;
    in->socket = in->current = -1;
    in->multishot = 1;
    in->group = refsync_ring_group_take(ring);
    if (in->group < 0) {
        free(in);
        *error = ENOSPC;
        return NULL;
    }
    void *memory = NULL;
    if (!posix_memalign(&memory, 4096, IN_BUFFERS * sizeof(struct io_uring_buf))) {
        struct io_uring_buf_reg reg = {
            .ring_addr = (uint64_t)(uintptr_t)memory, .ring_entries = IN_BUFFERS, .bgid = (uint16_t)in->group};
        in->buffers = memory;
        io_uring_buf_ring_init(in->buffers); /* the tail is byte 14 of entry 0 */
        if (refsync_ring_injury.groups || io_uring_register_buf_ring(&ring->io, &reg, 0)) {
            free(memory);
            in->buffers = NULL;
        }
    }
    for (int i = 0; i < IN_BUFFERS; i++)
        lend(in, i);
    *error = 0;
    return in;
}

bulk_in *refsync_ring_in_base(ring_in *in)
{
    return &in->base;
}

int refsync_ring_in_begin(ring_in *in, const unsigned char *raw, int64_t count, int64_t frame_left, int64_t token_left,
                          int64_t offset)
{
    let_go(in, in->current); /* nothing is in flight: its rest was taken */
    in->current = -1;
    return refsync_in_begin(&in->base, raw, count, frame_left, token_left, offset);
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
            in->copy_used[write->copy] = 0;
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

static int ring_put_gathered(bulk_in *base)
{
    ring_in *in = base->by_ring;
    in_write *write = free_write(in);
    int parts = base->gathered;
    base->gathered = 0;
    if (!write || in->write_error)
        return FILE_FAILED;
    memcpy(write->part, base->part, (size_t)parts * sizeof *write->part);
    write->parts = parts;
    write->first = 0;
    write->at = base->gathered_at;
    write->buffer = in->current;
    write->copy = -1;
    write->used = 1;
    if (in->current >= 0)
        in->uses[in->current]++;
    start_write_of(in, write);
    return MORE;
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
        int copy = order[first];
        in_write *write = free_write(in);
        if (!write || in->write_error)
            return FILE_FAILED;
        int64_t size = in->copy_want[copy];
        refsync_sum_update(base->sum, copy_of(in, copy), size);
        write->part[0] = (struct iovec){copy_of(in, copy), (size_t)size};
        write->parts = 1;
        write->first = 0;
        write->at = base->offset;
        write->copy = copy;
        write->buffer = -1;
        write->used = 1;
        start_write_of(in, write);
        first = (first + 1) % COPIES;
        count--;
        asked -= size;
        base->offset += size;
        base->matched += size;
        base->run += size;
        base->run_size -= size;
    }
    return MORE;
}

/* -- the connection */

/* What has been received since: into the queue, in order. */
static void take_received(ring_in *in)
{
    ring_op *op = &in->receive;
    if (in->buffers && in->socket) {
        if (in->armed && !op->flying) {
            in->armed = 0;
            if (op->res == -EINVAL && in->multishot)
                in->multishot = 0; /* the kernel has no receive that goes on by itself */
            else if (!op->res || op->res == -ECONNRESET)
                in->closed = 1;
            else if (op->res < 0 && op->res != -ENOBUFS && op->res != -ECANCELED && op->res != -EINTR && op->res != -EAGAIN)
                in->failure = -op->res;
        }
        return;
    }
    if (!in->armed || op->flying)
        return;
    in->armed = 0;
    if (op->res > 0) {
        int at = (in->ring->got_first + in->ring->got_count++) % IN_BUFFERS;
        in->got[at] = (ring_got){op->res, in->reading};
        return;
    }
    in->lent[in->reading] = 1;
    if (!op->res || op->res == -ECONNRESET)
        in->closed = 1;
    else if (op->res == -EAGAIN)
        in->armed = -1; /* wait until there is something */
    else if (op->res != -EINTR && op->res != -ECANCELED)
        in->failure = -op->res;
}

static int lent_buffer(const ring_in *in)
{
    for (int i = 0; i < IN_BUFFERS; i++)
        if (in->lent[i])
            return i;
    return -1;
}

static void arm(ring_in *in, int from)
{
    int buffer = lent_buffer(in);
    if (in->armed > 0 || buffer < 0 || in->closed || in->failure || in->readable.flying)
        return;
    if (in->armed < 0 && !in->readable.done) {
        start_poll(in->ring, &in->readable, from, POLLIN);
        return;
    }
    in->readable.done = 0;
    in->armed = 1;
    if (!in->buffers || !in->socket) {
        in->lent[buffer] = 0; /* ours to read into */
        start_read(in->ring, &in->receive, SITE_READ_PIPE, from, buffer_of(in, buffer), IN_BUFFER, -1);
        in->reading = buffer;
        return;
    }
    struct io_uring_sqe *sqe = entry_for(in->ring);
    if (in->multishot)
        io_uring_prep_recv_multishot(sqe, from, NULL, 0, 0);
    else
        io_uring_prep_recv(sqe, from, NULL, IN_BUFFER, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = (uint16_t)in->group;
    ring_fault *fault = &refsync_ring_injury.site[SITE_RECV];
    int refuse = refsync_ring_injury.no_multishot && in->multishot;
    if (refuse)
        *fault = (ring_fault){.at = 1, .times = 1, .result = -EINVAL};
    launch(in->ring, sqe, &in->receive, SITE_RECV, 0);
}

/* The next buffer that was filled becomes what is parsed. */
static int next_buffer(ring_in *in)
{
    ring *ring = in->ring;
    if (!ring->got_count)
        return 0;
    ring_got got = in->got[ring->got_first];
    ring->got_first = (ring->got_first + 1) % IN_BUFFERS;
    ring->got_count--;
    in->current = got.buffer;
    in->lent[got.buffer] = 0;
    in->uses[got.buffer] = 1;
    in->base.here = buffer_of(in, got.buffer);
    in->base.left = got.length;
    in->base.received += got.length;
    return 1;
}

/* Ends all that is in flight: the connection first, then what was to be written. */
static void settle_in(ring_in *in)
{
    ring_op *endless[] = {&in->receive, &in->readable, &in->writable};
    for (;;) {
        int flying = 0;
        for (int i = 0; i < 3; i++) {
            flying |= endless[i]->flying | in->stop[i].flying;
            cancel(in->ring, endless[i], &in->stop[i]);
        }
        end_writes(in);
        for (int i = 0; i < WRITES; i++)
            flying |= in->write[i].op.flying;
        for (int i = 0; i < COPIES; i++)
            flying |= in->copy_read[i].flying;
        if (!flying || turn(in->ring, -1) == FAILED)
            break;
    }
    take_received(in);
    in->armed = 0;
    in->readable.done = in->writable.done = 0;
    memset(in->copy_used, 0, sizeof in->copy_used);
}

/* Nothing is in flight any more; what was received and not used is in one piece from `here` on. */
static void gather_rest(ring_in *in)
{
    int64_t size = in->base.left;
    ring *ring = in->ring;
    if (!ring->got_count)
        return;
    for (int i = 0; i < ring->got_count; i++)
        size += in->got[(ring->got_first + i) % IN_BUFFERS].length;
    unsigned char *rest = malloc((size_t)size + 1), *to = rest;
    if (!rest) {
        in->failure = ENOMEM;
        return;
    }
    do {
        memcpy(to, in->base.here, (size_t)in->base.left);
        to += in->base.left;
        let_go(in, in->current);
        in->current = -1;
    } while (next_buffer(in));
    free(in->rest);
    in->base.here = in->rest = rest;
    in->base.left = size;
}

static int ended_in(ring_in *in, int result)
{
    settle_in(in);
    gather_rest(in);
    in->ring->receiving = NULL;
    if (in->write_error) {
        in->base.error = in->write_error;
        return FILE_FAILED;
    }
    if (in->failure && result != FILE_FAILED) {
        in->base.error = in->failure;
        return FAILED;
    }
    return result;
}

/* After it nothing is in flight, whatever `run` said last. */
void refsync_ring_in_stop(ring_in *in)
{
    if (in->ring->receiving == &in->receive)
        ended_in(in, MORE);
}

void refsync_ring_in_free(ring_in *in)
{
    if (!in)
        return;
    refsync_ring_in_stop(in);
    settle_in(in);
    if (in->ring->broken)
        return; /* the kernel may still write where its memory is */
    leave_group(in);
    free(in->rest);
    free(in->base.first);
    free(in);
}

int refsync_ring_in_run(ring_in *in, int from, int to, int milliseconds, int64_t budget)
{
    bulk_in *base = &in->base;
    ring *ring = in->ring;
    int64_t until = base->received + budget;
    struct stat status;
    if (in->socket < 0)
        in->socket = !fstat(from, &status) && S_ISSOCK(status.st_mode);
    if (ring->receiving != &in->receive) {
        ring->receiving = &in->receive;
        ring->got = in->got;
        ring->got_room = IN_BUFFERS;
        ring->got_first = ring->got_count = 0;
    }
    for (;;) {
        int result = parse(base);
        if (result == FILE_FAILED || settle(base))
            return ended_in(in, FILE_FAILED);
        if (result)
            return ended_in(in, result);
        let_go(in, in->current); /* once its writes have ended, too */
        in->current = -1;
        base->left = 0;
        end_writes(in);
        take_received(in);
        if (next_buffer(in))
            continue;
        if (in->write_error)
            return ended_in(in, FILE_FAILED);
        if (in->closed || in->failure)
            return ended_in(in, CLOSED);
        if (base->received >= until)
            return MORE;
        if (in->writable.done) {
            in->writable.done = 0;
            if (to >= 0)
                return OTHER_READY;
        }
        arm(in, from);
        if (to >= 0 && !in->writable.flying)
            start_poll(ring, &in->writable, to, POLLOUT);
        int moved = turn_for(ring, milliseconds, &base->error);
        if (moved != MORE)
            return moved;
    }
}

#else

static int ring_put_gathered(bulk_in *in) { (void)in; return FILE_FAILED; }
static int ring_copy_run(bulk_in *in) { (void)in; return FILE_FAILED; }
ring_in *refsync_ring_in_new(ring *r, int f, int b, int fr, file_sum *s, int64_t bl, int64_t bs, int64_t l, int64_t m,
                             int *error)
{
    (void)r, (void)f, (void)b, (void)fr, (void)s, (void)bl, (void)bs, (void)l, (void)m;
    *error = ENOSYS;
    return NULL;
}
bulk_in *refsync_ring_in_base(ring_in *in) { (void)in; return NULL; }
int refsync_ring_in_begin(ring_in *in, const unsigned char *raw, int64_t count, int64_t f, int64_t t, int64_t o)
{
    (void)in, (void)raw, (void)count, (void)f, (void)t, (void)o;
    return 0;
}
void refsync_ring_in_stop(ring_in *in) { (void)in; }
void refsync_ring_in_free(ring_in *in) { (void)in; }
int refsync_ring_in_run(ring_in *in, int from, int to, int ms, int64_t budget)
{
    (void)in, (void)from, (void)to, (void)ms, (void)budget;
    return FAILED;
}

#endif

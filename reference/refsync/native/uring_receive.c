/* Receiving over a ring, as bulk_receive.c does without one: a receive that goes on by itself into buffers that the
 * writes of uring_put.c go out of. It stops where that of bulk_receive.c stops and says the same. */

#ifdef REFSYNC_URING

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
    base->pause = base->offset + budget;
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
        if (base->left)
            return MORE;
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

#endif

/* Sending over a ring, as bulk.c does without one: many reads in flight, frames made in registered slots. It stops where
 * that of bulk.c stops and says the same. */

#ifdef REFSYNC_URING
#include <netinet/in.h>

static int bad_result(int res)
{
    return res == -EPIPE || res == -ECONNRESET ? PEER_GONE : FAILED;
}

static int64_t small(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

#define OUT_SLOTS 8
#define OUT_SLOT ((TOKEN_SIZE + 8) * TOKENS)

typedef struct out_slot {
    ring_op read[TOKENS];
    int64_t have[TOKENS]; /* of the piece: bytes that are there */
    int error[TOKENS];    /* of the file, ENODATA at its end */
    int zeros[TOKENS];    /* the piece's room is known to hold zeros and nothing else */
    int64_t at, size;     /* in the file */
    int pieces;
    ring_op send; /* once it is done the next slot may go; what it names is free when it flies no more */
    ring_op stop;
    unsigned char *data;
} out_slot;

struct ring_out {
    ring *ring;
    int socket, zero_copy;
    int64_t asked;          /* of the file: read or being read */
    int first, count, most; /* slots in use, in order */
    int sending;            /* the first slot is on its way */
    int64_t send_at, send_size;
    ring_op writable, readable, stop[2];
    out_slot slot[OUT_SLOTS];
    bulk_out base; /* its front, which Python looks at; the rest is not used */
};

static int head_size(const ring_out *out)
{
    return out->base.framed ? 8 : 4;
}

static unsigned char *piece_of(const ring_out *out, const out_slot *slot, int piece)
{
    return slot->data + piece * (TOKEN_SIZE + head_size(out)) + head_size(out);
}

static int64_t piece_size(const out_slot *slot, int piece)
{
    return small(slot->size - (int64_t)piece * TOKEN_SIZE, TOKEN_SIZE);
}

/* Whether the connection is one of TCP to another machine. */
static int leaves(int fd)
{
    struct sockaddr_storage here, there;
    socklen_t size = sizeof here, other = sizeof there;
    if (getsockname(fd, (struct sockaddr *)&here, &size) || getpeername(fd, (struct sockaddr *)&there, &other))
        return 0;
    if (there.ss_family == AF_INET)
        return memcmp(&((struct sockaddr_in *)&here)->sin_addr, &((struct sockaddr_in *)&there)->sin_addr, 4) != 0;
    if (there.ss_family == AF_INET6)
        return memcmp(&((struct sockaddr_in6 *)&here)->sin6_addr, &((struct sockaddr_in6 *)&there)->sin6_addr, 16) != 0;
    return 0;
}

/* `zero_copy`: 0 never, 1 on any socket, 2 only to another machine. */
ring_out *refsync_ring_out_new(ring *ring, int file, int64_t length, int framed, file_sum *sum, int zero_copy)
{
    ring_out *out = malloc(sizeof *out);
    if (!out)
        return NULL;
    memset(out, 0, offsetof(ring_out, base) + offsetof(bulk_out, part));
    out->ring = ring;
    out->base.file = file;
    out->base.length = length;
    out->base.framed = framed;
    out->base.sum = sum;
    out->socket = -1;
    out->zero_copy = zero_copy;
    out->most = (int)small(ring->depth / TOKENS < 2 ? 2 : ring->depth / TOKENS, OUT_SLOTS);
    for (int i = 0; i < OUT_SLOTS; i++)
        out->slot[i].data = ring->memory + (size_t)i * OUT_SLOT;
    return out;
}

/* Begin at an offset, as `refsync_out_start`. */
void refsync_ring_out_start(ring_out *out, int64_t at, int error)
{
    refsync_out_start(&out->base, at, error);
    out->asked = at;
}

static void read_piece(ring_out *out, out_slot *slot, int piece)
{
    int64_t have = slot->have[piece];
    slot->zeros[piece] = 0;
    start_read(out->ring, &slot->read[piece], SITE_READ_SOURCE, out->base.file, piece_of(out, slot, piece) + have,
               piece_size(slot, piece) - have, slot->at + (int64_t)piece * TOKEN_SIZE + have);
}

/* Whether the piece is in a hole of the file; then it is there already. */
static int is_hole(ring_out *out, out_slot *slot, int piece)
{
    int64_t at = slot->at + (int64_t)piece * TOKEN_SIZE, size = piece_size(slot, piece);
    if (!in_hole(&out->base.holes, out->base.file, at, at + size))
        return 0;
    if (!slot->zeros[piece]) {
        memset(piece_of(out, slot, piece), 0, TOKEN_SIZE);
        slot->zeros[piece] = 1;
    }
    slot->have[piece] = size;
    return 1;
}

static void ask_for_more(ring_out *out)
{
    while (out->count < out->most && out->asked < out->base.length) {
        out_slot *slot = &out->slot[(out->first + out->count) % out->most];
        if (slot->send.flying)
            return; /* a zero-copy send still reads from it */
        out->count++;
        slot->at = out->asked;
        slot->size = small(out->base.length - out->asked, SLOT);
        slot->pieces = (int)((slot->size + TOKEN_SIZE - 1) / TOKEN_SIZE);
        out->asked += slot->size;
        for (int piece = 0; piece < slot->pieces; piece++) {
            slot->have[piece] = slot->error[piece] = 0;
            slot->read[piece].done = 0;
            if (!is_hole(out, slot, piece))
                read_piece(out, slot, piece);
        }
    }
}

/* Whether all of the slot is there; a short read is continued where it ended. */
static int is_read(ring_out *out, out_slot *slot)
{
    int ready = 1;
    for (int piece = 0; piece < slot->pieces; piece++) {
        ring_op *op = &slot->read[piece];
        if (op->flying) {
            ready = 0;
            continue;
        }
        if (!op->done)
            continue; /* looked at before */
        op->done = 0;
        if (op->res > 0)
            slot->have[piece] += op->res;
        else if (op->res != -EINTR && op->res != -EAGAIN)
            slot->error[piece] = op->res ? -op->res : ENODATA;
        if (!slot->error[piece] && slot->have[piece] < piece_size(slot, piece)) {
            read_piece(out, slot, piece);
            ready = 0;
        }
    }
    return ready;
}

/* Headers in front of the pieces; from the first byte that could not be read on it is all zeros. */
static void make_frames(ring_out *out, out_slot *slot)
{
    for (int piece = 0; piece < slot->pieces; piece++) {
        unsigned char *data = piece_of(out, slot, piece);
        int64_t size = piece_size(slot, piece), have = out->base.file_error ? 0 : slot->have[piece];
        if (have < size && !slot->zeros[piece]) {
            if (!out->base.file_error)
                out->base.file_error = slot->error[piece];
            memset(data + have, 0, (size_t)(size - have));
        }
        refsync_sum_update(out->base.sum, data, size);
        if (out->base.framed)
            store32(data - 8, (uint32_t)DATA_TAG << 24 | ((uint32_t)size + 4));
        store32(data - 4, (uint32_t)size);
    }
    out->base.position += slot->size;
    out->send_at = 0;
    out->send_size = slot->size + (int64_t)slot->pieces * head_size(out);
}

static void start_send(ring_out *out, int to)
{
    out_slot *slot = &out->slot[out->first];
    const unsigned char *from = slot->data + out->send_at;
    int64_t count = out->send_size - out->send_at;
    slot->send.done = 0;
    if (!out->socket) {
        start_write(out->ring, &slot->send, SITE_WRITE_PIPE, to, from, count, -1);
        return;
    }
    struct io_uring_sqe *sqe = entry_for(out->ring);
    if (out->zero_copy) {
        io_uring_prep_send_zc(sqe, to, from, (size_t)count, MSG_NOSIGNAL, 0);
        if (out->ring->fixed) {
            sqe->ioprio |= IORING_RECVSEND_FIXED_BUF;
            sqe->buf_index = 0;
        }
    } else
        io_uring_prep_send(sqe, to, from, (size_t)count, MSG_NOSIGNAL);
    launch(out->ring, sqe, &slot->send, out->zero_copy ? SITE_SEND_ZC : SITE_SEND, count);
}

/* Takes note of how the send ended. MORE: go on. */
static int end_send(ring_out *out, int to)
{
    ring_op *op = &out->slot[out->first].send;
    int res = op->res;
    if (out->writable.flying)
        return MORE;
    if (op->flying && (res < 0 || res < out->send_size - out->send_at))
        return MORE; /* not whole, and its notice is still to come */
    if (res == -EOPNOTSUPP && out->zero_copy) {
        out->zero_copy = 0; /* a local socket */
        start_send(out, to);
        return MORE;
    }
    if (res == -EAGAIN) {
        op->res = -EINTR; /* once it can be written again */
        start_poll(out->ring, &out->writable, to, POLLOUT);
        return MORE;
    }
    if (res < 0 && res != -EINTR) {
        out->base.error = -res;
        return bad_result(res);
    }
    if (res > 0) {
        out->base.sent += res;
        out->send_at += res;
    }
    if (out->send_at < out->send_size) {
        start_send(out, to);
        return MORE;
    }
    out->sending = 0;
    out->first = (out->first + 1) % out->most;
    out->count--;
    return MORE;
}

/* Everything in flight has ended after this, so that its memory is free. */
static void settle_out(ring_out *out)
{
    ring_op *endless[] = {&out->writable, &out->readable};
    for (;;) {
        int flying = 0;
        for (int i = 0; i < OUT_SLOTS; i++) {
            out_slot *slot = &out->slot[i];
            for (int piece = 0; piece < TOKENS; piece++)
                flying |= slot->read[piece].flying;
            flying |= slot->send.flying | slot->stop.flying;
            if (!slot->send.done) /* else only its notice is missing */
                cancel(out->ring, &slot->send, &slot->stop);
        }
        for (int i = 0; i < 2; i++) {
            flying |= endless[i]->flying | out->stop[i].flying;
            cancel(out->ring, endless[i], &out->stop[i]);
        }
        if (!flying || turn(out->ring, -1) == FAILED)
            return;
    }
}

void refsync_ring_out_free(ring_out *out)
{
    if (!out)
        return;
    settle_out(out);
    if (!out->ring->broken)
        free(out);
}

int refsync_ring_out_at_boundary(const ring_out *out)
{
    return !out->sending;
}

bulk_out *refsync_ring_out_base(ring_out *out)
{
    return &out->base;
}

static int ended_out(ring_out *out, int result)
{
    settle_out(out);
    return result;
}

int refsync_ring_out_run(ring_out *out, int to, int from, int milliseconds, int64_t budget, int finish)
{
    bulk_out *base = &out->base;
    ring *ring = out->ring;
    int64_t until = base->sent + budget;
    struct stat status;
    if (out->socket < 0) {
        out->socket = !fstat(to, &status) && S_ISSOCK(status.st_mode);
        if (out->zero_copy == 2)
            out->zero_copy = out->socket && leaves(to);
        if (!refsync_ring_has(ring, IORING_OP_SEND_ZC))
            out->zero_copy = 0;
    }
    for (;;) {
        if (!finish)
            ask_for_more(out);
        if (out->sending && out->slot[out->first].send.done) {
            int result = end_send(out, to);
            if (result)
                return ended_out(out, result);
        }
        if (!out->sending) {
            if (finish || base->position == base->length)
                return base->position == base->length ? ended_out(out, DONE) : MORE;
            if (base->sent >= until)
                return MORE;
            if (out->count && is_read(out, &out->slot[out->first])) {
                make_frames(out, &out->slot[out->first]);
                out->sending = 1;
                start_send(out, to);
            }
        }
        if (out->readable.done) {
            out->readable.done = 0;
            if (from >= 0)
                return OTHER_READY;
        }
        if (from >= 0 && !out->readable.flying)
            start_poll(ring, &out->readable, from, POLLIN);
        int moved = turn_for(ring, milliseconds, &base->error);
        if (moved != MORE)
            return moved;
    }
}

#endif

/* File data between a file and a connection, without a return to Python for each block or frame. The twins are the
 * general loops of engine/sender.py and engine/receiver.py over wire/tokens.py and session/link.py. */

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* -- what both directions have in common ---------------------------------------------------------- */

#define DATA_TAG 7
#define TOKEN_SIZE (32 * 1024)
#define TOKENS 8
#define SLOT (TOKENS * TOKEN_SIZE)

enum { MORE = 0, DONE, OTHER_READY, AGAIN, PEER_GONE, FAILED, FILE_FAILED, MESSAGE, BAD_TOKEN, CLOSED };

/* Waits for `fd`, or for the other direction. MORE: fd is ready. AGAIN: time is up, or a signal came. */
static int wait_for(int fd, short what, int other, short other_what, int milliseconds)
{
    struct pollfd set[2] = {{fd, what, 0}, {other, other_what, 0}};
    int count = poll(set, other >= 0 ? 2 : 1, milliseconds);
    if (count <= 0)
        return AGAIN;
    if (set[0].revents)
        return MORE;
    return OTHER_READY;
}

/* -- sending -------------------------------------------------------------------------------------- */

typedef struct bulk_out {
    int file;
    int framed;
    int file_error;      /* why bytes had to be made up, else 0 */
    int error;           /* of the connection */
    int64_t length;      /* of the file */
    int64_t position;    /* read so far */
    int64_t sent;        /* bytes that went out, headers included */
    file_sum *sum;
    int at, parts;       /* of the slot: what is still to go */
    struct iovec part[2 * TOKENS];
    unsigned char heads[8 * TOKENS];
    unsigned char slot[SLOT];
} bulk_out;

void refsync_out_free(bulk_out *out)
{
    free(out);
}

bulk_out *refsync_out_new(int file, int64_t length, int framed, file_sum *sum)
{
    bulk_out *out = malloc(sizeof *out);
    if (out) {
        memset(out, 0, offsetof(bulk_out, part));
        out->file = file;
        out->length = length;
        out->framed = framed;
        out->sum = sum;
    }
    return out;
}

/* Whether the next byte begins a frame, so that messages may go first. */
int refsync_out_at_boundary(const bulk_out *out)
{
    return out->at == out->parts;
}

static void fill_slot(bulk_out *out)
{
    int64_t want = out->length - out->position, have = 0;
    if (want > SLOT)
        want = SLOT;
    while (have < want && !out->file_error) {
        ssize_t count = pread(out->file, out->slot + have, (size_t)(want - have), out->position + have);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            out->file_error = count ? errno : ENODATA;
        else
            have += count;
    }
    if (have < want)
        memset(out->slot + have, 0, (size_t)(want - have));
    refsync_sum_update(out->sum, out->slot, want);
    out->position += want;
    out->at = out->parts = 0;
    for (int64_t done = 0; done < want; done += TOKEN_SIZE) {
        uint32_t size = (uint32_t)(want - done < TOKEN_SIZE ? want - done : TOKEN_SIZE);
        unsigned char *head = out->heads + 4 * out->parts;
        store32(head, (uint32_t)DATA_TAG << 24 | (size + 4));
        store32(head + 4, size);
        out->part[out->parts++] = (struct iovec){out->framed ? head : head + 4, out->framed ? 8 : 4};
        out->part[out->parts++] = (struct iovec){out->slot + done, size};
    }
}

/* Sends until the file is done, the budget is spent, or nothing moves any more. `finish` only ends what is begun. */
int refsync_out_run(bulk_out *out, int to, int from, int milliseconds, int64_t budget, int finish)
{
    int64_t until = out->sent + budget;
    for (;;) {
        if (out->at == out->parts) {
            if (finish || out->position == out->length)
                return out->position == out->length ? DONE : MORE;
            if (out->sent >= until)
                return MORE;
            fill_slot(out);
        }
        struct msghdr message = {.msg_iov = out->part + out->at, .msg_iovlen = (size_t)(out->parts - out->at)};
        ssize_t count = sendmsg(to, &message, MSG_NOSIGNAL);
        if (count < 0 && errno == ENOTSOCK)
            count = writev(to, out->part + out->at, out->parts - out->at);
        if (count < 0) {
            if (errno == EINTR)
                return AGAIN;
            if (errno == EPIPE || errno == ECONNRESET)
                return PEER_GONE;
            if (errno != EAGAIN && errno != EWOULDBLOCK) {
                out->error = errno;
                return FAILED;
            }
            int ready = wait_for(to, POLLOUT, from, POLLIN, milliseconds);
            if (ready != MORE)
                return ready;
            continue;
        }
        out->sent += count;
        while (out->at < out->parts && (size_t)count >= out->part[out->at].iov_len)
            count -= (ssize_t)out->part[out->at++].iov_len;
        if (count) {
            out->part[out->at].iov_base = (unsigned char *)out->part[out->at].iov_base + count;
            out->part[out->at].iov_len -= (size_t)count;
        }
    }
}

/* -- receiving ------------------------------------------------------------------------------------ */

#define ROOM (256 * 1024)
#define COPY (1024 * 1024)
#define GATHERED 64

typedef struct bulk_in {
    int file, basis;
    int framed;
    int error;
    int64_t offset;        /* in the output file */
    int64_t frame_left, token_left;
    int64_t literal, matched;
    int64_t taken;         /* payload that was used, a token's bytes and literal data */
    int64_t received;      /* from the connection */
    int64_t block, blocks, last_block, max_literal;
    int32_t bad;           /* the token that cannot be */
    int token_have, head_have;
    unsigned char token[4], head[4]; /* of a token or a frame's header: what has come of it */
    const unsigned char *here;       /* what was received and is not used yet */
    int64_t left;
    unsigned char *first;            /* what was received before */
    struct ring_in *by_ring;         /* the ring puts and copies, if there is one */
    int64_t run, run_size; /* of the basis: blocks in order that are still to be copied */
    int64_t gathered_at;
    int gathered;
    file_sum *sum;
    struct iovec part[GATHERED];
    unsigned char *copy;
    unsigned char room[ROOM];
} bulk_in;

void refsync_in_free(bulk_in *in)
{
    if (in) {
        free(in->copy);
        free(in->first);
    }
    free(in);
}

bulk_in *refsync_in_new(int file, int basis, int framed, file_sum *sum, int64_t block, int64_t blocks,
                        int64_t last_block, int64_t max_literal)
{
    bulk_in *in = malloc(sizeof *in);
    if (!in)
        return NULL;
    memset(in, 0, offsetof(bulk_in, part));
    in->copy = NULL;
    in->file = file;
    in->basis = basis;
    in->framed = framed;
    in->sum = sum;
    in->block = block;
    in->blocks = blocks;
    in->last_block = last_block;
    in->max_literal = max_literal;
    return in;
}

/* What was received before, inside a frame and a literal run as told. 0: there is no memory for it. */
int refsync_in_begin(bulk_in *in, const unsigned char *raw, int64_t count, int64_t frame_left, int64_t token_left,
                     int64_t offset)
{
    unsigned char *first = malloc((size_t)count + 1);
    if (!first)
        return 0;
    memcpy(first, raw, (size_t)count);
    free(in->first);
    in->here = in->first = first;
    in->left = count;
    in->frame_left = in->framed ? frame_left : INT64_MAX;
    in->token_left = token_left;
    in->offset = offset;
    in->token_have = in->head_have = 0;
    return 1;
}

static int ring_put_gathered(bulk_in *in);
static int ring_copy_run(bulk_in *in);

/* Writes all parts from `at` on, whatever is written at a time: 0, or an errno value. */
static int write_parts(int file, struct iovec *part, int parts, int64_t at)
{
    while (parts) {
        ssize_t count = pwritev(file, part, parts, at);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return count ? errno : EIO;
        at += count;
        while (parts && (size_t)count >= part->iov_len) {
            count -= (ssize_t)part->iov_len;
            part++;
            parts--;
        }
        if (count) {
            part->iov_base = (unsigned char *)part->iov_base + count;
            part->iov_len -= (size_t)count;
        }
    }
    return 0;
}

static int put(bulk_in *in, struct iovec *part, int parts, int64_t at)
{
    int error = write_parts(in->file, part, parts, at);
    if (!error)
        return MORE;
    in->error = error;
    return FILE_FAILED;
}

static int put_gathered(bulk_in *in)
{
    int parts = in->gathered;
    if (parts && in->by_ring)
        return ring_put_gathered(in);
    in->gathered = 0;
    return put(in, in->part, parts, in->gathered_at);
}

/* The blocks that were named last; where the basis has shrunk it reads as zeros, and the digest tells. */
static int copy_run(bulk_in *in)
{
    if (in->run_size && in->by_ring)
        return ring_copy_run(in);
    while (in->run_size) {
        int64_t want = in->run_size < COPY ? in->run_size : COPY, have = 0;
        if (!in->copy && !(in->copy = malloc(COPY))) {
            in->error = ENOMEM;
            return FILE_FAILED;
        }
        while (have < want) {
            ssize_t count = pread(in->basis, in->copy + have, (size_t)(want - have), in->run + have);
            if (count < 0 && errno == EINTR)
                continue;
            if (count < 0) {
                in->error = errno;
                return FILE_FAILED;
            }
            if (!count) {
                memset(in->copy + have, 0, (size_t)(want - have));
                break;
            }
            have += count;
        }
        refsync_sum_update(in->sum, in->copy, want);
        struct iovec part = {in->copy, (size_t)want};
        if (put(in, &part, 1, in->offset))
            return FILE_FAILED;
        in->offset += want;
        in->matched += want;
        in->run += want;
        in->run_size -= want;
    }
    return MORE;
}

static int settle(bulk_in *in)
{
    return put_gathered(in) || copy_run(in) ? FILE_FAILED : MORE;
}

/* Block `-(token + 1)`, as one more of a run where it goes on. */
static int name_block(bulk_in *in, int32_t token)
{
    int64_t index = -((int64_t)token + 1);
    if (index >= in->blocks || in->basis < 0) {
        in->bad = token;
        return BAD_TOKEN;
    }
    if (put_gathered(in))
        return FILE_FAILED;
    if (in->run_size && (in->run + in->run_size != index * in->block || in->run_size >= COPY) && copy_run(in))
        return FILE_FAILED;
    if (!in->run_size)
        in->run = index * in->block;
    in->run_size += index == in->blocks - 1 ? in->last_block : in->block;
    return MORE;
}

static void used(bulk_in *in, int64_t count)
{
    in->here += count;
    in->left -= count;
}

/* All that is there; MORE when it is used up. */
static int parse(bulk_in *in)
{
    for (;;) {
        if (!in->left)
            return MORE;
        if (!in->frame_left) {
            in->head[in->head_have++] = *in->here;
            used(in, 1);
            if (in->head_have < 4)
                continue;
            uint32_t head = load32(in->head);
            if (head >> 24 != DATA_TAG)
                return MESSAGE;
            in->head_have = 0;
            in->frame_left = head & 0xffffff;
            continue;
        }
        if (!in->token_left) {
            in->token[in->token_have++] = *in->here;
            used(in, 1);
            in->taken++;
            in->frame_left--;
            if (in->token_have < 4)
                continue;
            in->token_have = 0;
            int32_t token = (int32_t)load32(in->token);
            if (!token)
                return DONE;
            if (token > in->max_literal) {
                in->bad = token;
                return BAD_TOKEN;
            }
            if (token > 0) {
                in->token_left = token;
                continue;
            }
            int named = name_block(in, token);
            if (named)
                return named;
            continue;
        }
        int64_t count = in->left < in->frame_left ? in->left : in->frame_left;
        if (count > in->token_left)
            count = in->token_left;
        if (in->run_size && copy_run(in))
            return FILE_FAILED;
        if (in->gathered == GATHERED && put_gathered(in))
            return FILE_FAILED;
        if (!in->gathered)
            in->gathered_at = in->offset;
        in->part[in->gathered++] = (struct iovec){(void *)in->here, (size_t)count};
        refsync_sum_update(in->sum, in->here, count);
        in->offset += count;
        in->literal += count;
        in->taken += count;
        used(in, count);
        in->frame_left -= count;
        in->token_left -= count;
    }
}

/* Receives until the file ends, the budget is spent, something else than data comes, or nothing does. */
int refsync_in_run(bulk_in *in, int from, int to, int milliseconds, int64_t budget)
{
    int64_t until = in->received + budget;
    for (;;) {
        int result = parse(in);
        if (result == FILE_FAILED || settle(in))
            return FILE_FAILED;
        if (result)
            return result;
        if (in->received >= until)
            return MORE;
        ssize_t count = read(from, in->room, ROOM);
        if (count > 0) {
            in->here = in->room;
            in->left = count;
            in->received += count;
            continue;
        }
        if (!count)
            return CLOSED;
        if (errno == EINTR)
            return AGAIN;
        if (errno == ECONNRESET)
            return CLOSED;
        if (errno != EAGAIN && errno != EWOULDBLOCK) {
            in->error = errno;
            return FAILED;
        }
        int ready = wait_for(from, POLLIN, to, POLLOUT, milliseconds);
        if (ready != MORE)
            return ready;
    }
}

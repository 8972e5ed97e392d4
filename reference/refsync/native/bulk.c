/* File data between a file and a connection, without a return to Python for each block or frame: sending, and what
 * receiving, in bulk_receive.c, has in common with it. The twins are the general loops of engine/sender.py and
 * engine/receiver.py over wire/tokens.py and session/link.py. */

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

/* Reads `want` bytes at `at`: 0, or why what is missing was made zeros. */
static int read_or_zeros(int file, unsigned char *to, int64_t want, int64_t at)
{
    int error = 0;
    int64_t have = 0;
    while (have < want && !error) {
        ssize_t count = pread(file, to + have, (size_t)(want - have), at + have);
        if (count > 0)
            have += count;
        else if (!count)
            error = ENODATA;
        else if (errno != EINTR)
            error = errno;
    }
    memset(to + have, 0, (size_t)(want - have));
    return error;
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
    int64_t zeros;       /* so many bytes at the slot's start are known to be zeros */
    file_sum *sum;
    source_holes holes;
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

/* Begin at an offset, all before which has been summed as far as it should be; `error`: it could not be read. */
void refsync_out_start(bulk_out *out, int64_t at, int error)
{
    out->position = at;
    out->file_error = error;
}

/* Whether the next byte begins a frame, so that messages may go first. */
int refsync_out_at_boundary(const bulk_out *out)
{
    return out->at == out->parts;
}

static void fill_slot(bulk_out *out)
{
    int64_t want = out->length - out->position;
    if (want > SLOT)
        want = SLOT;
    int hole = !out->file_error && in_hole(&out->holes, out->file, out->position, out->position + want);
    if (!hole && !out->file_error)
        out->file_error = read_or_zeros(out->file, out->slot, want, out->position);
    else if (!hole || want > out->zeros)
        memset(out->slot, 0, (size_t)want);
    if (!hole)
        out->zeros = 0;
    else if (want > out->zeros)
        out->zeros = want;
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

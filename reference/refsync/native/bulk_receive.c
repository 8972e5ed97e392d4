/* Receiving file data without a ring, and what receiving over one, in uring_receive.c, has in common with it. */

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
    int64_t pause;         /* the offset at which the budget is spent: one read can name gigabytes of the basis */
    int64_t block, blocks, last_block, max_literal;
    int32_t bad;           /* the token that cannot be */
    int token_have, head_have;
    unsigned char token[4], head[4]; /* of a token or a frame's header: what has come of it */
    const unsigned char *here;       /* what was received and is not used yet */
    int64_t left;
    unsigned char *first;            /* what was received before */
    struct ring_in *by_ring;         /* the ring puts and copies, if there is one */
    int64_t run, run_size; /* of the basis: blocks in order that are still to be copied */
    int sparse, in_place;  /* zeros become holes; the basis is what is written to */
    int64_t existing;      /* an older file's size: before it zeros have to be made */
    int64_t hole, zeros;   /* where zeros have come that are not made yet, and how many */
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

/* How the file is written: see `bulk_in`. */
void refsync_in_manner(bulk_in *in, int sparse, int64_t existing, int in_place)
{
    in->sparse = sparse;
    in->existing = existing;
    in->in_place = in_place;
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
static int ring_put_copy(bulk_in *in, const unsigned char *data, int64_t count, int64_t at);
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

/* Zeros that take no room: nothing to do past the old end; before it a hole, zeros at worst. */
static int make_zeros(bulk_in *in)
{
    static const unsigned char zeros[64 * 1024];
    int64_t at = in->hole, left = in->existing - at;
    if (left > in->zeros)
        left = in->zeros;
    in->zeros = 0;
#ifdef FALLOC_FL_PUNCH_HOLE
    if (left > 0 && !fallocate(in->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, left))
        return MORE;
#endif
    for (int64_t size; left > 0; at += size, left -= size) {
        size = left < (int64_t)sizeof zeros ? left : (int64_t)sizeof zeros;
        struct iovec part = {(void *)zeros, (size_t)size};
        if (put(in, &part, 1, at))
            return FILE_FAILED;
    }
    return MORE;
}

/* So many zeros at `at`; what follows upon them is made in one go. */
static int add_zeros(bulk_in *in, int64_t at, int64_t count)
{
    if (at >= in->existing)
        return MORE;
    if (in->zeros && in->hole + in->zeros != at && make_zeros(in))
        return FILE_FAILED;
    if (!in->zeros)
        in->hole = at;
    in->zeros += count;
    return MORE;
}

/* Literal data, which stays where it is until it is written. */
static int gather(bulk_in *in, const unsigned char *data, int64_t count)
{
    while (count) {
        int64_t size = in->sparse ? hole_size(data, count, in->offset) : 0;
        if (size) {
            if (put_gathered(in) || add_zeros(in, in->offset, size))
                return FILE_FAILED;
        } else {
            size = in->sparse ? data_size(data, count, in->offset) : count;
            if (in->gathered == GATHERED && put_gathered(in))
                return FILE_FAILED;
            if (!in->gathered)
                in->gathered_at = in->offset;
            in->part[in->gathered++] = (struct iovec){(void *)data, (size_t)size};
        }
        data += size;
        count -= size;
        in->offset += size;
    }
    return MORE;
}

/* Data of the basis. Where it is in its place already only holes are made. */
static int put_copy(bulk_in *in, const unsigned char *data, int64_t count)
{
    int there = in->in_place && in->run == in->offset;
    in->matched += count;
    in->run += count;
    in->run_size -= count;
    while (count) {
        int64_t size = in->sparse ? hole_size(data, count, in->offset) : 0;
        int failed = MORE;
        if (size)
            failed = add_zeros(in, in->offset, size);
        else {
            size = in->sparse ? data_size(data, count, in->offset) : count;
            struct iovec part = {(void *)data, (size_t)size};
            if (!there)
                failed = in->by_ring ? ring_put_copy(in, data, size, in->offset) : put(in, &part, 1, in->offset);
        }
        if (failed)
            return FILE_FAILED;
        data += size;
        count -= size;
        in->offset += size;
    }
    return MORE;
}

/* The blocks that were named last; where the basis has shrunk it reads as zeros, and the digest tells. */
static int copy_run(bulk_in *in)
{
    if (in->run_size && in->by_ring)
        return ring_copy_run(in);
    while (in->run_size) {
        int64_t want = in->run_size < COPY ? in->run_size : COPY;
        if (!in->copy && !(in->copy = malloc(COPY))) {
            in->error = ENOMEM;
            return FILE_FAILED;
        }
        int error = read_or_zeros(in->basis, in->copy, want, in->run);
        if (error && error != ENODATA) {
            in->error = error;
            return FILE_FAILED;
        }
        refsync_sum_update(in->sum, in->copy, want);
        if (put_copy(in, in->copy, want))
            return FILE_FAILED;
    }
    return MORE;
}

static int settle(bulk_in *in)
{
    return put_gathered(in) || copy_run(in) || (in->zeros && make_zeros(in)) ? FILE_FAILED : MORE;
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

/* All that is there; MORE when it is used up, or the budget is. */
static int parse(bulk_in *in)
{
    for (;;) {
        if (!in->left || in->offset >= in->pause)
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
        refsync_sum_update(in->sum, in->here, count);
        if (gather(in, in->here, count))
            return FILE_FAILED;
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
    in->pause = in->offset + budget;
    for (;;) {
        int result = parse(in);
        if (result == FILE_FAILED || settle(in))
            return FILE_FAILED;
        if (result)
            return result;
        if (in->left || in->received >= until)
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

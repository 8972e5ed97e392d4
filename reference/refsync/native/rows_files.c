/* New small files of one directory's list, many in one call: asked for, sent, and put in place. What is in any way
 * unusual stops a run before it, and the general loops of engine/generator.py, engine/sender.py and engine/receiver.py,
 * which say what these do, go on there. */

#define ITEM_NEW 0x2000
#define ITEM_TRANSFER 0x8000
#define REQUEST_SIZE (2 + 16) /* behind the index: flags and an empty sum head */

/* NDX-2: an index that is not negative. */
static unsigned char *put_index(unsigned char *out, int32_t index, int32_t *previous)
{
    int64_t apart = (int64_t)index - *previous;
    *previous = index;
    if (apart > 0 && apart < 0xfe) {
        *out++ = (unsigned char)apart;
    } else if (apart >= 0 && apart <= 0x7fff) {
        *out++ = 0xfe;
        *out++ = (unsigned char)(apart >> 8);
        *out++ = (unsigned char)apart;
    } else {
        *out++ = 0xfe;
        *out++ = (unsigned char)(index >> 24 | 0x80);
        *out++ = (unsigned char)index;
        *out++ = (unsigned char)(index >> 8);
        *out++ = (unsigned char)(index >> 16);
    }
    return out;
}

/* The same back; NULL: it is not all there, or no such index. */
static const unsigned char *get_index(const unsigned char *in, const unsigned char *end, int32_t previous, int64_t *index)
{
    if (in == end || !*in || *in == 0xff)
        return NULL;
    if (*in != 0xfe) {
        *index = (int64_t)previous + *in;
        return in + 1;
    }
    if (end - in < 3)
        return NULL;
    if (!(in[1] & 0x80)) {
        *index = (int64_t)previous + (in[1] << 8 | in[2]);
        return in + 3;
    }
    if (end - in < 5)
        return NULL;
    *index = (int64_t)(in[1] & 0x7f) << 24 | in[4] << 16 | in[3] << 8 | in[2];
    return in + 5;
}

static unsigned char *put_item(unsigned char *out, unsigned flags)
{
    *out++ = (unsigned char)flags;
    *out++ = (unsigned char)(flags >> 8);
    memset(out, 0, 16);
    return out + 16;
}

static int is_item(const unsigned char *in, const unsigned char *end, unsigned flags)
{
    static const unsigned char no_sums[16];
    return end - in >= REQUEST_SIZE && in[0] == (flags & 0xff) && in[1] == flags >> 8
        && !memcmp(in + 2, no_sums, sizeof no_sums);
}

/* Requests for rows from `from` on that `directory` has nothing for, the first row having index `start`. Returns how
 * many, *used: of how many bytes. */
int32_t refsync_rows_request(const rows *list, int32_t from, int32_t until, int directory, int32_t start, unsigned flags,
                             int32_t *previous, unsigned char *out, int64_t room, int64_t *used)
{
    unsigned char *begin = out, *end = out + room;
    int32_t at = from;
    for (; at < until && end - out >= 5 + REQUEST_SIZE; at++) {
        const row *one = &list->row[at];
        struct stat status;
        if (one->made >= 0 || !S_ISREG(one->mode)
            || !fstatat(directory, (const char *)name_of(list, one), &status, AT_SYMLINK_NOFOLLOW) || errno != ENOENT)
            break;
        out = put_item(put_index(out, start + at, previous), flags | ITEM_NEW | ITEM_TRANSFER);
    }
    *used = out - begin;
    return at - from;
}

typedef struct row_run {
    int32_t start;            /* the index of the first row */
    int32_t index;            /* in: what has been read already; out: the last index of the run */
    int32_t previous;         /* that was sent last */
    int32_t count, limit;     /* out: files; in: how many at most */
    int32_t *done;            /* out: their indexes */
    int more;                 /* out: the next file is a usual one as far as it has come, which is not all */
    int64_t sizes, literal;   /* out: of the files, as listed and as they were */
    int64_t in_used, out_used;
    unsigned flags;           /* beside those of a new file that is transferred */
    int directory, open_flags, sum;
    int64_t most;             /* longer files take the general way */
    int set_times, keep_mode; /* when putting files in place */
    unsigned umask;           /* for those that don't keep their mode */
    int set_uid, set_gid;
    uint32_t gid;             /* a file of another group takes the general way; NO_ID: none does */
} row_run;

#define NO_ID UINT32_MAX

/* The row of the run's next item, whose index is *index; NULL: it is no usual one. */
static const row *row_of(const rows *list, const row_run *run, int64_t index)
{
    int64_t at = index - run->start;
    if (at < 0 || at >= list->count || run->count >= run->limit)
        return NULL;
    const row *one = &list->row[at];
    return one->made < 0 && S_ISREG(one->mode) && one->size <= run->most ? one : NULL;
}

/* Answers requests for new files. The index of the first was read before `in`; that of one which is not answered is
 * not read. */
void refsync_rows_serve(const rows *list, const unsigned char *in, int64_t have, unsigned char *out, int64_t room,
                        row_run *run)
{
#ifdef REFSYNC_XXHASH
    const unsigned char *begin = in, *end = in + have;
    unsigned char *out_begin = out, *out_end = out + room;
    int64_t index = run->index;
    unsigned flags = run->flags | ITEM_NEW | ITEM_TRANSFER;
    run->count = 0;
    run->in_used = run->out_used = run->sizes = run->literal = 0;
    for (;;) {
        const row *one = row_of(list, run, index);
        int32_t previous = run->previous;
        if (!one || !is_item(in, end, flags) || out_end - out < run->most + 64)
            break;
        unsigned char *next = put_item(put_index(out, (int32_t)index, &previous), flags);
        int64_t length;
        int64_t size = small_read(run->directory, (const char *)name_of(list, one), run->open_flags, run->most, run->sum,
                                  next, &length);
        if (size < 0)
            break;
        out = next + size;
        in += REQUEST_SIZE;
        run->done[run->count] = run->index = (int32_t)index;
        run->previous = previous;
        run->count++;
        run->sizes += one->size;
        run->literal += length;
        run->in_used = in - begin;
        run->out_used = out - out_begin;
        in = get_index(in, end, (int32_t)index, &index);
        if (!in)
            break;
    }
#else
    (void)list, (void)in, (void)have, (void)out, (void)room;
    run->count = 0;
#endif
}

/* FS-2: what a temporary name begins with; 0 for a name that may have to be cut. */
static int stem_of(const char *name, int32_t length, char *out)
{
    if (length > 240)
        return 0;
    if (*name == '.') {
        name++;
        length--;
    }
    *out++ = '.';
    memcpy(out, name, (size_t)length);
    if (length && out[length - 1] == '.')
        length--;
    else if (!length)
        out--;
    out[length] = '.';
    out[length + 1] = 0;
    return 1;
}

/* Whether the item of a new file, as far as it is there, can be the beginning of one that `refsync_rows_take` takes. */
static int is_begun(const unsigned char *in, const unsigned char *end, unsigned flags, const row_run *run)
{
    unsigned char head[REQUEST_SIZE];
    int64_t have = end - in, digest_size = run->sum == 1 ? 16 : 8;
    put_item(head, flags);
    if (have < REQUEST_SIZE)
        return !memcmp(in, head, (size_t)have);
    if (memcmp(in, head, REQUEST_SIZE))
        return 0;
    for (in += REQUEST_SIZE; end - in >= 4;) {
        int32_t token = (int32_t)load32(in);
        in += 4;
        if (!token)
            return end - in < digest_size;
        if (token < 0 || token > run->most)
            return 0;
        if (token > end - in)
            return 1;
        in += token;
    }
    return 1;
}

/* Puts in place files that are new and have been received whole, with what belongs to them, or has them wait in `batch`.
 * As above for indexes. */
void refsync_rows_take(const rows *list, const unsigned char *in, int64_t have, row_run *run, small_batch *batch)
{
    const unsigned char *begin = in, *end = in + have;
    int64_t index = run->index;
    unsigned flags = run->flags | ITEM_NEW | ITEM_TRANSFER;
    char stem[256];
    run->count = run->more = 0;
    run->in_used = run->sizes = run->literal = 0;
    for (;;) {
        const row *one = row_of(list, run, index);
        run->more = one && is_begun(in, end, flags, run);
        if (!one || run->more || !is_item(in, end, flags))
            break;
        const char *name = (const char *)name_of(list, one);
        if ((run->set_uid && one->uid == NO_ID) || (run->set_gid && one->gid == NO_ID)
            || (run->gid != NO_ID && run->gid != one->gid) || !stem_of(name, one->length, stem))
            break;
        small_file file = {.directory = run->directory, .stem = stem, .name = name, .set_mode = 1};
        file.mode = run->keep_mode ? one->mode & 07777 : one->mode & 0777 & ~run->umask;
        file.uid = run->set_uid ? (int64_t)one->uid : -1;
        file.gid = run->set_gid ? (int64_t)one->gid : -1;
        file.set_times = run->set_times;
        file.seconds = one->mtime;
        file.nanoseconds = one->nsec;
        int64_t used = batch ? batch_add(batch, in + 2, end - in - 2, run->sum, &file)
                             : refsync_small_write(in + 2, end - in - 2, run->sum, &file);
        if (!used)
            break;
        in += 2 + used;
        run->done[run->count] = run->index = (int32_t)index;
        run->count++;
        run->sizes += one->size;
        run->literal += file.length;
        run->in_used = in - begin;
        in = get_index(in, end, (int32_t)index, &index);
        if (!in)
            break;
    }
}

/* Rows on the wire: the usual entries of a long list, as wire/flist_usual.py has them, a whole run in one call. */

#define PATH_ROOM 4096
#define LONGEST_NAME 255
#define SAME_MODE 0x02
#define SAME_UID 0x08
#define SAME_GID 0x10
#define SAME_NAME 0x20
#define SAME_TIME 0x80
#define MOD_NSEC 0x2000

/* What an entry is told as the difference from. */
typedef struct flist_state {
    int64_t mtime;
    uint32_t mode, uid, gid;
    int32_t length;
    unsigned char name[PATH_ROOM];
} flist_state;

/* INT-5 and INT-7: `value`, which is not negative, in `least` bytes or more. */
static unsigned char *put_variable(unsigned char *out, uint64_t value, int least)
{
    unsigned char low[8];
    int count = 8;
    store64(low, value);
    while (count > least && !low[count - 1])
        count--;
    unsigned top = low[count - 1], bit = 1U << (7 - count + least); /* the lowest that the count leaves no room for */
    int apart = top >= bit;
    *out++ = (unsigned char)(apart ? ~(bit - 1) : count > least ? top | ~(2 * bit - 1) : top);
    count -= !apart;
    memcpy(out, low, (size_t)count);
    return out + count;
}

/* The same back; at most `most` bytes of the value. NULL: it is not all there, or not of this form. */
static const unsigned char *get_variable(const unsigned char *in, const unsigned char *end, int least, int most,
                                         uint64_t *value)
{
    if (end - in < least)
        return NULL;
    unsigned lead = *in++;
    int extra = 0;
    while (lead & 0x80U >> extra)
        extra++;
    if (extra > 6 || least + extra > most + 1 || end - in < least - 1 + extra)
        return NULL;
    uint64_t found = 0;
    int low = least - 1 + extra;
    for (int i = 0; i < low && i < 8; i++)
        found |= (uint64_t)in[i] << 8 * i;
    if (low < most && low < 8)
        found |= (uint64_t)(lead & ((1U << (8 - extra)) - 1)) << 8 * low;
    *value = found;
    return in + low;
}

/* Entries of rows from `from` on into `out`, as far as they are usual and there is room. Returns how many. */
int32_t refsync_rows_encode(const rows *list, int32_t from, int32_t until, const unsigned char *prefix,
                            int32_t prefix_length, flist_state *state, int with_uid, int with_gid, int digest_size,
                            unsigned char *out, int64_t room, int64_t *used)
{
    int32_t at = from;
    unsigned char *begin = out, *end = out + room;
    for (; at < until && state->length; at++) {
        const row *one = &list->row[at];
        const unsigned char *name = name_of(list, one);
        int32_t length = prefix_length + one->length, shared = 0;
        if (one->made >= 0 || !S_ISREG(one->mode) || one->mtime < 0 || one->size < 0 || length >= PATH_ROOM
            || (with_uid && one->uid != state->uid) || (with_gid && one->gid != state->gid)
            || (digest_size && one->digest < 0) || end - out < 600)
            break;
        int32_t limit = length < state->length ? length : state->length;
        if (limit > LONGEST_NAME)
            limit = LONGEST_NAME;
        int32_t ahead = limit < prefix_length ? limit : prefix_length;
        while (shared < ahead && prefix[shared] == state->name[shared])
            shared++;
        if (shared == prefix_length)
            while (shared < limit && name[shared - prefix_length] == state->name[shared])
                shared++;
        int32_t rest = length - shared;
        if (rest > LONGEST_NAME)
            break;
        memcpy(state->name, prefix, (size_t)prefix_length);
        memcpy(state->name + prefix_length, name, (size_t)one->length);
        state->length = length;
        unsigned flags = SAME_UID | SAME_GID | (shared ? SAME_NAME : 0) | (one->nsec ? MOD_NSEC : 0);
        flags |= (one->mode == state->mode ? SAME_MODE : 0) | (one->mtime == state->mtime ? SAME_TIME : 0);
        out = put_variable(out, flags, 1);
        if (shared)
            *out++ = (unsigned char)shared;
        *out++ = (unsigned char)rest;
        memcpy(out, state->name + shared, (size_t)rest);
        out = put_variable(out + rest, (uint64_t)one->size, 3);
        if (!(flags & SAME_TIME))
            out = put_variable(out, (uint64_t)one->mtime, 4);
        if (one->nsec)
            out = put_variable(out, one->nsec, 1);
        if (!(flags & SAME_MODE)) {
            store32(out, one->mode);
            out += 4;
        }
        if (digest_size) {
            memcpy(out, list->names + one->digest, (size_t)digest_size);
            out += digest_size;
        }
        state->mode = one->mode;
        state->mtime = one->mtime;
    }
    *used = out - begin;
    return at - from;
}

/* FLIST-5, HOST-1, HOST-3: whether a name is that of something right in the list's directory. */
static int lies_in(const unsigned char *name, int32_t length, const unsigned char *prefix, int32_t prefix_length)
{
    if (length <= prefix_length || memcmp(name, prefix, (size_t)prefix_length))
        return 0;
    name += prefix_length;
    length -= prefix_length;
    if (length > LONGEST_NAME || memchr(name, '/', (size_t)length) || memchr(name, 0, (size_t)length))
        return 0;
    return name[0] != '.' || (length > 1 && (length > 2 || name[1] != '.'));
}

/* Reads entries of regular files right in the directory that `prefix` names, at most `most`, as far as they are usual
 * and all there. Returns how many rows that made, *used: of how many bytes; -1: there is no memory. */
int32_t refsync_rows_decode(rows *list, const unsigned char *data, int64_t have, const unsigned char *prefix,
                            int32_t prefix_length, flist_state *state, int digest_size, int32_t most, int64_t *used)
{
    const unsigned char *in = data, *end = data + have, *next;
    int32_t count = 0;
    *used = 0;
    for (; count < most; count++, in = next, *used = in - data) {
        uint64_t flags, size, mtime = (uint64_t)state->mtime, nsec = 0;
        uint32_t mode = state->mode;
        int32_t shared = 0;
        next = get_variable(in, end, 1, 4, &flags);
        if (!next || (flags & ~(uint64_t)(SAME_NAME | SAME_TIME | MOD_NSEC | SAME_MODE)) != (SAME_UID | SAME_GID))
            break;
        if (flags & SAME_NAME) {
            if (next == end)
                break;
            shared = *next++;
        }
        if (next == end || end - next < 1 + *next || shared > state->length || shared + *next >= PATH_ROOM)
            break;
        int32_t rest = *next++, length = shared + rest;
        unsigned char old[LONGEST_NAME];
        int32_t spoiled = rest;
        memcpy(old, state->name + shared, (size_t)rest); /* to be put back if this is no entry for us */
        memcpy(state->name + shared, next, (size_t)rest);
        next = get_variable(next + rest, end, 3, 8, &size);
        if (next && !(flags & SAME_TIME))
            next = get_variable(next, end, 4, 8, &mtime);
        if (next && flags & MOD_NSEC)
            next = get_variable(next, end, 1, 4, &nsec);
        if (next && !(flags & SAME_MODE)) {
            if (end - next >= 4) {
                mode = load32(next);
                next += 4;
            } else
                next = NULL;
        }
        if (!next || end - next < digest_size || !S_ISREG(mode) || mode > 0xffff || size > INT64_MAX || nsec > 999999999
            || !lies_in(state->name, length, prefix, prefix_length)) {
            memcpy(state->name + shared, old, (size_t)spoiled);
            break;
        }
        row *one = append_row(list, state->name + prefix_length, length - prefix_length);
        if (!one || !more_names(list, digest_size))
            return -1;
        one->size = (int64_t)size;
        one->mtime = (int64_t)mtime;
        one->nsec = (uint32_t)nsec;
        one->mode = mode;
        one->uid = state->uid;
        one->gid = state->gid;
        if (digest_size) {
            memcpy(list->names + list->have, next, (size_t)digest_size);
            one->digest = list->have;
            list->have += digest_size;
            next += digest_size;
        }
        state->length = length;
        state->mtime = one->mtime;
        state->mode = mode;
    }
    return count;
}

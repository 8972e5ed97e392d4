/* The files of one directory's list as rows, without an object for each: looked at, written and read in the form of the
 * wire, compared with what is here. Only regular files with nothing unusual; all else stops a run, and the general code
 * goes on: files/scan.py, wire/flist_encode.py, wire/flist_decode.py and engine/itemize.py say what these do. */

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

typedef struct row {
    int64_t size, mtime;
    uint32_t nsec, mode, uid, gid;
    int64_t name;    /* the last component: its place in names, with a NUL behind it */
    int64_t digest;  /* its place in names, -1: none */
    int32_t length;  /* of the name */
    int32_t made;    /* which object stands for it, -1: none yet */
} row;

typedef struct rows {
    row *row;
    int32_t count, room;
    unsigned char *names;
    int64_t have, space;
} rows;

rows *refsync_rows_new(void)
{
    return calloc(1, sizeof(rows));
}

void refsync_rows_free(rows *list)
{
    if (list) {
        free(list->row);
        free(list->names);
    }
    free(list);
}

static int more_names(rows *list, int64_t size)
{
    if (list->have + size > list->space) {
        int64_t space = list->space ? list->space * 2 : 4096;
        while (space < list->have + size)
            space *= 2;
        unsigned char *names = realloc(list->names, (size_t)space);
        if (!names)
            return 0;
        list->names = names;
        list->space = space;
    }
    return 1;
}

/* A further row, with nothing in it but its name; NULL: there is no memory. */
static row *append_row(rows *list, const unsigned char *name, int64_t length)
{
    if (list->count == list->room) {
        int32_t room = list->room ? list->room * 2 : 64;
        row *more = room > list->room ? realloc(list->row, (size_t)room * sizeof *more) : NULL;
        if (!more)
            return NULL;
        list->row = more;
        list->room = room;
    }
    if (!more_names(list, length + 1))
        return NULL;
    row *made = &list->row[list->count++];
    memset(made, 0, sizeof *made);
    made->digest = made->made = -1;
    made->name = list->have;
    made->length = (int32_t)length;
    memcpy(list->names + list->have, name, (size_t)length);
    list->names[list->have + length] = 0;
    list->have += length + 1;
    return made;
}

/* A row for what has an object already. 0: there is no memory. */
int refsync_rows_add(rows *list, const unsigned char *name, int64_t length, uint32_t mode, int32_t made)
{
    row *added = append_row(list, name, length);
    if (!added)
        return 0;
    added->mode = mode;
    added->made = made;
    return 1;
}

/* Sizes of the regular files of a range. */
int64_t refsync_rows_total(const rows *list, int32_t from, int32_t until)
{
    int64_t total = 0;
    for (int32_t i = from; i < until; i++)
        total += list->row[i].size;
    return total;
}

/* Whose the files of a range are here. */
void refsync_rows_own(rows *list, int32_t from, int32_t until, uint32_t uid, uint32_t gid)
{
    for (int32_t i = from; i < until; i++) {
        list->row[i].uid = uid;
        list->row[i].gid = gid;
    }
}

/* -- order ---------------------------------------------------------------------------------------- */

/* The root of the transfer, in the first list. */
static int is_root(const rows *list, const row *one)
{
    return one->length == 1 && list->names[one->name] == '.';
}

/* 0: the root, 1: no directory, 2: one. */
static int class_of(const rows *list, const row *one)
{
    return is_root(list, one) ? 0 : S_ISDIR(one->mode) ? 2 : 1;
}

/* FLIST-18 within one directory: the root, what is no directory by name, then directories by name and a slash. */
static int order_of(const rows *list, const row *a, const row *b)
{
    int dir = S_ISDIR(a->mode), apart = class_of(list, a) - class_of(list, b);
    if (apart)
        return apart;
    int32_t common = a->length < b->length ? a->length : b->length;
    int order = memcmp(list->names + a->name, list->names + b->name, (size_t)common);
    if (order || a->length == b->length)
        return order;
    int end = dir ? '/' : -1; /* what stands behind the shorter */
    return a->length < b->length ? end - list->names[b->name + common] : list->names[a->name + common] - end;
}

static int plain_order(const rows *list, const row *a, const row *b)
{
    int32_t common = a->length < b->length ? a->length : b->length;
    int order = memcmp(list->names + a->name, list->names + b->name, (size_t)common);
    return order ? order : a->length - b->length;
}

typedef int compare_rows(const rows *list, const row *a, const row *b);

/* A merge sort from pairs up, stable. 0: there is no memory. */
static int sort_rows(rows *list, compare_rows *order)
{
    int32_t count = list->count, at = 1;
    while (at < count && order(list, &list->row[at - 1], &list->row[at]) <= 0)
        at++;
    if (at >= count)
        return 1;
    row *from = list->row, *to = malloc((size_t)list->room * sizeof *to);
    if (!to)
        return 0;
    for (int64_t width = 1; width < count; width *= 2) {
        for (int64_t low = 0; low < count; low += 2 * width) {
            int64_t middle = low + width < count ? low + width : count;
            int64_t high = low + 2 * width < count ? low + 2 * width : count;
            for (int64_t a = low, b = middle, out = low; out < high; out++)
                to[out] = from[b >= high || (a < middle && order(list, &from[a], &from[b]) <= 0) ? a++ : b++];
        }
        row *other = from;
        from = to;
        to = other;
    }
    list->row = from;
    free(to);
    return 1;
}

/* Sorts as both sides do; returns how many stand before the directories, the root being one of them. -1: a name occurs twice; -2: there is no memory. */
int32_t refsync_rows_sort(rows *list)
{
    if (!sort_rows(list, order_of))
        return -2;
    int32_t plain = 0, first = list->count && is_root(list, list->row);
    while (plain < list->count && class_of(list, &list->row[plain]) < 2)
        plain++;
    for (int32_t i = 1; i < list->count; i++)
        if (i != plain && !plain_order(list, &list->row[i - 1], &list->row[i]))
            return -1;
    for (int32_t i = plain; i < list->count; i++) {
        int32_t low = first, high = plain;
        while (low < high) {
            int32_t middle = low + (high - low) / 2;
            int order = plain_order(list, &list->row[middle], &list->row[i]);
            if (!order)
                return -1;
            if (order < 0)
                low = middle + 1;
            else
                high = middle;
        }
    }
    return plain;
}

/* -- what is here --------------------------------------------------------------------------------- */

static const unsigned char *name_of(const rows *list, const row *one)
{
    return list->names + one->name;
}

/* The digest of a file as --checksum has it. 0: it can't be read as it should, or it is long. */
static int digest_file(int directory, const char *name, int flags, int64_t size, int sum, unsigned char *out)
{
#ifdef REFSYNC_XXHASH
    unsigned char room[64 * 1024];
    int64_t done = 0;
    struct stat status;
    if (size > LONGEST_SUMMED)
        return 0;
    int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags);
    if (fd < 0)
        return 0;
    file_sum *total = NULL;
    int good = !fstat(fd, &status) && S_ISREG(status.st_mode);
    if (good && size > (int64_t)sizeof room) {
        total = refsync_sum_new(sum);
        good = total != NULL;
    }
    while (good && done < size) {
        int64_t want = size - done < (int64_t)sizeof room ? size - done : (int64_t)sizeof room, have = 0;
        while (have < want) {
            ssize_t count = read(fd, room + have, (size_t)(want - have));
            if (count <= 0)
                break;
            have += count;
        }
        good = have == want;
        if (good && total)
            refsync_sum_update(total, room, want);
        done += want;
    }
    close(fd);
    if (good && total)
        refsync_sum_digest(total, out);
    else if (good)
        digest_whole(sum, 0, room, size, out);
    refsync_sum_free(total);
    return good;
#else
    (void)directory, (void)name, (void)flags, (void)size, (void)sum, (void)out;
    return 0;
#endif
}

/* The names in the open directory `fd`, in byte order. NULL: it can't be read, or there is no memory. */
rows *refsync_rows_scan(int fd)
{
    rows *list = refsync_rows_new();
    int own = list ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
    DIR *directory = own >= 0 ? fdopendir(own) : NULL;
    if (!directory) {
        if (own >= 0)
            close(own);
        refsync_rows_free(list);
        return NULL;
    }
    const struct dirent *found;
    int good = 1;
    errno = 0;
    while (good && (found = readdir(directory))) {
        const char *name = found->d_name;
        if (name[0] != '.' || (name[1] && (name[1] != '.' || name[2])))
            good = append_row(list, (const unsigned char *)name, (int64_t)strlen(name)) != NULL;
    }
    good = good && !errno && sort_rows(list, plain_order);
    closedir(directory);
    if (!good) {
        refsync_rows_free(list);
        return NULL;
    }
    return list;
}

/* What the system has on the names of a range. 0: one of them can't be looked at. */
int refsync_rows_look(rows *list, int32_t from, int32_t until, int fd)
{
    for (row *one = list->row + from; one < list->row + until; one++) {
        struct stat status;
        if (fstatat(fd, (const char *)name_of(list, one), &status, AT_SYMLINK_NOFOLLOW))
            return 0;
        one->size = S_ISREG(status.st_mode) ? status.st_size : 0;
        one->mtime = status.st_mtim.tv_sec;
        one->nsec = (uint32_t)status.st_mtim.tv_nsec;
        one->mode = status.st_mode;
        one->uid = status.st_uid;
        one->gid = status.st_gid;
    }
    return 1;
}

/* The sums of regular files from `from` on that can be read and are not long. Returns where it has stopped, having read
 * as much as may be read in one call; -1: there is no memory. */
int32_t refsync_rows_sum(rows *list, int32_t from, int fd, int sum, int flags)
{
    int64_t size = sum == 1 ? 16 : 8, left = SUMMED_AT_ONCE;
    for (; from < list->count && left > 0; from++) {
        row *one = &list->row[from];
        unsigned char digest[16];
        left -= one->size + SUMMING;
        if (!more_names(list, size))
            return -1;
        if (S_ISREG(one->mode) && digest_file(fd, (const char *)name_of(list, one), flags, one->size, sum, digest)) {
            memcpy(list->names + list->have, digest, (size_t)size);
            one->digest = list->have;
            list->have += size;
        }
    }
    return from;
}

typedef struct row_rules {
    int64_t window;     /* of times, in seconds; below 0: to the nanosecond */
    int sum, flags;     /* contents are compared by this sum (0: by size and time), files opened with these flags */
    int any_time;       /* the time does not tell whether the content is the same */
    int times, mode, uid, gid; /* what is kept, and so compared as well */
} row_rules;

static int same_time(const row *one, const struct stat *status, int64_t window)
{
    if (window < 0)
        return one->mtime == status->st_mtim.tv_sec && one->nsec == (uint32_t)status->st_mtim.tv_nsec;
    int64_t low = one->mtime < status->st_mtim.tv_sec ? one->mtime : status->st_mtim.tv_sec;
    int64_t high = one->mtime < status->st_mtim.tv_sec ? status->st_mtim.tv_sec : one->mtime;
    return (uint64_t)high - (uint64_t)low <= (uint64_t)window;
}

/* How many rows from `from` on have in `directory` a file of which nothing is to be changed. */
int32_t refsync_rows_same(const rows *list, int32_t from, int32_t until, int directory, const row_rules *rules)
{
    int32_t at = from;
    int64_t left = SUMMED_AT_ONCE;
    for (; at < until && left > 0; at++) {
        const row *one = &list->row[at];
        const char *name = (const char *)name_of(list, one);
        struct stat status;
        if (one->made >= 0 || !S_ISREG(one->mode) || fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW))
            break;
        if (!S_ISREG(status.st_mode) || status.st_size != one->size)
            break;
        if (rules->sum) {
            unsigned char digest[16];
            left -= one->size + SUMMING;
            if (rules->times && !same_time(one, &status, -1))
                break;
            if (one->digest < 0 || !digest_file(directory, name, rules->flags, one->size, rules->sum, digest)
                || memcmp(digest, list->names + one->digest, rules->sum == 1 ? 16 : 8))
                break;
        } else if ((rules->times || !rules->any_time) && !same_time(one, &status, rules->window))
            break;
        if ((rules->mode && (one->mode ^ status.st_mode) & 07777) || (rules->uid && one->uid != status.st_uid)
            || (rules->gid && one->gid != status.st_gid))
            break;
    }
    return at - from;
}

/* Small files in one call each. What cannot be done as it should be is not begun or taken back, and the general loops
 * of engine/sender.py and engine/receiver.py, which say what these do, find it as it was. */

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <stdio.h>

/* Reads a regular file of at most `most` bytes and puts it into `out` as token, data, end and digest. Returns the length
 * of that, with *length that of the file; -1 if the file is another kind, is longer, changes, or can't be read. */
static int64_t small_read(int directory, const char *path, int flags, int64_t most, int sum, unsigned char *out,
                          int64_t *length)
{
    int fd = openat(directory, path, flags);
    struct stat status;
    int64_t have = 0, size = -1;
    if (fd < 0)
        return -1;
    if (!fstat(fd, &status) && S_ISREG(status.st_mode) && status.st_size <= most) {
        size = status.st_size;
        while (have < size) {
            ssize_t count = read(fd, out + 4 + have, (size_t)(size - have));
            if (count <= 0)
                break;
            have += count;
        }
    }
    close(fd);
    if (have != size)
        return -1;
    *length = size;
    int64_t at = 0;
    if (size) {
        store32(out, (uint32_t)size);
        at = 4 + size;
    }
    store32(out + at, 0);
#ifdef REFSYNC_XXHASH
    digest_whole(sum, 0, out + 4, size, out + at + 4);
    return at + 4 + (sum == 1 ? 16 : 8);
#else
    (void)sum;
    return -1;
#endif
}

int64_t refsync_small_read(int directory, const char *path, int flags, int64_t most, int sum, unsigned char *out,
                           int64_t *length)
{
    return small_read(directory, path, flags, most, sum, out, length);
}

typedef struct small_file {
    int directory;
    const char *stem, *name; /* of the temporary name all but six characters; the final name */
    unsigned mode;           /* what it ends with */
    int64_t uid, gid;        /* -1: as it comes */
    int64_t seconds, nanoseconds;
    int set_times, set_mode;
    int64_t length;          /* out: of the file */
} small_file;

#define RUNS 8

static int dress(int fd, const small_file *file)
{
    struct stat status;
    if (fstat(fd, &status))
        return -1;
    uid_t uid = file->uid >= 0 && file->uid != (int64_t)status.st_uid ? (uid_t)file->uid : (uid_t)-1;
    gid_t gid = file->gid >= 0 && file->gid != (int64_t)status.st_gid ? (gid_t)file->gid : (gid_t)-1;
    int owned = uid != (uid_t)-1 || gid != (gid_t)-1;
    if (owned && fchown(fd, uid, gid))
        return -1;
    struct timespec times[2] = {{0, UTIME_OMIT}, {(time_t)file->seconds, (long)file->nanoseconds}};
    if (file->set_times && futimens(fd, times))
        return -1;
    if (file->set_mode && (owned || (status.st_mode ^ file->mode) & 07777) && fchmod(fd, file->mode & 07777))
        return -1;
    return 0;
}

/* The digest of all parts. 0: there is no memory. */
static int sum_parts(int sum, const struct iovec *part, int parts, unsigned char *digest)
{
#ifdef REFSYNC_XXHASH
    if (parts <= 1) {
        digest_whole(sum, 0, parts ? part->iov_base : digest, parts ? (int64_t)part->iov_len : 0, digest);
        return 1;
    }
#endif
    file_sum *total = refsync_sum_new(sum);
    if (!total)
        return 0;
    for (int i = 0; i < parts; i++)
        refsync_sum_update(total, part[i].iov_base, (int64_t)part[i].iov_len);
    refsync_sum_digest(total, digest);
    refsync_sum_free(total);
    return 1;
}

#define TEMP_NAME 256

/* `data` begins with an empty sum head, tokens of literal data, their end and a digest: if all of that is there and the
 * digest is right, it is written to a file with the name `temp` that is open as *made. Returns how many bytes that was;
 * 0: do it in another way, nothing has happened. */
static int64_t small_begin(const unsigned char *data, int64_t have, int sum, small_file *file, char *temp, int *made)
{
    struct iovec part[RUNS];
    int parts = 0, digest_size = sum == 1 ? 16 : 8;
    int64_t at = 16, length = 0;
    unsigned char digest[16];
    static const unsigned char no_sums[16];
    if (have < 16 + 4 + digest_size || memcmp(data, no_sums, sizeof no_sums))
        return 0;
    for (;;) {
        if (have - at < 4)
            return 0;
        int32_t token = (int32_t)load32(data + at);
        at += 4;
        if (!token)
            break;
        if (token < 0 || token > have - at || parts == RUNS)
            return 0;
        part[parts++] = (struct iovec){(void *)(data + at), (size_t)token};
        at += token;
        length += token;
    }
    if (have - at < digest_size)
        return 0;
    if (!sum_parts(sum, part, parts, digest))
        return 0;
    if (memcmp(digest, data + at, (size_t)digest_size))
        return 0;
    int fd = -1;
    for (int tries = 0; tries < 10 && fd < 0; tries++) {
        static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        unsigned char noise[6];
        char suffix[7] = {0};
        if (getrandom(noise, sizeof noise, 0) != (ssize_t)sizeof noise)
            return 0;
        for (int i = 0; i < 6; i++)
            suffix[i] = letters[noise[i] % 62];
        if (snprintf(temp, TEMP_NAME, "%s%s", file->stem, suffix) >= TEMP_NAME)
            return 0;
        fd = openat(file->directory, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    (file->mode & 0700) | 0200);
        if (fd < 0 && errno != EEXIST)
            return 0;
    }
    if (fd < 0)
        return 0;
    if (write_parts(fd, part, parts, 0)) {
        close(fd);
        unlinkat(file->directory, temp, 0);
        return 0;
    }
    *made = fd;
    file->length = length;
    return at + digest_size;
}

/* The same, and the file is put in its place. */
int64_t refsync_small_write(const unsigned char *data, int64_t have, int sum, small_file *file)
{
    char temp[TEMP_NAME];
    int fd;
    int64_t used = small_begin(data, have, sum, file, temp, &fd);
    if (!used)
        return 0;
    int failed = dress(fd, file);
    if (close(fd) || failed || renameat(file->directory, temp, file->directory, file->name)) {
        unlinkat(file->directory, temp, 0);
        file->length = 0;
        return 0;
    }
    return used;
}

/* The sums of whole files. delta/checksums.py says what they are. */

#include <errno.h>
#include <unistd.h>

/* Files are summed in one go up to this length, and so many bytes of them in one call, so that signals are heard. */
#define LONGEST_SUMMED (4 * 1024 * 1024)
#define SUMMED_AT_ONCE (32 * 1024 * 1024)
#define SUMMING (16 * 1024) /* what a file costs besides its bytes */

typedef struct file_sum {
    int kind; /* 1: xxh128, 2: xxh3, 3: xxh64 */
#ifdef REFSYNC_XXHASH
    XXH3_state_t *long_state;
    XXH64_state_t *state;
#endif
} file_sum;

int refsync_have_file_sums(void)
{
#ifdef REFSYNC_XXHASH
    return 1;
#else
    return 0;
#endif
}

void refsync_sum_free(file_sum *sum)
{
#ifdef REFSYNC_XXHASH
    if (sum) {
        XXH3_freeState(sum->long_state);
        XXH64_freeState(sum->state);
    }
#endif
    free(sum);
}

file_sum *refsync_sum_new(int kind)
{
    file_sum *sum = calloc(1, sizeof *sum);
    if (!sum)
        return NULL;
    sum->kind = kind;
#ifdef REFSYNC_XXHASH
    sum->long_state = XXH3_createState();
    sum->state = XXH64_createState();
    if (!sum->long_state || !sum->state) {
        refsync_sum_free(sum);
        return NULL;
    }
    XXH3_128bits_reset(sum->long_state);
    if (kind == 2)
        XXH3_64bits_reset(sum->long_state);
    XXH64_reset(sum->state, 0);
#endif
    return sum;
}

void refsync_sum_update(file_sum *sum, const unsigned char *data, int64_t length)
{
#ifdef REFSYNC_XXHASH
    if (sum->kind == 1)
        XXH3_128bits_update(sum->long_state, data, (size_t)length);
    else if (sum->kind == 2)
        XXH3_64bits_update(sum->long_state, data, (size_t)length);
    else
        XXH64_update(sum->state, data, (size_t)length);
#endif
}

static void store64(unsigned char *out, uint64_t value)
{
    store32(out, (uint32_t)value);
    store32(out + 4, (uint32_t)(value >> 32));
}

/* As on the wire, little-endian; returns its length. */
int refsync_sum_digest(const file_sum *sum, unsigned char *out)
{
#ifdef REFSYNC_XXHASH
    if (sum->kind == 1) {
        XXH128_hash_t hash = XXH3_128bits_digest(sum->long_state);
        store64(out, hash.low64);
        store64(out + 8, hash.high64);
        return 16;
    }
    store64(out, sum->kind == 2 ? XXH3_64bits_digest(sum->long_state) : XXH64_digest(sum->state));
#endif
    return 8;
}

/* Adds bytes of a file from `at` on; returns how many there were, *error if it can't be read on, else 0. */
int64_t refsync_sum_file(file_sum *sum, int file, int64_t at, int64_t count, int *error)
{
    int64_t done = 0, most = 256 * 1024;
    unsigned char *room = malloc((size_t)most);
    *error = room ? 0 : ENOMEM;
    while (room && done < count) {
        size_t want = (size_t)(count - done < most ? count - done : most);
        ssize_t got = pread(file, room, want, at + done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            *error = got ? errno : 0;
            break;
        }
        refsync_sum_update(sum, room, got);
        done += got;
    }
    free(room);
    return done;
}

/* The digest of what is all there, without a state; with a seed the strong sum of a block. */
static void digest_whole(int kind, uint64_t seed, const unsigned char *data, int64_t size, unsigned char *out)
{
#ifdef REFSYNC_XXHASH
    if (kind == 1) {
        XXH128_hash_t hash = XXH3_128bits_withSeed(data, (size_t)size, seed);
        store64(out, hash.low64);
        store64(out + 8, hash.high64);
    } else
        store64(out, kind == 2 ? XXH3_64bits_withSeed(data, (size_t)size, seed) : XXH64(data, (size_t)size, seed));
#endif
}

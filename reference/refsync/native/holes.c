/* Zeros that take no room: in data that is received, where they become holes, and in a source, whose holes need not be
 * read. files/writer.py says what becomes a hole; for a source reading it all is the twin, which finds the same bytes. */

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* A run of zeros becomes a hole if it covers a whole piece of this size and alignment. */
#define HOLE 1024
#define MANY_ZEROS (16 * HOLE) /* looked at in one go where zeros go on */

/* -- received data -------------------------------------------------------------------------------- */

static int all_zeros(const unsigned char *data, int64_t count)
{
    return !count || (!*data && !memcmp(data, data + 1, (size_t)count - 1));
}

/* To the next piece's start, or the end of the data. */
static int64_t piece_from(int64_t at, int64_t left)
{
    int64_t piece = HOLE - at % HOLE;
    return piece < left ? piece : left;
}

/* How much of the data, which belongs at `at`, becomes a hole before anything else comes. */
static int64_t hole_size(const unsigned char *data, int64_t count, int64_t at)
{
    int64_t size = 0;
    while (size < count) {
        int64_t piece = piece_from(at + size, count - size);
        if (piece == HOLE && count - size >= MANY_ZEROS && all_zeros(data + size, MANY_ZEROS))
            piece = MANY_ZEROS;
        else if (!all_zeros(data + size, piece))
            break;
        size += piece;
    }
    return size;
}

/* How much of it is to be written before the next hole; the first piece is known to be none. */
static int64_t data_size(const unsigned char *data, int64_t count, int64_t at)
{
    int64_t size = piece_from(at, count);
    while (size < count) {
        int64_t piece = piece_from(at + size, count - size);
        if (all_zeros(data + size, piece))
            break;
        size += piece;
    }
    return size;
}

/* -- a source ------------------------------------------------------------------------------------- */

typedef struct source_holes {
    int looked, none;       /* whether the file was looked at; whether it has no holes, or can't tell */
    int64_t begin, end;     /* the hole that was found last */
    int64_t known;          /* up to there there is no other */
} source_holes;

/* Whether the file has a hole from `from` to `until`. What is written into it meanwhile comes too late, as it would after
 * a read. Beyond the end of a file that has shrunk there is none: reading tells. */
static int in_hole(source_holes *map, int file, int64_t from, int64_t until)
{
#ifdef SEEK_HOLE
    struct stat status;
    if (!map->looked) {
        map->looked = 1; /* who takes no less room than its size has none that are worth it */
        map->none = fstat(file, &status) || !S_ISREG(status.st_mode) || status.st_blocks * 512LL >= status.st_size;
    }
    if (map->none)
        return 0;
    if (from >= map->known || from < map->begin) {
        off_t data = lseek(file, from, SEEK_DATA);
        if (data < 0 && errno == ENXIO && !fstat(file, &status)) /* no more data to the end, wherever that is now */
            data = status.st_size > from ? status.st_size : from;
        if (data < 0) {
            map->none = 1;
            return 0;
        }
        map->begin = from;
        map->end = map->known = data;
        if (data == from) {
            off_t hole = lseek(file, from, SEEK_HOLE);
            if (hole <= from) { /* or an error */
                map->none = hole < 0 && errno != ENXIO;
                hole = until;
            }
            map->known = hole;
        }
    }
    return from >= map->begin && until <= map->end;
#else
    (void)map, (void)file, (void)from, (void)until;
    return 0;
#endif
}

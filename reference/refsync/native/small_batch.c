/* New small files that are to be on the disk before they get their attributes and names (`--fsync`): many are written,
 * synced with all in flight, and put in their places then. engine/unsynced.py, the twin, does that with any file, and
 * ends those that can't be ended here, so that it tells why. */

typedef struct small_waiting {
    int fd, place; /* the number of its directory */
    small_file file;
    char temp[TEMP_NAME], name[TEMP_NAME];
} small_waiting;

typedef struct small_batch {
    int32_t count, most, places, at; /* files; at most; directories; files before it have been put in place */
    int error;                       /* an errno value */
    small_waiting *file;
    int *fd, *result, *place; /* of the files, for a sync; descriptors of the directories */
} small_batch;

void refsync_batch_free(small_batch *batch)
{
    if (!batch)
        return;
    free(batch->file);
    free(batch->fd);
    free(batch->result);
    free(batch->place);
    free(batch);
}

small_batch *refsync_batch_new(int32_t most)
{
    small_batch *batch = calloc(1, sizeof *batch);
    if (!batch)
        return NULL;
    size_t room = (size_t)most;
    batch->most = most;
    batch->file = malloc(room * sizeof *batch->file);
    batch->fd = malloc(room * sizeof *batch->fd);
    batch->result = malloc(room * sizeof *batch->result);
    batch->place = malloc(room * sizeof *batch->place);
    if (!batch->file || !batch->fd || !batch->result || !batch->place) {
        refsync_batch_free(batch);
        return NULL;
    }
    return batch;
}

/* The number of a directory in the batch, which has a descriptor of its own for it; -1: there is none to be had. */
static int batch_place(small_batch *batch, int directory)
{
    struct stat here, last;
    int number = batch->places - 1;
    if (number >= 0 && !fstat(directory, &here) && !fstat(batch->place[number], &last) && here.st_dev == last.st_dev
        && here.st_ino == last.st_ino)
        return number;
    int fd = batch->places < batch->most ? openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd < 0)
        return -1;
    batch->place[batch->places] = fd;
    return batch->places++;
}

/* As `refsync_small_write`, but the file waits. */
static int64_t batch_add(small_batch *batch, const unsigned char *data, int64_t have, int sum, small_file *file)
{
    small_waiting *one = &batch->file[batch->count];
    if (batch->count == batch->most || strlen(file->name) >= sizeof one->name)
        return 0;
    int place = batch_place(batch, file->directory);
    if (place < 0)
        return 0;
    int64_t used = small_begin(data, have, sum, file, one->temp, &one->fd);
    if (!used)
        return 0;
    one->place = place;
    one->file = *file;
    one->file.directory = batch->place[place];
    strcpy(one->name, file->name);
    one->file.stem = NULL;
    one->file.name = one->name;
    batch->count++;
    return used;
}

static int sync_one(int fd)
{
    int failed;
    do
        failed = fsync(fd);
    while (failed && errno == EINTR);
    return failed ? errno : 0;
}

static void sync_all(small_batch *batch, ring *ring, const int *fds, int count)
{
    int by_ring = ring && !refsync_ring_fsync(ring, fds, batch->result, count);
    for (int i = 0; i < count; i++) /* an interruption of the ring says nothing of the file */
        if (!by_ring || batch->result[i] == EINTR || batch->result[i] == EAGAIN)
            batch->result[i] = sync_one(fds[i]);
}

/* Have them on the disk. -1, or the first that can't be: `error` says why. */
int32_t refsync_batch_sync(small_batch *batch, ring *ring)
{
    for (int32_t i = 0; i < batch->count; i++)
        batch->fd[i] = batch->file[i].fd;
    sync_all(batch, ring, batch->fd, batch->count);
    for (int32_t i = 0; i < batch->count; i++)
        if ((batch->error = batch->result[i]))
            return i;
    return -1;
}

/* Put them in their places, from the one on that is next. -1: all are; else the one that can't be, which is passed over:
 * its descriptor, now the caller's, is still open, or `error` says what closing it brought. */
int32_t refsync_batch_commit(small_batch *batch)
{
    while (batch->at < batch->count) {
        small_waiting *one = &batch->file[batch->at++];
        batch->error = 0;
        if (dress(one->fd, &one->file) || renameat(one->file.directory, one->temp, one->file.directory, one->name))
            return batch->at - 1;
        if (close(one->fd)) {
            batch->error = errno;
            return batch->at - 1;
        }
    }
    return -1;
}

/* All are in their places: have that on the disk as well, as far as that can be. */
void refsync_batch_end(small_batch *batch, ring *ring)
{
    sync_all(batch, ring, batch->place, batch->places);
    for (int32_t i = 0; i < batch->places; i++)
        close(batch->place[i]);
    batch->count = batch->places = batch->at = 0;
}

/* What has not been put in its place is removed. */
void refsync_batch_drop(small_batch *batch)
{
    for (; batch->at < batch->count; batch->at++) {
        small_waiting *one = &batch->file[batch->at];
        close(one->fd);
        unlinkat(one->file.directory, one->temp, 0);
    }
    for (int32_t i = 0; i < batch->places; i++)
        close(batch->place[i]);
    batch->count = batch->places = batch->at = 0;
}

int refsync_batch_fd(const small_batch *batch, int32_t index)
{
    return batch->file[index].fd;
}

const char *refsync_batch_temp(const small_batch *batch, int32_t index)
{
    return batch->file[index].temp;
}

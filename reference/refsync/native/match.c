/* Block sums of a basis and the search for its blocks in a source, a window at a time. The twins are iter_sums of
 * delta/signature.py and Matcher of delta/match.py, which say what these do. */

#define AT_ONCE (256 * 1024) /* bytes of a basis: they stay in a near cache */
#define OPS 256

/* For each block of the `want` bytes from `at` on its weak sum and the first `strong` bytes of its strong sum.
 * What can't be read counts as zeros. False: there is no memory for a block. */
int refsync_file_sums(int file, int64_t at, int64_t want, int64_t block, int strong, int kind, uint64_t seed,
                      unsigned char *out)
{
    int64_t at_once = block < AT_ONCE ? AT_ONCE / block * block : block;
    unsigned char *room = malloc((size_t)(want < at_once ? want : at_once)), sum[16];
    if (!room)
        return 0;
    for (int64_t done = 0; done < want; done += at_once) {
        int64_t size = want - done < at_once ? want - done : at_once;
        read_or_zeros(file, room, size, at + done);
        for (int64_t here = 0; here < size; here += block, out += 4 + strong) {
            int64_t length = size - here < block ? size - here : block;
            store32(out, refsync_weak_sum(room + here, length));
            digest_whole(kind, seed, room + here, length, sum);
            memcpy(out + 4, sum, (size_t)strong);
        }
    }
    free(room);
    return 1;
}

/* -- the search ----------------------------------------------------------------------------------- */

/* `size` bytes of the source from `at` on: block `index`, or literal data (-1). */
typedef struct match_op {
    int64_t at, size;
    int32_t index;
} match_op;

enum { SEARCHING, GIVEN_UP, TAIL, FINISHED };

typedef struct matcher {
    int file_error;              /* why bytes had to be made up, else 0 */
    int count;                   /* what the last run found */
    match_op op[OPS];
    int64_t matches, false_alarms, literal, matched;
    int64_t start, end;          /* the part of the source that is in data */
    unsigned char *data;
    int64_t room, chunk;
    int file, kind, stage;
    uint64_t seed;
    int64_t length, step, full, shorter; /* blocks of full length; the length of one more at the end, else 0 */
    int64_t offset, sent, wanted;
    int64_t budget, alarm_cost;  /* see ALARM_FACTOR in delta/match.py */
    int in_place;                /* the basis is overwritten as the file is written */
    int32_t *last_staying;       /* in place, of a block that stands for its equals: the last that stays, -1: none */
    unsigned char *staying;      /* and whether a block stays where it is */
    int rolling;                 /* weak is the sum one byte before offset */
    uint32_t weak;
    const sum_table *table;
    file_sum *sum;
} matcher;

void refsync_match_free(matcher *m)
{
    if (m) {
        free(m->data);
        free(m->last_staying);
        free(m->staying);
    }
    free(m);
}

/* `window`: bytes read at a time; literal data goes out in multiples of `chunk` but for the end of a run. `table` is
 * of the blocks of full length, behind whose sums are those of a shorter one; `sum` gets all bytes of the source. */
matcher *refsync_match_new(int file, int64_t length, int64_t step, int64_t full, int64_t shorter, int kind, uint64_t seed,
                           const sum_table *table, file_sum *sum, int64_t budget, int64_t alarm_cost, int in_place,
                           int64_t window, int64_t chunk)
{
    matcher *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    int64_t room = window + chunk + 1 + 2 * step;
    *m = (matcher){.file = file, .kind = kind, .seed = seed, .length = length,
                   .step = step, .full = full, .shorter = shorter, .table = table, .sum = sum,
                   .budget = budget, .alarm_cost = alarm_cost, .in_place = in_place,
                   .room = room, .chunk = chunk};
    m->data = malloc((size_t)(room < length ? room : length) + 1);
    if (in_place) {
        m->staying = calloc((size_t)full + 1, 1);
        m->last_staying = malloc(((size_t)full + 1) * sizeof *m->last_staying);
        if (m->last_staying)
            memset(m->last_staying, 0xff, ((size_t)full + 1) * sizeof *m->last_staying);
    }
    if (m->data && (!in_place || (m->staying && m->last_staying)))
        return m;
    refsync_match_free(m);
    return NULL;
}

/* Drops what comes before `keep` and reads on. */
static void advance(matcher *m, int64_t keep)
{
    int64_t kept = m->end - keep, room = m->room - kept, left = m->length - m->end;
    int64_t want = room < left ? room : left;
    memmove(m->data, m->data + (keep - m->start), (size_t)kept);
    m->start = keep;
    if (m->file_error)
        memset(m->data + kept, 0, (size_t)want);
    else
        m->file_error = read_or_zeros(m->file, m->data + kept, want, m->end);
    refsync_sum_update(m->sum, m->data + kept, want);
    m->end += want;
}

static void found(matcher *m, int64_t size, int64_t index)
{
    m->op[m->count++] = (match_op){m->sent, size, (int32_t)index};
    m->sent += size;
    if (index < 0)
        m->literal += size;
    else
        m->matched += size;
}

static void literal_until(matcher *m, int64_t until)
{
    if (until > m->sent)
        found(m, until - m->sent, -1);
}

/* Whether block `other`, of full length, has the same sums. */
static int same_sums(const matcher *m, int64_t index, int64_t other)
{
    return other < m->full && !memcmp(sums_of(m->table, index), sums_of(m->table, other), 4 + m->table->strong);
}

/* Whether block `index` has the sums of the source at `at`. */
static int is_block(const matcher *m, int64_t index, int64_t at, int64_t size)
{
    const unsigned char *sums = sums_of(m->table, index), *data = m->data + (at - m->start);
    unsigned char strong[16];
    if (load32(sums) != refsync_weak_sum(data, size))
        return 0;
    digest_whole(m->kind, m->seed, data, size, strong);
    return !memcmp(sums + 4, strong, m->table->strong);
}

/* Of equal blocks, of which `index` is the last: the one to name, -1 if all are overwritten by now. It may move the
 * match on to where the block is. */
static int64_t choose_in_place(matcher *m, int64_t index)
{
    int64_t last = index, own = (m->offset + m->step - 1) / m->step, place = own * m->step;
    if (index * m->step < m->offset && (index = m->last_staying[last]) < 0)
        return -1;
    if ((place == m->offset || (!m->weak && place + m->step <= m->length)) && same_sums(m, index, own)) {
        if (place != m->offset && !is_block(m, own, place, m->step))
            return own; /* the zeros end before the boundary */
        index = m->wanted = own;
        m->offset = place;
        m->staying[own] = 1;
        m->last_staying[last] = (int32_t)own;
    }
    if (index != m->wanted && (m->wanted * m->step >= m->offset || (m->wanted < m->full && m->staying[m->wanted]))
        && same_sums(m, index, m->wanted))
        index = m->wanted;
    return index;
}

/* The stages. Each returns where the window has to start to go on, or GO_ON. */

#define GO_ON (-1)

static int64_t look(matcher *m)
{
    int64_t last = m->length - m->step;
    int64_t ahead = m->in_place ? 2 * m->step : m->step; /* a match in place may be one block on */
    int64_t stop = m->end == m->length ? last : m->end - ahead;
    unsigned char strong[16];
    if (m->offset > last) {
        m->stage = TAIL;
        return GO_ON;
    }
    if (m->offset > stop) {
        literal_until(m, m->sent + (m->offset - m->sent) / m->chunk * m->chunk);
        return m->sent < m->offset || !m->offset ? m->sent : m->offset - 1;
    }
    int64_t at = refsync_search(m->data, m->offset - m->start, stop - m->start, m->step, m->table, &m->weak, m->rolling);
    if (at < 0) {
        m->offset = stop + 1;
        m->rolling = 1;
        return GO_ON;
    }
    m->offset = m->start + at;
    digest_whole(m->kind, m->seed, m->data + at, m->step, strong);
    int64_t index = refsync_table_find(m->table, m->weak, strong);
    if (index < 0) {
        m->false_alarms++;
        m->budget -= m->step + m->alarm_cost;
        if (m->budget < 0)
            m->stage = GIVEN_UP;
    } else if (m->in_place)
        index = choose_in_place(m, index);
    else if (index != m->wanted && same_sums(m, index, m->wanted))
        index = m->wanted; /* it goes on from the last */
    if (index < 0) {
        m->offset++;
        m->rolling = 1;
        return GO_ON;
    }
    m->matches++;
    literal_until(m, m->offset);
    found(m, m->step, index);
    m->offset = m->sent;
    m->wanted = index + 1;
    m->rolling = 0;
    return GO_ON;
}

/* All that has not been sent, as literal data. */
static int64_t give_up(matcher *m)
{
    int64_t ready = m->end - m->sent;
    if (m->end < m->length)
        ready -= ready % m->chunk;
    literal_until(m, m->sent + ready);
    if (m->sent < m->length)
        return m->sent;
    m->stage = FINISHED;
    return GO_ON;
}

static int64_t finish(matcher *m)
{
    if (m->end < m->length)
        return m->sent;
    int64_t at = m->length - m->shorter; /* the basis may end in a block that is shorter than the others */
    int gone = m->in_place && m->full * m->step < at;
    if (m->shorter && at >= m->offset && !gone && is_block(m, m->full, at, m->shorter)) {
        m->matches++;
        literal_until(m, at);
        found(m, m->shorter, m->full);
    } else
        literal_until(m, m->length);
    m->stage = FINISHED;
    return GO_ON;
}

/* Goes on until there is something to say; what was found before is gone. The number of operations; 0 at the end. */
int refsync_match_run(matcher *m)
{
    m->count = 0;
    while (m->stage != FINISHED && m->count <= OPS - 2) {
        int64_t keep = m->stage == SEARCHING ? look(m) : m->stage == GIVEN_UP ? give_up(m) : finish(m);
        if (keep == GO_ON)
            continue;
        if (m->count)
            break; /* the data goes with them */
        advance(m, keep);
    }
    return m->count;
}

/* What the last run found as plain tokens; `out` has room for the window and 8 bytes an operation and a chunk. */
int64_t refsync_match_tokens(const matcher *m, unsigned char *out)
{
    unsigned char *to = out;
    for (const match_op *op = m->op; op < m->op + m->count; op++) {
        const unsigned char *data = m->data + (op->at - m->start);
        if (op->index >= 0) {
            store32(to, (uint32_t)(-(op->index + 1)));
            to += 4;
            continue;
        }
        for (int64_t done = 0, size; done < op->size; done += size) {
            size = op->size - done < m->chunk ? op->size - done : m->chunk;
            store32(to, (uint32_t)size);
            memcpy(to + 4, data + done, (size_t)size);
            to += 4 + size;
        }
    }
    return to - out;
}

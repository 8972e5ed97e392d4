/* The hot loops of refsync. Each has a twin in twins.py or md4.py that says what it does; this file says how.
 *
 * Sums are those of the wire: bytes count as signed, everything wraps, values are little-endian. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* -- weak sums ---------------------------------------------------------------------------------- */

uint32_t refsync_weak_sum(const unsigned char *data, int64_t length)
{
    const signed char *byte = (const signed char *)data;
    uint32_t s1 = 0, s2 = 0;
    int64_t i = 0;
    /* in strides, so that the compiler can add up many bytes at once: a byte counts in s2 as often as bytes follow */
    for (; length - i >= 32; i += 32) {
        int32_t sum = 0, weighted = 0;
        for (int j = 0; j < 32; j++) {
            sum += byte[i + j];
            weighted += (int16_t)byte[i + j] * (int16_t)(32 - j);
        }
        s2 += 32 * s1 + (uint32_t)weighted;
        s1 += (uint32_t)sum;
    }
    for (; i < length; i++) {
        s1 += (uint32_t)byte[i];
        s2 += s1;
    }
    return (s1 & 0xffff) | s2 << 16;
}

static void store32(unsigned char *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (unsigned char)(value >> 8 * i);
}

static uint32_t load32(const unsigned char *in)
{
    return (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

void refsync_block_sums(const unsigned char *data, int64_t length, int64_t block, unsigned char *out)
{
    for (int64_t at = 0; at < length; at += block, out += 4)
        store32(out, refsync_weak_sum(data + at, length - at < block ? length - at : block));
}

/* -- the table of a basis ----------------------------------------------------------------------- */

/* Three steps, each of which turns away most of what reaches it: a bit map with one bit in hundreds set; a
 * sorted array of weak sums, entered through a directory; the strong sums. Equal sums are kept once and everything
 * is sorted, so no choice of sums by the peer makes a lookup slower than a binary search. */
typedef struct {
    uint32_t key;   /* the weak sum, scattered */
    uint32_t index; /* its block */
} entry;

typedef struct sum_table {
    const unsigned char *packed; /* the caller's: count times a weak sum and strong bytes of strong sum */
    size_t strong;
    uint32_t mask;    /* of a bit number */
    uint64_t *bits;
    uint32_t shift;   /* from a key to its place in the directory */
    uint32_t *first;  /* directory: the first entry of each place, and one past the last */
    entry *entries;
} sum_table;

/* An odd factor: the keys are the sums in another order, spread evenly. */
static uint32_t key_of(uint32_t sum)
{
    return sum * 0x9e3779b1U;
}

#define BIT_FACTOR 0x9e3b

/* A cheap bit number that the vector code below computes alike: the low 16 bits mix both halves of the sum. */
static uint32_t bit_of(uint32_t sum)
{
    uint32_t s1 = sum & 0xffff, s2 = sum >> 16;
    return ((s2 + s1 * BIT_FACTOR) & 0xffff) | s1 << 16;
}

static const unsigned char *strong_of(const sum_table *table, uint32_t index)
{
    return table->packed + (size_t)index * (4 + table->strong) + 4;
}

/* By key, a byte at a time from the lowest; stable. */
static void sort_by_key(entry *entries, entry *spare, uint32_t count)
{
    for (int shift = 0; shift < 32; shift += 8) {
        uint32_t place[256] = {0}, sum = 0;
        for (uint32_t i = 0; i < count; i++)
            place[entries[i].key >> shift & 255]++;
        for (int i = 0; i < 256; i++) {
            uint32_t here = place[i];
            place[i] = sum;
            sum += here;
        }
        for (uint32_t i = 0; i < count; i++)
            spare[place[entries[i].key >> shift & 255]++] = entries[i];
        entry *other = entries;
        entries = spare;
        spare = other;
    }
}

/* Equal keys by strong sum: a merge sort from pairs up; stable. */
static void sort_by_strong(const sum_table *table, entry *entries, entry *spare, uint32_t count)
{
    for (uint64_t width = 1; width < count; width *= 2) {
        for (uint64_t low = 0; low < count; low += 2 * width) {
            uint64_t middle = low + width < count ? low + width : count;
            uint64_t high = low + 2 * width < count ? low + 2 * width : count;
            for (uint64_t a = low, b = middle, to = low; to < high; to++) {
                int left = b >= high || (a < middle
                    && memcmp(strong_of(table, entries[a].index), strong_of(table, entries[b].index), table->strong) <= 0);
                spare[to] = entries[left ? a++ : b++];
            }
        }
        memcpy(entries, spare, count * sizeof *entries);
    }
}

/* Of blocks with the same sums the last one stays. Returns how many entries are left. */
static uint32_t settle_equal_keys(const sum_table *table, entry *entries, entry *spare, uint32_t count)
{
    uint32_t kept = 0;
    for (uint32_t low = 0, high; low < count; low = high) {
        for (high = low + 1; high < count && entries[high].key == entries[low].key;)
            high++;
        if (high - low > 1)
            sort_by_strong(table, entries + low, spare, high - low);
        for (uint32_t i = low; i < high; i++)
            if (i + 1 == high
                || memcmp(strong_of(table, entries[i].index), strong_of(table, entries[i + 1].index), table->strong))
                entries[kept++] = entries[i];
    }
    return kept;
}

void refsync_table_free(sum_table *table)
{
    if (table) {
        free(table->bits);
        free(table->first);
        free(table->entries);
        free(table);
    }
}

sum_table *refsync_table_new(const unsigned char *packed, uint32_t count, uint32_t strong)
{
    uint32_t bits = 1U << 16, places = 1;
    while (bits < 1U << 26 && bits / (bits < 1U << 22 ? 256 : 64) < count) /* up to there it fits into a nearby cache */
        bits *= 2;
    sum_table *table = calloc(1, sizeof *table);
    if (!table)
        return NULL;
    table->packed = packed;
    table->strong = strong;
    table->mask = bits - 1;
    table->shift = 32;
    while (places < 1U << 26 && places < count) {
        places *= 2;
        table->shift--;
    }
    entry *spare = malloc(((size_t)count + 1) * sizeof *spare);
    table->bits = calloc(bits / 64, sizeof *table->bits);
    table->first = malloc(((size_t)places + 1) * sizeof *table->first);
    table->entries = malloc(((size_t)count + 1) * sizeof *table->entries);
    if (!spare || !table->bits || !table->first || !table->entries) {
        free(spare);
        refsync_table_free(table);
        return NULL;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t sum = load32(packed + (size_t)i * (4 + strong)), bit = bit_of(sum) & table->mask;
        table->bits[bit / 64] |= 1ULL << bit % 64;
        table->entries[i] = (entry){key_of(sum), i};
    }
    sort_by_key(table->entries, spare, count);
    uint32_t kept = settle_equal_keys(table, table->entries, spare, count);
    for (uint32_t place = 0, i = 0; place <= places; place++) {
        while (i < kept && (uint64_t)table->entries[i].key >> table->shift < place)
            i++;
        table->first[place] = i;
    }
    free(spare);
    return table;
}

/* The first entry with that key; *end is one past the last entry that may have it. */
static uint32_t lower_bound(const sum_table *table, uint32_t key, uint32_t *end)
{
    uint64_t place = (uint64_t)key >> table->shift;
    uint32_t low = table->first[place], high = table->first[place + 1];
    *end = high;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (table->entries[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int known(const sum_table *table, uint32_t sum)
{
    uint32_t end, key = key_of(sum), at = lower_bound(table, key, &end);
    return at < end && table->entries[at].key == key;
}

int64_t refsync_table_find(const sum_table *table, uint32_t sum, const unsigned char *strong)
{
    uint32_t end, key = key_of(sum), low = lower_bound(table, key, &end), high = end;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const entry *here = &table->entries[middle];
        int order = here->key != key ? 1 : memcmp(strong_of(table, here->index), strong, table->strong);
        if (!order)
            return here->index;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

/* -- the search --------------------------------------------------------------------------------- */

static int hit(const sum_table *table, uint32_t sum)
{
    uint32_t bit = bit_of(sum) & table->mask;
    return table->bits[bit / 64] >> bit % 64 & 1 && known(table, sum);
}

#ifdef __SSE2__
static __m128i widen(const unsigned char *data)
{
    __m128i raw = _mm_loadl_epi64((const __m128i *)data);
    return _mm_srai_epi16(_mm_unpacklo_epi8(raw, raw), 8);
}

static __m128i running(__m128i v)
{
    v = _mm_add_epi16(v, _mm_slli_si128(v, 2));
    v = _mm_add_epi16(v, _mm_slli_si128(v, 4));
    return _mm_add_epi16(v, _mm_slli_si128(v, 8));
}

static __m128i spread_last(__m128i v)
{
    return _mm_shuffle_epi32(_mm_shufflehi_epi16(v, 0xff), 0xff);
}

static uint64_t probe(const uint64_t *bits, uint64_t two)
{
    return bits[(uint32_t)two >> 6] >> (two & 63) | bits[two >> 38] >> (two >> 32 & 63);
}

/* Rolls eight offsets at a time, while there are so many. True if a known sum was found. Before and after, *sum is
 * the sum at *at. */
static int roll_fast(const unsigned char *data, int64_t *at, int64_t end, int64_t block, const sum_table *table,
                     uint32_t *sum)
{
    const uint64_t *bits = table->bits;
    const __m128i size = _mm_set1_epi16((short)block), factor = _mm_set1_epi16((short)BIT_FACTOR);
    const __m128i mask = _mm_set1_epi32((int)table->mask);
    __m128i s1 = _mm_set1_epi16((short)*sum), s2 = _mm_set1_epi16((short)(*sum >> 16));
    int64_t here = *at;
    for (; end - here >= 8; here += 8) {
        __m128i gone = widen(data + here);
        s1 = _mm_add_epi16(spread_last(s1), running(_mm_sub_epi16(widen(data + here + block), gone)));
        s2 = _mm_add_epi16(spread_last(s2), running(_mm_sub_epi16(s1, _mm_mullo_epi16(gone, size))));
        __m128i mixed = _mm_add_epi16(s2, _mm_mullo_epi16(s1, factor));
        __m128i low = _mm_and_si128(_mm_unpacklo_epi16(mixed, s1), mask);
        __m128i high = _mm_and_si128(_mm_unpackhi_epi16(mixed, s1), mask);
        uint64_t any = probe(bits, (uint64_t)_mm_cvtsi128_si64(low));
        any |= probe(bits, (uint64_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(low, low)));
        any |= probe(bits, (uint64_t)_mm_cvtsi128_si64(high));
        any |= probe(bits, (uint64_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(high, high)));
        if (any & 1) {
            uint32_t sums[8];
            _mm_storeu_si128((__m128i *)sums, _mm_unpacklo_epi16(s1, s2));
            _mm_storeu_si128((__m128i *)(sums + 4), _mm_unpackhi_epi16(s1, s2));
            for (int i = 0; i < 8; i++)
                if (hit(table, sums[i])) {
                    *at = here + i + 1;
                    *sum = sums[i];
                    return 1;
                }
        }
    }
    *at = here;
    *sum = (uint32_t)_mm_extract_epi16(s1, 7) | (uint32_t)_mm_extract_epi16(s2, 7) << 16;
    return 0;
}
#endif

int64_t refsync_search(const unsigned char *data, int64_t start, int64_t end, int64_t block, const sum_table *table,
                       uint32_t *state, int rolling)
{
    const signed char *byte = (const signed char *)data;
    const uint32_t count = (uint32_t)block;
    int64_t at = start;
    uint32_t sum;
    if (start > end)
        return -1;
    if (rolling) { /* *state belongs to start - 1 */
        sum = *state;
        at--;
    } else {
        sum = refsync_weak_sum(data + at, block);
        if (hit(table, sum)) {
            *state = sum;
            return at;
        }
    }
    /* sum is that at at, which is not known or not asked for */
#ifdef __SSE2__
    if (roll_fast(data, &at, end, block, table, &sum)) {
        *state = sum;
        return at;
    }
#endif
    while (at < end) {
        uint32_t gone = (uint32_t)byte[at], s1 = (sum & 0xffff) + (uint32_t)byte[at + block] - gone;
        sum = (s1 & 0xffff) | ((sum >> 16) + s1 - count * gone) << 16;
        at++;
        if (hit(table, sum)) {
            *state = sum;
            return at;
        }
    }
    *state = sum;
    return -1;
}

/* -- MD4 (RFC 1320) ----------------------------------------------------------------------------- */

#define ROTATE(value, count) ((value) << (count) | (value) >> (32 - (count)))
#define STEP(a, mix, word, add, count) (a += (mix) + (word) + (add), a = ROTATE(a, count))
#define CHOOSE(x, y, z) ((z) ^ ((x) & ((y) ^ (z))))
#define MOST(x, y, z) (((x) & (y)) | ((z) & ((x) | (y))))
#define ROUND1(i) \
    STEP(a, CHOOSE(b, c, d), x[i], 0, 3), STEP(d, CHOOSE(a, b, c), x[i + 1], 0, 7), \
        STEP(c, CHOOSE(d, a, b), x[i + 2], 0, 11), STEP(b, CHOOSE(c, d, a), x[i + 3], 0, 19)
#define ROUND2(i) \
    STEP(a, MOST(b, c, d), x[i], 0x5a827999U, 3), STEP(d, MOST(a, b, c), x[i + 4], 0x5a827999U, 5), \
        STEP(c, MOST(d, a, b), x[i + 8], 0x5a827999U, 9), STEP(b, MOST(c, d, a), x[i + 12], 0x5a827999U, 13)
#define ROUND3(i) \
    STEP(a, b ^ c ^ d, x[i], 0x6ed9eba1U, 3), STEP(d, a ^ b ^ c, x[i + 8], 0x6ed9eba1U, 9), \
        STEP(c, d ^ a ^ b, x[i + 4], 0x6ed9eba1U, 11), STEP(b, c ^ d ^ a, x[i + 12], 0x6ed9eba1U, 15)

typedef struct md4_state {
    uint32_t words[4];
    uint32_t waiting; /* bytes in tail */
    uint64_t length;
    unsigned char tail[64];
} md4_state;

static void md4_blocks(uint32_t *words, const unsigned char *data, int64_t blocks)
{
    for (; blocks > 0; blocks--, data += 64) {
        uint32_t a = words[0], b = words[1], c = words[2], d = words[3], x[16];
        for (int i = 0; i < 16; i++)
            x[i] = load32(data + 4 * i);
        ROUND1(0), ROUND1(4), ROUND1(8), ROUND1(12);
        ROUND2(0), ROUND2(1), ROUND2(2), ROUND2(3);
        ROUND3(0), ROUND3(2), ROUND3(1), ROUND3(3);
        words[0] += a;
        words[1] += b;
        words[2] += c;
        words[3] += d;
    }
}

void refsync_md4_start(md4_state *state)
{
    static const uint32_t start[4] = {0x67452301U, 0xefcdab89U, 0x98badcfeU, 0x10325476U};
    memset(state, 0, sizeof *state);
    memcpy(state->words, start, sizeof start);
}

void refsync_md4_update(md4_state *state, const unsigned char *data, int64_t length)
{
    state->length += (uint64_t)length;
    if (state->waiting) {
        int64_t room = 64 - (int64_t)state->waiting, taken = length < room ? length : room;
        memcpy(state->tail + state->waiting, data, (size_t)taken);
        state->waiting += (uint32_t)taken;
        data += taken;
        length -= taken;
        if (state->waiting < 64)
            return;
        md4_blocks(state->words, state->tail, 1);
    }
    md4_blocks(state->words, data, length / 64);
    state->waiting = (uint32_t)(length % 64);
    memcpy(state->tail, data + length - length % 64, state->waiting);
}

void refsync_md4_digest(const md4_state *state, unsigned char *out)
{
    unsigned char last[128] = {0};
    uint32_t words[4], size = state->waiting < 56 ? 64 : 128;
    memcpy(words, state->words, sizeof words);
    memcpy(last, state->tail, state->waiting);
    last[state->waiting] = 0x80;
    store32(last + size - 8, (uint32_t)(state->length << 3));
    store32(last + size - 4, (uint32_t)(state->length >> 29));
    md4_blocks(words, last, size / 64);
    for (int i = 0; i < 4; i++)
        store32(out + 4 * i, words[i]);
}

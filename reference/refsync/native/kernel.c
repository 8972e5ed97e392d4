/* The hot loops of refsync. Each has a twin in twins.py or md4.py that says what it does; this file says how.
 *
 * Sums are those of the wire: bytes count as signed, everything wraps, values are little-endian. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#define HAVE_AVX2 /* to compile it; whether the processor has it is asked when it runs */
#include <immintrin.h>
#define AVX2 __attribute__((target("avx2")))
#endif

/* -- weak sums ---------------------------------------------------------------------------------- */

/* Goes on from the two halves over `length` more bytes. */
static void add_bytes(const signed char *byte, int64_t length, uint32_t *first, uint32_t *second)
{
    uint32_t s1 = *first, s2 = *second;
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
    *first = s1;
    *second = s2;
}

#ifdef HAVE_AVX2
AVX2 static uint32_t lanes(__m256i v)
{
    __m128i sum = _mm_add_epi16(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    sum = _mm_add_epi16(sum, _mm_srli_si128(sum, 8));
    sum = _mm_add_epi16(sum, _mm_srli_si128(sum, 4));
    return (uint32_t)(_mm_extract_epi16(sum, 0) + _mm_extract_epi16(sum, 1));
}

/* Whole strides of 64 bytes. Only the low 16 bits of each half count, so 16-bit lanes that wrap are enough; what was
 * in s1 before a stride counts in s2 once for each of its bytes. */
AVX2 static int64_t add_strides(const signed char *byte, int64_t length, uint32_t *first,
                                                           uint32_t *second)
{
    const __m256i ones = _mm256_set1_epi8(1);
    const __m256i near = _mm256_setr_epi8(32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13,
                                          12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1);
    const __m256i far = _mm256_add_epi8(near, _mm256_set1_epi8(32));
    __m256i sums = _mm256_setzero_si256(), before = sums, weighted = sums;
    int64_t i = 0;
    for (; length - i >= 64; i += 64) {
        __m256i low = _mm256_loadu_si256((const __m256i *)(byte + i));
        __m256i high = _mm256_loadu_si256((const __m256i *)(byte + i + 32));
        before = _mm256_add_epi16(before, sums);
        weighted = _mm256_add_epi16(weighted, _mm256_maddubs_epi16(far, low));
        weighted = _mm256_add_epi16(weighted, _mm256_maddubs_epi16(near, high));
        sums = _mm256_add_epi16(sums, _mm256_maddubs_epi16(ones, low));
        sums = _mm256_add_epi16(sums, _mm256_maddubs_epi16(ones, high));
    }
    *second += (uint32_t)i * *first + 64 * lanes(before) + lanes(weighted);
    *first += lanes(sums);
    return i;
}
#endif

uint32_t refsync_weak_sum(const unsigned char *data, int64_t length)
{
    uint32_t s1 = 0, s2 = 0;
    int64_t done = 0;
#ifdef HAVE_AVX2
    if (length >= 64 && __builtin_cpu_supports("avx2"))
        done = add_strides((const signed char *)data, length, &s1, &s2);
#endif
    add_bytes((const signed char *)data + done, length - done, &s1, &s2);
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

/* Three steps, each of which turns away most of what reaches it: a word for about each sum, in which each sum sets three
 * bits; a sorted array of weak sums, entered through a directory; the strong sums. Equal sums are kept once and everything
 * is sorted, so no choice of sums by the peer makes a lookup slower than a binary search. */
typedef struct {
    uint32_t key;   /* the weak sum, scattered */
    uint32_t index; /* its block */
} entry;

typedef struct sum_table {
    const unsigned char *packed; /* the caller's: count times a weak sum and strong bytes of strong sum */
    size_t strong;
    uint32_t *words;
    uint32_t word_shift; /* from a key to its word */
    uint32_t shift;   /* from a key to its place in the directory */
    uint32_t *first;  /* directory: the first entry of each place, and one past the last */
    entry *entries;
} sum_table;

/* An odd factor: the keys are the sums in another order, spread evenly. */
#define KEY_FACTOR 0x9e3779b1U

static uint32_t key_of(uint32_t sum)
{
    return sum * KEY_FACTOR;
}

/* Where in a key the numbers of its three bits are. The vector code below has the same. */
#define BIT_1 3
#define BIT_2 8
#define BIT_3 13

static uint32_t bits_of(uint32_t key)
{
    return 1U << (key >> BIT_1 & 31) | 1U << (key >> BIT_2 & 31) | 1U << (key >> BIT_3 & 31);
}

/* The weak and the strong sum of a block. */
static const unsigned char *sums_of(const sum_table *table, int64_t index)
{
    return table->packed + (size_t)index * (4 + table->strong);
}

static const unsigned char *strong_of(const sum_table *table, uint32_t index)
{
    return sums_of(table, index) + 4;
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
        free(table->words);
        free(table->first);
        free(table->entries);
        free(table);
    }
}

sum_table *refsync_table_new(const unsigned char *packed, uint32_t count, uint32_t strong)
{
    uint32_t words = 1U << 10, places = 1;
    sum_table *table = calloc(1, sizeof *table);
    if (!table)
        return NULL;
    table->packed = packed;
    table->strong = strong;
    table->word_shift = 22;
    while (words < 1U << 24 && words < count + count / 4) { /* more would leave the near caches, which costs more */
        words *= 2;
        table->word_shift--;
    }
    table->shift = 32;
    while (places < 1U << 26 && places < count) {
        places *= 2;
        table->shift--;
    }
    entry *spare = malloc(((size_t)count + 1) * sizeof *spare);
    table->words = calloc(words, sizeof *table->words);
    table->first = malloc(((size_t)places + 1) * sizeof *table->first);
    table->entries = malloc(((size_t)count + 1) * sizeof *table->entries);
    if (!spare || !table->words || !table->first || !table->entries) {
        free(spare);
        refsync_table_free(table);
        return NULL;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t key = key_of(load32(packed + (size_t)i * (4 + strong)));
        table->words[key >> table->word_shift] |= bits_of(key);
        table->entries[i] = (entry){key, i};
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

static int known(const sum_table *table, uint32_t key)
{
    uint32_t end, at = lower_bound(table, key, &end);
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
    uint32_t key = key_of(sum);
    return !(bits_of(key) & ~table->words[key >> table->word_shift]) && known(table, key);
}

#ifdef HAVE_AVX2
AVX2 static __m256i widen(const unsigned char *data)
{
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)data));
}

/* Each lane gets the sum of those up to it. */
AVX2 static __m256i running(__m256i v)
{
    v = _mm256_add_epi16(v, _mm256_slli_si256(v, 2));
    v = _mm256_add_epi16(v, _mm256_slli_si256(v, 4));
    v = _mm256_add_epi16(v, _mm256_slli_si256(v, 8));
    __m256i low = _mm256_shufflehi_epi16(_mm256_permute2x128_si256(v, v, 0x08), 0xff); /* in the upper half */
    return _mm256_add_epi16(v, _mm256_unpackhi_epi64(low, low));
}

AVX2 static __m256i spread_last(__m256i v)
{
    v = _mm256_shufflelo_epi16(_mm256_permute4x64_epi64(v, 0xff), 0xff);
    return _mm256_unpacklo_epi64(v, v);
}

AVX2 static __m256i one_bit(__m256i word, __m256i key, int at)
{
    return _mm256_srlv_epi32(word, _mm256_and_si256(_mm256_srli_epi32(key, at), _mm256_set1_epi32(31)));
}

/* Of eight sums those that may be known, a bit each. */
AVX2 static uint32_t candidates(const sum_table *table, __m256i sums)
{
    __m256i key = _mm256_mullo_epi32(sums, _mm256_set1_epi32((int)KEY_FACTOR));
    __m256i place = _mm256_srl_epi32(key, _mm_cvtsi32_si128((int)table->word_shift));
    __m256i word = _mm256_i32gather_epi32((const int *)table->words, place, 4);
    __m256i all = _mm256_and_si256(_mm256_and_si256(one_bit(word, key, BIT_1), one_bit(word, key, BIT_2)),
                                   one_bit(word, key, BIT_3));
    return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_slli_epi32(all, 31)));
}

/* Rolls sixteen offsets at a time, while there are so many. True if a known sum was found. Before and after, *sum is
 * the sum at *at. */
AVX2 static int roll_fast(const unsigned char *data, int64_t *at, int64_t end, int64_t block, const sum_table *table,
                          uint32_t *sum)
{
    const __m256i size = _mm256_set1_epi16((short)block);
    __m256i s1 = _mm256_set1_epi16((short)*sum), s2 = _mm256_set1_epi16((short)(*sum >> 16));
    int64_t here = *at;
    for (; end - here >= 16; here += 16) {
        __m256i gone = widen(data + here);
        s1 = _mm256_add_epi16(spread_last(s1), running(_mm256_sub_epi16(widen(data + here + block), gone)));
        s2 = _mm256_add_epi16(spread_last(s2), running(_mm256_sub_epi16(s1, _mm256_mullo_epi16(gone, size))));
        __m256i first = _mm256_unpacklo_epi16(s1, s2), second = _mm256_unpackhi_epi16(s1, s2);
        uint32_t a = candidates(table, first), b = candidates(table, second);
        if (!(a | b))
            continue;
        /* `first` has offsets 0 to 3 and 8 to 11, `second` the others */
        uint32_t sums[16], may = (a & 15) | (b & 15) << 4 | (a >> 4) << 8 | (b >> 4) << 12;
        _mm256_storeu_si256((__m256i *)sums, first);
        _mm256_storeu_si256((__m256i *)(sums + 8), second);
        for (; may; may &= may - 1) {
            int i = __builtin_ctz(may);
            uint32_t there = sums[(i & 3) | (i & 4) << 1 | (i & 8) >> 1];
            if (known(table, key_of(there))) {
                *at = here + i + 1;
                *sum = there;
                return 1;
            }
        }
    }
    *at = here;
    *sum = (uint32_t)(uint16_t)_mm256_extract_epi16(s1, 15) | (uint32_t)(uint16_t)_mm256_extract_epi16(s2, 15) << 16;
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
#ifdef HAVE_AVX2
    if (__builtin_cpu_supports("avx2") && roll_fast(data, &at, end, block, table, &sum)) {
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

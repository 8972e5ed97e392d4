/* The hot loops of refsync. Each function has a twin in twins.py or md4.py that says what it does. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A set of weak sums: a bit map that answers "no" for most offsets from one cache line, and behind it an
 * open-addressed table. Zero marks a free slot, so the sum zero has a flag of its own. */
typedef struct sum_table {
    uint32_t mask;
    int has_zero;
    uint64_t bits[1024];
    uint32_t slots[];
} sum_table;

static uint32_t mix(uint32_t sum)
{
    sum ^= sum >> 15;
    sum *= 0x2c1b3c6dU;
    sum ^= sum >> 12;
    return sum;
}

static uint32_t bit_of(uint32_t sum)
{
    return (sum ^ sum >> 16) & 0xffff;
}

sum_table *refsync_table_new(const uint32_t *sums, uint32_t count)
{
    uint32_t size = 16;
    while (size < count * 2u && size < 0x80000000u)
        size *= 2;
    sum_table *table = calloc(1, sizeof *table + (size_t)size * sizeof(uint32_t));
    if (!table)
        return NULL;
    table->mask = size - 1;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t sum = sums[i], bit = bit_of(sum), slot = mix(sum) & table->mask;
        table->bits[bit / 64] |= 1ULL << bit % 64;
        if (!sum) {
            table->has_zero = 1;
            continue;
        }
        while (table->slots[slot] && table->slots[slot] != sum)
            slot = (slot + 1) & table->mask;
        table->slots[slot] = sum;
    }
    return table;
}

void refsync_table_free(sum_table *table)
{
    free(table);
}

static int known(const sum_table *table, uint32_t sum)
{
    if (!sum)
        return table->has_zero;
    for (uint32_t slot = mix(sum) & table->mask; table->slots[slot]; slot = (slot + 1) & table->mask)
        if (table->slots[slot] == sum)
            return 1;
    return 0;
}

uint32_t refsync_weak_sum(const unsigned char *data, int64_t length)
{
    const signed char *bytes = (const signed char *)data;
    uint32_t s1 = 0, s2 = 0;
    int64_t i = 0;
    for (; i + 4 <= length; i += 4) {
        s2 += 4 * (s1 + (uint32_t)bytes[i]) + 3 * (uint32_t)bytes[i + 1] + 2 * (uint32_t)bytes[i + 2]
            + (uint32_t)bytes[i + 3];
        s1 += (uint32_t)bytes[i] + (uint32_t)bytes[i + 1] + (uint32_t)bytes[i + 2] + (uint32_t)bytes[i + 3];
    }
    for (; i < length; i++) {
        s1 += (uint32_t)bytes[i];
        s2 += s1;
    }
    return (s1 & 0xffff) | s2 << 16;
}

void refsync_block_sums(const unsigned char *data, int64_t length, int64_t block, uint32_t *out)
{
    for (int64_t at = 0; at < length; at += block)
        *out++ = refsync_weak_sum(data + at, length - at < block ? length - at : block);
}

int64_t refsync_search(const unsigned char *data, int64_t start, int64_t end, int64_t block, const sum_table *table)
{
    if (start > end)
        return -1;
    const signed char *bytes = (const signed char *)data;
    uint32_t sum = refsync_weak_sum(data + start, block), s1 = sum & 0xffff, s2 = sum >> 16;
    uint32_t count = (uint32_t)block;
    for (int64_t at = start;; at++) {
        sum = (s1 & 0xffff) | s2 << 16;
        uint32_t bit = bit_of(sum);
        if (table->bits[bit / 64] >> bit % 64 & 1 && known(table, sum))
            return at;
        if (at >= end)
            return -1;
        uint32_t gone = (uint32_t)bytes[at];
        s1 += (uint32_t)bytes[at + block] - gone;
        s2 += s1 - count * gone;
    }
}

static uint32_t rotate(uint32_t value, int count)
{
    return value << count | value >> (32 - count);
}

void refsync_md4_blocks(uint32_t *state, const unsigned char *data, int64_t blocks)
{
    for (; blocks > 0; blocks--, data += 64) {
        uint32_t a = state[0], b = state[1], c = state[2], d = state[3], x[16];
        for (int i = 0; i < 16; i++)
            x[i] = (uint32_t)data[4 * i] | (uint32_t)data[4 * i + 1] << 8 | (uint32_t)data[4 * i + 2] << 16
                 | (uint32_t)data[4 * i + 3] << 24;
        for (int i = 0; i < 16; i += 4) {
            a = rotate(a + ((b & c) | (~b & d)) + x[i], 3);
            d = rotate(d + ((a & b) | (~a & c)) + x[i + 1], 7);
            c = rotate(c + ((d & a) | (~d & b)) + x[i + 2], 11);
            b = rotate(b + ((c & d) | (~c & a)) + x[i + 3], 19);
        }
        for (int i = 0; i < 4; i++) {
            a = rotate(a + ((b & c) | (b & d) | (c & d)) + x[i] + 0x5a827999U, 3);
            d = rotate(d + ((a & b) | (a & c) | (b & c)) + x[i + 4] + 0x5a827999U, 5);
            c = rotate(c + ((d & a) | (d & b) | (a & b)) + x[i + 8] + 0x5a827999U, 9);
            b = rotate(b + ((c & d) | (c & a) | (d & a)) + x[i + 12] + 0x5a827999U, 13);
        }
        static const int order[4] = {0, 2, 1, 3};
        for (int n = 0; n < 4; n++) {
            int i = order[n];
            a = rotate(a + (b ^ c ^ d) + x[i] + 0x6ed9eba1U, 3);
            d = rotate(d + (a ^ b ^ c) + x[i + 8] + 0x6ed9eba1U, 9);
            c = rotate(c + (d ^ a ^ b) + x[i + 4] + 0x6ed9eba1U, 11);
            b = rotate(b + (c ^ d ^ a) + x[i + 12] + 0x6ed9eba1U, 15);
        }
        state[0] += a;
        state[1] += b;
        state[2] += c;
        state[3] += d;
    }
}

/* hash.c - see hash.h.  XXH64 after its public specification
 * (xxhash_spec.md, Yann Collet): four lanes of 8 bytes, then the rest. */
#include "config.h"

#include "base/hash.h"

#include "base/hash_avx2.h"

#include <assert.h>
#include <string.h>

#ifdef HAVE_XXHASH_H
#define XXH_INLINE_ALL
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wundef"
#include <xxhash.h>
#pragma GCC diagnostic pop
#endif

static const uint64_t prime[5] = {
    0x9E3779B185EBCA87u,
    0xC2B2AE3D27D4EB4Fu,
    0x165667B19E3779F9u,
    0x85EBCA77C2B2AE63u,
    0x27D4EB2F165667C5u,
};

static uint64_t turn(uint64_t word, int bits)
{
    return word << bits | word >> (64 - bits);
}

/* Little-endian, as the specification has it. */
static uint64_t load(const unsigned char *bytes, size_t count)
{
    uint64_t word = 0;
    memcpy(&word, bytes, count);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static uint64_t step(uint64_t sum, uint64_t word)
{
    return turn(sum + word * prime[1], 31) * prime[0];
}

static uint64_t join(uint64_t hash, uint64_t sum)
{
    return (hash ^ step(0, sum)) * prime[0] + prime[3];
}

static void begin64(struct hayi_hasher *hasher)
{
    hasher->sums[0] = prime[0] + prime[1];
    hasher->sums[1] = prime[1];
    hasher->sums[2] = 0;
    hasher->sums[3] = 0 - prime[0];
    hasher->size_bytes = 0;
    hasher->tail_bytes = 0;
}

static void
add64(struct hayi_hasher *hasher, const unsigned char *at, size_t size)
{
    const unsigned char *end = at + size;
    uint64_t a = hasher->sums[0];
    uint64_t b = hasher->sums[1];
    uint64_t c = hasher->sums[2];
    uint64_t d = hasher->sums[3];
    assert(hasher->tail_bytes == 0);
    for (; end - at >= 32; at += 32) {
        a = step(a, load(at, 8));
        b = step(b, load(at + 8, 8));
        c = step(c, load(at + 16, 8));
        d = step(d, load(at + 24, 8));
    }
    hasher->sums[0] = a;
    hasher->sums[1] = b;
    hasher->sums[2] = c;
    hasher->sums[3] = d;
    hasher->size_bytes += size;
    hasher->tail = at;
    hasher->tail_bytes = (size_t)(end - at);
}

static uint64_t end64(const struct hayi_hasher *hasher)
{
    const uint64_t *sums = hasher->sums;
    const unsigned char *at = hasher->tail;
    const unsigned char *end = at + hasher->tail_bytes;
    uint64_t hash = prime[4];
    if (hasher->size_bytes >= 32) {
        hash = turn(sums[0], 1) + turn(sums[1], 7) + turn(sums[2], 12)
               + turn(sums[3], 18);
        for (int i = 0; i < 4; i++) {
            hash = join(hash, sums[i]);
        }
    }
    hash += hasher->size_bytes;
    for (; end - at >= 8; at += 8) {
        hash = turn(hash ^ step(0, load(at, 8)), 27) * prime[0] + prime[3];
    }
    if (end - at >= 4) {
        hash = turn(hash ^ load(at, 4) * prime[0], 23) * prime[1] + prime[2];
        at += 4;
    }
    for (; at < end; at++) {
        hash = turn(hash ^ *at * prime[4], 11) * prime[0];
    }
    hash = (hash ^ hash >> 33) * prime[1];
    hash = (hash ^ hash >> 29) * prime[2];
    return hash ^ hash >> 32;
}

/* ---- either -------------------------------------------------------------- */

#ifdef HAVE_XXHASH_H

static_assert(sizeof(XXH3_state_t)
                  <= sizeof(((struct hayi_hasher *)NULL)->state),
              "room for it");

static XXH3_state_t *state_of(struct hayi_hasher *hasher)
{
    return (XXH3_state_t *)(void *)hasher->state;
}

enum hayi_hash_kind hayi_hash_best(void)
{
    return HAYI_HASH_XXH3;
}

static void begin3(struct hayi_hasher *hasher)
{
    if (hayi_hash_avx2_there()) {
        hayi_hash_avx2_begin(hasher->state);
    } else {
        (void)XXH3_64bits_reset(state_of(hasher));
    }
}

static void add3(struct hayi_hasher *hasher, const void *data, size_t size)
{
    if (hayi_hash_avx2_there()) {
        hayi_hash_avx2_add(hasher->state, data, size);
    } else {
        (void)XXH3_64bits_update(state_of(hasher), data, size);
    }
}

static uint64_t end3(struct hayi_hasher *hasher)
{
    return hayi_hash_avx2_there() ? hayi_hash_avx2_end(hasher->state)
                                  : XXH3_64bits_digest(state_of(hasher));
}

static uint64_t whole3(const void *data, size_t size)
{
    return hayi_hash_avx2_there() ? hayi_hash_avx2(data, size)
                                  : XXH3_64bits(data, size);
}

#else

enum hayi_hash_kind hayi_hash_best(void)
{
    return HAYI_HASH_XXH64;
}

/* None of these is ever called: hayi_hash_has(). */
static void begin3(struct hayi_hasher *hasher)
{
    (void)hasher;
}

static void add3(struct hayi_hasher *hasher, const void *data, size_t size)
{
    (void)hasher, (void)data, (void)size;
}

static uint64_t end3(struct hayi_hasher *hasher)
{
    (void)hasher;
    return 0;
}

static uint64_t whole3(const void *data, size_t size)
{
    (void)data, (void)size;
    return 0;
}

#endif

bool hayi_hash_has(uint32_t kind)
{
    return kind == HAYI_HASH_XXH64
           || (kind == HAYI_HASH_XXH3 && hayi_hash_best() == HAYI_HASH_XXH3);
}

void hayi_hasher_init(struct hayi_hasher *hasher, enum hayi_hash_kind kind)
{
    assert(hayi_hash_has(kind));
    hasher->kind = kind;
    if (kind == HAYI_HASH_XXH3) {
        begin3(hasher);
    } else {
        begin64(hasher);
    }
}

void hayi_hasher_add(struct hayi_hasher *hasher,
                     const void *data,
                     size_t size_bytes)
{
    if (hasher->kind == HAYI_HASH_XXH3) {
        add3(hasher, data, size_bytes);
    } else {
        add64(hasher, data, size_bytes);
    }
}

uint64_t hayi_hasher_end(struct hayi_hasher *hasher)
{
    return hasher->kind == HAYI_HASH_XXH3 ? end3(hasher) : end64(hasher);
}

uint64_t
hayi_hash(enum hayi_hash_kind kind, const void *data, size_t size_bytes)
{
    assert(hayi_hash_has(kind));
    if (kind == HAYI_HASH_XXH3) {
        return whole3(data, size_bytes);
    }
    struct hayi_hasher hasher;
    begin64(&hasher);
    add64(&hasher, data, size_bytes);
    return end64(&hasher);
}

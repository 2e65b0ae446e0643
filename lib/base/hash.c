/* hash.c - see hash.h.  XXH64 after its public specification
 * (xxhash_spec.md, Yann Collet): four lanes of 8 bytes, then the rest. */
#include "config.h"

#include "base/hash.h"

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

static uint64_t xxh64(const unsigned char *at, size_t size)
{
    const unsigned char *end = at + size;
    uint64_t hash = prime[4];
    if (size >= 32) {
        uint64_t a = prime[0] + prime[1];
        uint64_t b = prime[1];
        uint64_t c = 0;
        uint64_t d = 0 - prime[0];
        for (; end - at >= 32; at += 32) {
            a = step(a, load(at, 8));
            b = step(b, load(at + 8, 8));
            c = step(c, load(at + 16, 8));
            d = step(d, load(at + 24, 8));
        }
        hash = turn(a, 1) + turn(b, 7) + turn(c, 12) + turn(d, 18);
        hash = join(join(join(join(hash, a), b), c), d);
    }
    hash += size;
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

bool hayi_hash_has(uint32_t kind)
{
    return kind == HAYI_HASH_XXH64
           || (kind == HAYI_HASH_XXH3 && hayi_hash_best() == HAYI_HASH_XXH3);
}

#ifdef HAVE_XXHASH_H

enum hayi_hash_kind hayi_hash_best(void)
{
    return HAYI_HASH_XXH3;
}

uint64_t
hayi_hash(enum hayi_hash_kind kind, const void *data, size_t size_bytes)
{
    assert(hayi_hash_has(kind));
    return kind == HAYI_HASH_XXH3 ? XXH3_64bits(data, size_bytes)
                                  : xxh64(data, size_bytes);
}

#else

enum hayi_hash_kind hayi_hash_best(void)
{
    return HAYI_HASH_XXH64;
}

uint64_t
hayi_hash(enum hayi_hash_kind kind, const void *data, size_t size_bytes)
{
    assert(hayi_hash_has(kind));
    return xxh64(data, size_bytes);
}

#endif

/* hash_avx2.c - see hash_avx2.h: the whole file is compiled for processors with
 * AVX2, whatever the flags are; nothing of it runs elsewhere. */
#include "config.h"

#include "base/hash_avx2.h"

#if defined(HAVE_XXHASH_H) && defined(__x86_64__) && defined(__GNUC__)         \
    && !defined(__clang__)
#define HAY_AVX2 1
#pragma GCC target("avx2")
#define XXH_INLINE_ALL
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wundef"
#include <xxhash.h>
#pragma GCC diagnostic pop
#else
#define HAY_AVX2 0
#include <stdlib.h>
#endif

#if HAY_AVX2

__attribute__((target("no-avx2"))) bool hayi_hash_avx2_there(void)
{
    return __builtin_cpu_supports("avx2") != 0;
}

void hayi_hash_avx2_begin(void *state)
{
    (void)XXH3_64bits_reset(state);
}

void hayi_hash_avx2_add(void *state, const void *data, size_t size_bytes)
{
    (void)XXH3_64bits_update(state, data, size_bytes);
}

uint64_t hayi_hash_avx2_end(void *state)
{
    return XXH3_64bits_digest(state);
}

uint64_t hayi_hash_avx2(const void *data, size_t size_bytes)
{
    return XXH3_64bits(data, size_bytes);
}

#else

bool hayi_hash_avx2_there(void)
{
    return false;
}

void hayi_hash_avx2_begin(void *state)
{
    (void)state;
    abort();
}

void hayi_hash_avx2_add(void *state, const void *data, size_t size_bytes)
{
    (void)state, (void)data, (void)size_bytes;
    abort();
}

uint64_t hayi_hash_avx2_end(void *state)
{
    (void)state;
    abort();
}

uint64_t hayi_hash_avx2(const void *data, size_t size_bytes)
{
    (void)data, (void)size_bytes;
    abort();
}

#endif

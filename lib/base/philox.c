/* philox.c - see philox.h.
 *
 * Algorithm: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel
 * random numbers: as easy as 1, 2, 3", SC11; the constants are those of the
 * paper (and of Random123), with 10 rounds.
 */
#include "config.h"

#include "base/philox.h"

enum { ROUNDS = 10 };

static void one_round(uint32_t block[4], const uint32_t key[2])
{
    uint64_t a = (uint64_t)UINT32_C(0xD2511F53) * block[0];
    uint64_t b = (uint64_t)UINT32_C(0xCD9E8D57) * block[2];
    uint32_t one = block[1];
    uint32_t three = block[3];
    block[0] = (uint32_t)(b >> 32) ^ one ^ key[0];
    block[1] = (uint32_t)b;
    block[2] = (uint32_t)(a >> 32) ^ three ^ key[1];
    block[3] = (uint32_t)a;
}

void hayi_philox4x32(const uint32_t counter[4],
                     const uint32_t key[2],
                     uint32_t block[4])
{
    uint32_t k[2] = {key[0], key[1]};
    for (int i = 0; i < 4; i++) {
        block[i] = counter[i];
    }
    for (int i = 0; i < ROUNDS; i++) {
        if (i > 0) {
            k[0] += UINT32_C(0x9E3779B9);
            k[1] += UINT32_C(0xBB67AE85);
        }
        one_round(block, k);
    }
}

uint64_t hayi_mix64(uint64_t x)
{
    x += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

/* FNV-1a, then scattered. */
uint64_t hayi_hash_bytes(const void *data, size_t size)
{
    const unsigned char *byte = data;
    uint64_t h = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < size; i++) {
        h = (h ^ byte[i]) * UINT64_C(0x100000001B3);
    }
    return hayi_mix64(h ^ size);
}

void hayi_stream_init(struct hayi_stream *stream,
                      uint64_t seed,
                      uint64_t stream_key,
                      uint64_t item)
{
    uint64_t key = hayi_mix64(stream_key + hayi_mix64(seed));
    *stream = (struct hayi_stream){
        .key = {(uint32_t)key, (uint32_t)(key >> 32)},
        .counter = {0, 0, (uint32_t)item, (uint32_t)(item >> 32)},
    };
}

uint64_t hayi_stream_next(struct hayi_stream *stream)
{
    if (stream->left == 0) {
        hayi_philox4x32(stream->counter, stream->key, stream->block);
        stream->left = 4;
        if (++stream->counter[0] == 0) {
            ++stream->counter[1];
        }
    }
    uint32_t at = 4 - stream->left;
    stream->left -= 2;
    return stream->block[at] | (uint64_t)stream->block[at + 1] << 32;
}

double hayi_stream_next_double(struct hayi_stream *stream)
{
    return (double)(hayi_stream_next(stream) >> 11) * 0x1.0p-53;
}

/* hash.h - 64-bit hashes of bytes, by which damage is found.
 *
 * Both are well known, so that others can check what we have written: the
 * quick one is there if the header xxhash.h was when this was built.
 *
 * Owns: nothing.
 * Never: protects against malice.
 * Threads: any.
 */
#ifndef HAYI_BASE_HASH_H
#define HAYI_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Lies in files: never change a number. */
enum hayi_hash_kind {
    HAYI_HASH_XXH3 = 1,  /* XXH3, 64 bits, seed 0 */
    HAYI_HASH_XXH64 = 2, /* XXH64, seed 0; always there */
};

/* The quickest kind that this build has. */
enum hayi_hash_kind hayi_hash_best(void);
bool hayi_hash_has(uint32_t kind);
/* kind: one that this build has. */
uint64_t
hayi_hash(enum hayi_hash_kind kind, const void *data, size_t size_bytes);

/* The same in pieces, so that bytes are hashed while they are in the cache for
 * something else.  Each piece but the last is a multiple of HAYI_HASH_STEP. */
enum { HAYI_HASH_STEP = 64 };

struct hayi_hasher {
    _Alignas(64) unsigned char state[640]; /* of XXH3 */
    enum hayi_hash_kind kind;
    uint64_t sums[4]; /* of XXH64 */
    uint64_t size_bytes;
    const unsigned char *tail; /* in the last piece, which is still there */
    size_t tail_bytes;
};

void hayi_hasher_init(struct hayi_hasher *hasher, enum hayi_hash_kind kind);
/* data: the last piece must stay until hayi_hasher_end(). */
void hayi_hasher_add(struct hayi_hasher *hasher,
                     const void *data,
                     size_t size_bytes);
uint64_t hayi_hasher_end(struct hayi_hasher *hasher);

#endif

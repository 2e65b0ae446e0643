/* hash_avx2.h - XXH3 with wider registers than every x86 processor has.
 *
 * Owns: nothing.
 * Never: used by others than hash.c, or where hayi_hash_avx2_there() is false.
 * Threads: any.
 */
#ifndef HAYI_BASE_HASH_AVX2_H
#define HAYI_BASE_HASH_AVX2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool hayi_hash_avx2_there(void);
/* state: of struct hayi_hasher. */
void hayi_hash_avx2_begin(void *state);
void hayi_hash_avx2_add(void *state, const void *data, size_t size_bytes);
uint64_t hayi_hash_avx2_end(void *state);
uint64_t hayi_hash_avx2(const void *data, size_t size_bytes);

#endif

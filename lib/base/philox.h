/* philox.h - random numbers by counting: Philox4x32-10, and streams of them.
 *
 * A block of four words is a function of a key and a counter, so that any task
 * can have its own stream, wherever and whenever it runs.
 *
 * Owns: nothing.
 * Never: allocates; keeps state outside the caller's struct.
 * Threads: any; one stream, one thread.
 */
#ifndef HAYI_BASE_PHILOX_H
#define HAYI_BASE_PHILOX_H

#include <stddef.h>
#include <stdint.h>

/* The block of 'counter' under 'key'. */
void hayi_philox4x32(const uint32_t counter[4],
                     const uint32_t key[2],
                     uint32_t block[4]);

/* Scatters 64 bits one to one (the finaliser of splitmix64). */
uint64_t hayi_mix64(uint64_t x);
/* 64 bits that depend on all bytes. */
uint64_t hayi_hash_bytes(const void *data, size_t size);

/* A stream: key from the run's seed and the task's stream key, upper half of
 * the counter from the item's number (0 outside maps), lower half counts. */
struct hayi_stream {
    uint32_t key[2];
    uint32_t counter[4];
    uint32_t block[4];
    uint32_t left; /* unused words of the block */
};
void hayi_stream_init(struct hayi_stream *stream,
                      uint64_t seed,
                      uint64_t stream_key,
                      uint64_t item);
uint64_t hayi_stream_next(struct hayi_stream *stream);
/* Uniform in [0, 1), 53 bits. */
double hayi_stream_next_double(struct hayi_stream *stream);

#endif

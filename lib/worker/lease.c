/* lease.c - compact sets of free cores.
 *
 * One core: the lowest free one, found by words from a hint.  Several: a
 * window slides over the free indices and the narrowest one wins, which is a
 * run of neighbours where there is one.  That costs a walk over all cores,
 * rare beside tasks of one core.
 */
#include "config.h"

#include "worker/lease.h"

#include <assert.h>
#include <stdlib.h>

#define WORD_BITS 64u

static uint32_t word_count(uint32_t cores)
{
    return cores / WORD_BITS + (cores % WORD_BITS != 0);
}

static void set_free(struct hayi_lease *lease, uint32_t core, bool is_free)
{
    uint64_t bit = UINT64_C(1) << (core % WORD_BITS);
    uint64_t *word = &lease->free_bits[core / WORD_BITS];

    assert(core < lease->cores);
    assert(((*word & bit) != 0) != is_free);
    *word ^= bit;
    lease->free_count += is_free ? 1u : UINT32_MAX;
    if (is_free && core / WORD_BITS < lease->low_word) {
        lease->low_word = core / WORD_BITS;
    }
}

hay_status hayi_lease_init(struct hayi_lease *lease, uint32_t cores)
{
    assert(cores >= 1);
    *lease = (struct hayi_lease){.cores = cores};
    lease->free_bits = calloc(word_count(cores), sizeof lease->free_bits[0]);
    if (lease->free_bits == NULL) {
        return HAY_ENOMEM;
    }
    for (uint32_t i = 0; i < cores; i++) {
        set_free(lease, i, true);
    }
    return HAY_OK;
}

void hayi_lease_fini(struct hayi_lease *lease)
{
    free(lease->free_bits);
    *lease = (struct hayi_lease){.cores = 0};
}

bool hayi_lease_is_free(const struct hayi_lease *lease, uint32_t core)
{
    return lease->free_bits[core / WORD_BITS] >> (core % WORD_BITS) & 1;
}

/* The lowest free core, 'from' or above; there must be one. */
static uint32_t next_free(const struct hayi_lease *lease, uint32_t from)
{
    uint32_t word = from / WORD_BITS;
    uint64_t bits = lease->free_bits[word] >> (from % WORD_BITS)
                                                  << (from % WORD_BITS);
    while (bits == 0) {
        word++;
        assert(word < word_count(lease->cores));
        bits = lease->free_bits[word];
    }
    return word * WORD_BITS + (uint32_t)__builtin_ctzll(bits);
}

/* Where the narrowest window of 'count' free cores begins. */
static uint32_t best_window(const struct hayi_lease *lease, uint32_t count)
{
    uint32_t first = next_free(lease, lease->low_word * WORD_BITS);
    uint32_t last = first;
    uint32_t best = first;
    uint32_t best_span = UINT32_MAX;

    for (uint32_t i = 1; i < count; i++) {
        last = next_free(lease, last + 1);
    }
    for (uint32_t seen = count;; seen++) {
        if (last - first < best_span) {
            best_span = last - first;
            best = first;
        }
        if (best_span == count - 1 || seen == lease->free_count) {
            return best;
        }
        first = next_free(lease, first + 1);
        last = next_free(lease, last + 1);
    }
}

void hayi_lease_take(struct hayi_lease *lease, uint32_t count, uint32_t *out)
{
    assert(count >= 1);
    assert(count <= lease->free_count);
    while (lease->free_bits[lease->low_word] == 0) {
        lease->low_word++;
    }
    uint32_t core = count == 1 ? next_free(lease, lease->low_word * WORD_BITS)
                               : best_window(lease, count);
    for (uint32_t i = 0; i < count; i++) {
        core = next_free(lease, core);
        set_free(lease, core, false);
        out[i] = core;
    }
}

void hayi_lease_give(struct hayi_lease *lease,
                     const uint32_t *cores,
                     uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        set_free(lease, cores[i], true);
    }
}

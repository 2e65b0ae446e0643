/* lease.c - compact sets of free cores.
 *
 * One core: the lowest free one, found by words from a hint.  Several: a
 * window slides over the free indices and the narrowest one wins, which is a
 * run of neighbours where there is one.  That costs a walk over all cores,
 * rare beside tasks of one core.  Where NUMA nodes are known, the nodes are
 * chosen first, and the window slides over the cores of each.
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
    free(lease->numa);
    free(lease->scratch);
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

/* ---- by NUMA nodes ---- */

enum { NUMAS = 64 };

uint64_t hayi_lease_numa_bit(uint32_t numa)
{
    return UINT64_C(1) << (numa < NUMAS - 1 ? numa : NUMAS - 1);
}

hay_status hayi_lease_set_numa(struct hayi_lease *lease, const uint32_t *numa)
{
    lease->numa = calloc(lease->cores, sizeof lease->numa[0]);
    lease->scratch = calloc(lease->cores, sizeof lease->scratch[0]);
    if (lease->numa == NULL || lease->scratch == NULL) {
        return HAY_ENOMEM;
    }
    for (uint32_t i = 0; i < lease->cores; i++) {
        lease->numa[i] = (uint8_t)__builtin_ctzll(hayi_lease_numa_bit(numa[i]));
    }
    return HAY_OK;
}

/* Which node to take from next: one that is near, if any of these has a free
 * core; the one with just enough, or else with the most. */
static uint32_t
next_node(const uint32_t *free_of, uint64_t near, uint32_t wanted)
{
    uint32_t best = NUMAS;
    for (uint32_t node = 0; node < NUMAS; node++) {
        uint32_t has = free_of[node];
        if (has == 0 || (near != 0 && (near >> node & 1) == 0)) {
            continue;
        }
        uint32_t most = best == NUMAS ? 0 : free_of[best];
        bool better = has >= wanted ? most < wanted || has < most : has > most;
        best = better ? node : best;
    }
    return best < NUMAS || near == 0 ? best : next_node(free_of, 0, wanted);
}

/* The narrowest window of 'count' free cores of a node. */
static void take_of_node(struct hayi_lease *lease,
                         uint32_t node,
                         uint32_t count,
                         uint32_t *out)
{
    uint32_t *list = lease->scratch;
    uint32_t found = 0;
    uint32_t best = 0;
    for (uint32_t i = 0; i < lease->cores; i++) {
        if (lease->numa[i] == node && hayi_lease_is_free(lease, i)) {
            list[found++] = i;
        }
    }
    for (uint32_t i = 1; i + count <= found; i++) {
        if (list[i + count - 1] - list[i]
            < list[best + count - 1] - list[best]) {
            best = i;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        out[i] = list[best + i];
        set_free(lease, out[i], false);
    }
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void take_by_nodes(struct hayi_lease *lease,
                          uint32_t count,
                          uint64_t near,
                          uint32_t *out)
{
    uint32_t free_of[NUMAS] = {0};
    uint32_t taken = 0;
    for (uint32_t i = 0; i < lease->cores; i++) {
        free_of[lease->numa[i]] += hayi_lease_is_free(lease, i);
    }
    while (taken < count) {
        uint32_t node = next_node(free_of, near, count - taken);
        uint32_t wanted = count - taken;
        wanted = wanted < free_of[node] ? wanted : free_of[node];
        take_of_node(lease, node, wanted, out + taken);
        free_of[node] -= wanted;
        taken += wanted;
    }
    qsort(out, count, sizeof out[0], compare);
}

void hayi_lease_take(struct hayi_lease *lease,
                     uint32_t count,
                     uint64_t near,
                     uint32_t *out)
{
    assert(count >= 1);
    assert(count <= lease->free_count);
    while (lease->free_bits[lease->low_word] == 0) {
        lease->low_word++;
    }
    if (lease->numa != NULL && (count > 1 || near != 0)) {
        take_by_nodes(lease, count, near, out);
        return;
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

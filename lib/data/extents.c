/* extents.c - see extents.h.
 *
 * First fit by words: a full word costs one load.  A run is found by reading,
 * then taken word by word with compare-and-swap; if another was quicker, what
 * was taken is given back and the search goes on behind the obstacle.  Hints
 * are only hints: a search that began at one and found nothing begins again at
 * 0.  Cost: words read; 64 units each.
 */
#include "config.h"

#include "data/extents.h"

#include <assert.h>

#define FULL UINT64_MAX

static unsigned class_of(uint64_t count)
{
    unsigned class = 63 - (unsigned)__builtin_clzll(count);
    return class < HAYI_EXTENTS_CLASSES ? class : HAYI_EXTENTS_CLASSES - 1;
}

/* The bits of one word that belong to [first, end). */
static uint64_t mask_of(uint64_t word, uint64_t first, uint64_t end)
{
    uint64_t from = word * HAYI_EXTENTS_WORD;
    uint64_t low = first > from ? first - from : 0;
    uint64_t high = end - from; /* one past */
    uint64_t mask = FULL << low;
    return high >= HAYI_EXTENTS_WORD ? mask : mask & ~(FULL << high);
}

static void
clear(const struct hayi_extents *extents, uint64_t first, uint64_t end)
{
    for (uint64_t at = first; at < end;) {
        uint64_t word = at / HAYI_EXTENTS_WORD;
        uint64_t mask = mask_of(word, first, end);
        uint64_t was = atomic_fetch_and(&extents->words[word], ~mask);
        assert((was & mask) == mask);
        (void)was;
        at = (word + 1) * HAYI_EXTENTS_WORD;
    }
}

/* false: nothing is taken. */
static bool
take(const struct hayi_extents *extents, uint64_t first, uint64_t end)
{
    for (uint64_t at = first; at < end;) {
        uint64_t word = at / HAYI_EXTENTS_WORD;
        uint64_t mask = mask_of(word, first, end);
        uint64_t was = atomic_load(&extents->words[word]);
        do {
            if ((was & mask) != 0) {
                uint64_t from = word * HAYI_EXTENTS_WORD;
                if (from > first) {
                    clear(extents, first, from);
                }
                return false;
            }
        } while (!atomic_compare_exchange_weak(
            &extents->words[word], &was, was | mask));
        at = (word + 1) * HAYI_EXTENTS_WORD;
    }
    return true;
}

/* The first free unit from 'at' on; unit_count if there is none. */
static uint64_t next_free(const struct hayi_extents *extents, uint64_t at)
{
    while (at < extents->unit_count) {
        uint64_t word = at / HAYI_EXTENTS_WORD;
        uint64_t used =
            atomic_load_explicit(&extents->words[word], memory_order_relaxed);
        uint64_t free = ~used & (FULL << (at % HAYI_EXTENTS_WORD));
        if (free != 0) {
            at = word * HAYI_EXTENTS_WORD + (uint64_t)__builtin_ctzll(free);
            return at < extents->unit_count ? at : extents->unit_count;
        }
        at = (word + 1) * HAYI_EXTENTS_WORD;
    }
    return extents->unit_count;
}

/* The first claimed unit from 'at' on; 'end' if there is none before it. */
static uint64_t
next_used(const struct hayi_extents *extents, uint64_t at, uint64_t end)
{
    while (at < end) {
        uint64_t word = at / HAYI_EXTENTS_WORD;
        uint64_t used =
            atomic_load_explicit(&extents->words[word], memory_order_relaxed)
            & (FULL << (at % HAYI_EXTENTS_WORD));
        if (used != 0) {
            at = word * HAYI_EXTENTS_WORD + (uint64_t)__builtin_ctzll(used);
            return at < end ? at : end;
        }
        at = (word + 1) * HAYI_EXTENTS_WORD;
    }
    return end;
}

static bool claim_from(const struct hayi_extents *extents,
                       uint64_t at,
                       uint64_t count,
                       uint64_t align,
                       uint64_t *first)
{
    for (;;) {
        at = (next_free(extents, at) + align - 1) & ~(align - 1);
        if (at >= extents->unit_count || extents->unit_count - at < count) {
            return false;
        }
        uint64_t used = next_used(extents, at, at + count);
        if (used != at + count) {
            at = used + 1;
        } else if (take(extents, at, at + count)) {
            *first = at;
            return true;
        }
    }
}

static void raise_to(_Atomic uint64_t *number, uint64_t value)
{
    uint64_t now = atomic_load_explicit(number, memory_order_relaxed);
    while (now < value && !atomic_compare_exchange_weak(number, &now, value)) {
    }
}

static void lower_to(_Atomic uint64_t *number, uint64_t value)
{
    uint64_t now = atomic_load_explicit(number, memory_order_relaxed);
    while (now > value && !atomic_compare_exchange_weak(number, &now, value)) {
    }
}

bool hayi_extents_claim(const struct hayi_extents *extents,
                        uint64_t count,
                        uint64_t align,
                        uint64_t *first)
{
    struct hayi_extents_head *head = extents->head;
    _Atomic uint64_t *hint = &head->hints[class_of(count)];
    uint64_t from = atomic_load(hint);
    assert(count > 0 && (align & (align - 1)) == 0);
    if (count > extents->unit_count) {
        return false;
    }
    if (!claim_from(extents, from * HAYI_EXTENTS_WORD, count, align, first)
        && (from == 0 || !claim_from(extents, 0, count, align, first))) {
        return false;
    }
    /* What lies behind the hint by now was freed meanwhile, or never found: a
     * lower hint of another thread stays. */
    uint64_t reached = *first / HAYI_EXTENTS_WORD;
    (void)atomic_compare_exchange_strong(hint, &from, reached);
    atomic_fetch_add(&head->used, count);
    raise_to(&head->top, *first + count);
    return true;
}

void hayi_extents_free(const struct hayi_extents *extents,
                       uint64_t first,
                       uint64_t count)
{
    assert(count > 0 && first + count <= extents->unit_count);
    atomic_fetch_sub(&extents->head->used, count);
    clear(extents, first, first + count);
    for (unsigned i = 0; i < HAYI_EXTENTS_CLASSES; i++) {
        lower_to(&extents->head->hints[i], first / HAYI_EXTENTS_WORD);
    }
}

bool hayi_extents_all_claimed(const struct hayi_extents *extents,
                              uint64_t first,
                              uint64_t count)
{
    for (uint64_t at = first; at < first + count;) {
        uint64_t word = at / HAYI_EXTENTS_WORD;
        uint64_t mask = mask_of(word, first, first + count);
        if ((atomic_load(&extents->words[word]) & mask) != mask) {
            return false;
        }
        at = (word + 1) * HAYI_EXTENTS_WORD;
    }
    return true;
}

uint64_t hayi_extents_count(const struct hayi_extents *extents)
{
    uint64_t count = 0;
    uint64_t words =
        (extents->unit_count + HAYI_EXTENTS_WORD - 1) / HAYI_EXTENTS_WORD;
    for (uint64_t i = 0; i < words; i++) {
        count +=
            (uint64_t)__builtin_popcountll(atomic_load(&extents->words[i]));
    }
    return count;
}

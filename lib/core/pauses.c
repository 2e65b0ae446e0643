/* pauses.c - see pauses.h: a binary heap. */
#include "config.h"

#include "core/pauses.h"

#include "core/alloc.h"

#include <assert.h>
#include <stdlib.h>

void hayi_pauses_init(struct hayi_pauses *pauses)
{
    *pauses = (struct hayi_pauses){.heap = NULL};
}

void hayi_pauses_fini(struct hayi_pauses *pauses)
{
    free(pauses->heap);
    hayi_pauses_init(pauses);
}

hay_status hayi_pauses_reserve(struct hayi_pauses *pauses)
{
    void *heap = pauses->heap;
    if (!hayi_alloc_grow(
            &heap, &pauses->room, pauses->count + 1, sizeof(*pauses->heap))) {
        return HAY_ENOMEM;
    }
    pauses->heap = heap;
    return HAY_OK;
}

static bool before(const struct hayi_pause *a, const struct hayi_pause *b)
{
    return a->at_ns < b->at_ns || (a->at_ns == b->at_ns && a->order < b->order);
}

void hayi_pauses_add(struct hayi_pauses *pauses,
                     uint64_t at_ns,
                     hayi_handle task)
{
    const struct hayi_pause pause = {at_ns, ++pauses->order, task};
    assert(pauses->count < pauses->room);
    size_t i = pauses->count++;
    while (i > 0 && before(&pause, &pauses->heap[(i - 1) / 2])) {
        pauses->heap[i] = pauses->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    pauses->heap[i] = pause;
}

uint64_t hayi_pauses_first_ns(const struct hayi_pauses *pauses)
{
    return pauses->count == 0 ? UINT64_MAX : pauses->heap[0].at_ns;
}

hayi_handle hayi_pauses_pop(struct hayi_pauses *pauses)
{
    assert(pauses->count > 0);
    hayi_handle task = pauses->heap[0].task;
    const struct hayi_pause last = pauses->heap[--pauses->count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= pauses->count) {
            break;
        }
        if (child + 1 < pauses->count
            && before(&pauses->heap[child + 1], &pauses->heap[child])) {
            child++;
        }
        if (!before(&pauses->heap[child], &last)) {
            break;
        }
        pauses->heap[i] = pauses->heap[child];
        i = child;
    }
    if (pauses->count > 0) {
        pauses->heap[i] = last;
    }
    return task;
}

size_t hayi_pauses_bytes(const struct hayi_pauses *pauses)
{
    return pauses->room * sizeof(*pauses->heap);
}

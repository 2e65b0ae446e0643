/* due.c - a binary heap by time, then by order of arrival. */
#include "config.h"

#include "transport/due.h"

#include <assert.h>
#include <stdlib.h>

#define ROOM_MIN 16u

void hayi_due_init(struct hayi_due *due)
{
    *due = (struct hayi_due){.heap = NULL};
}

void hayi_due_fini(struct hayi_due *due)
{
    free(due->heap);
    hayi_due_init(due);
}

static bool before(const struct hayi_due_entry *a,
                   const struct hayi_due_entry *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

hay_status hayi_due_add(struct hayi_due *due, uint64_t at_ns, uint64_t value)
{
    if (due->count == due->room) {
        size_t room = due->room == 0 ? ROOM_MIN : due->room * 2;
        struct hayi_due_entry *heap = realloc(due->heap, room * sizeof heap[0]);
        if (heap == NULL) {
            return HAY_ENOMEM;
        }
        due->heap = heap;
        due->room = room;
    }
    struct hayi_due_entry entry = {at_ns, due->order++, value};
    size_t at = due->count++;
    while (at > 0 && before(&entry, &due->heap[(at - 1) / 2])) {
        due->heap[at] = due->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    due->heap[at] = entry;
    return HAY_OK;
}

const struct hayi_due_entry *hayi_due_first(const struct hayi_due *due)
{
    return due->count == 0 ? NULL : &due->heap[0];
}

uint64_t hayi_due_pop(struct hayi_due *due)
{
    assert(due->count > 0);
    uint64_t value = due->heap[0].value;
    struct hayi_due_entry last = due->heap[--due->count];
    size_t at = 0;
    for (size_t child = 1; child < due->count; child = 2 * at + 1) {
        if (child + 1 < due->count
            && before(&due->heap[child + 1], &due->heap[child])) {
            child++;
        }
        if (!before(&due->heap[child], &last)) {
            break;
        }
        due->heap[at] = due->heap[child];
        at = child;
    }
    due->heap[at] = last;
    return value;
}

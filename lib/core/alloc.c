/* alloc.c - see alloc.h. */
#include "config.h"

#include "core/alloc.h"

#include <stdlib.h>
#include <string.h>

static _Thread_local uint64_t fail_at;
static _Thread_local uint64_t made;

static bool fails(void)
{
    made++;
    return made == fail_at;
}

void *hayi_alloc(size_t count, size_t item_bytes)
{
    if (fails()) {
        return NULL;
    }
    return calloc(count, item_bytes);
}

bool hayi_alloc_grow(void **list,
                     size_t *room,
                     size_t needed,
                     size_t item_bytes)
{
    if (needed <= *room) {
        return true;
    }
    size_t wanted = *room < 8 ? 8 : *room;
    while (wanted < needed) {
        if (wanted > SIZE_MAX / 2 / item_bytes) {
            return false;
        }
        wanted *= 2;
    }
    void *grown = fails() ? NULL : realloc(*list, wanted * item_bytes);
    if (grown == NULL) {
        return false;
    }
    memset(
        (char *)grown + *room * item_bytes, 0, (wanted - *room) * item_bytes);
    *list = grown;
    *room = wanted;
    return true;
}

void hayi_alloc_fail_at(uint64_t n)
{
    fail_at = n;
    made = 0;
}

uint64_t hayi_alloc_count(void)
{
    return made;
}

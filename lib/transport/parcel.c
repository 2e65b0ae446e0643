/* parcel.c - see parcel.h. */
#include "config.h"

#include "transport/parcel.h"

#include <assert.h>
#include <stdlib.h>

static_assert(offsetof(struct hayi_parcel, message.frame) % 8 == 0,
              "frames are aligned");
static_assert(offsetof(struct hayi_parcel, message.frame)
                      - offsetof(struct hayi_parcel, message)
                  == HAYI_PARCEL_PREFIX,
              "the prefix");

struct hayi_parcel *hayi_parcel_take(struct hayi_parcel_pool *pool)
{
    struct hayi_parcel *parcel = pool->idle;
    if (parcel != NULL) {
        pool->idle = parcel->next;
        return parcel;
    }
    return malloc(sizeof *parcel);
}

void hayi_parcel_put(struct hayi_parcel_pool *pool, struct hayi_parcel *parcel)
{
    parcel->next = pool->idle;
    pool->idle = parcel;
}

void hayi_parcel_pool_fini(struct hayi_parcel_pool *pool)
{
    while (pool->idle != NULL) {
        struct hayi_parcel *next = pool->idle->next;
        free(pool->idle);
        pool->idle = next;
    }
}

/* Does number 'a' come before number 'b'? */
static bool before(uint32_t a, uint32_t b)
{
    return a - b > UINT32_MAX / 2;
}

void hayi_parcel_keep(struct hayi_parcel **list, struct hayi_parcel *parcel)
{
    while (*list != NULL
           && before((*list)->message.sequence, parcel->message.sequence)) {
        list = &(*list)->next;
    }
    parcel->next = *list;
    *list = parcel;
}

struct hayi_parcel *hayi_parcel_due(struct hayi_parcel **list,
                                    uint32_t sequence)
{
    struct hayi_parcel *parcel = *list;
    if (parcel == NULL || parcel->message.sequence != sequence) {
        return NULL;
    }
    *list = parcel->next;
    return parcel;
}

bool hayi_parcel_late(const struct hayi_parcel *parcel, uint32_t sequence)
{
    return before(parcel->message.sequence, sequence);
}

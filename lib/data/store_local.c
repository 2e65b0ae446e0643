/* store_local.c - what one process remembers of a store: its mappings of
 * objects that lie in the spill file, and the names of replicas it dropped. */
#include "config.h"

#include "data/store_inside.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static struct hayi_store_map **list_of(struct hayi_store *store,
                                       hayi_place place)
{
    return &store->maps[(uint32_t)place % HAYI_STORE_MAP_LISTS];
}

static struct hayi_store_map **find(struct hayi_store *store, hayi_place place)
{
    struct hayi_store_map **link = list_of(store, place);
    while (*link != NULL && (*link)->place != place) {
        link = &(*link)->next;
    }
    return link;
}

/* Under the lock. */
static hay_status map_new(struct hayi_store *store,
                          hayi_place place,
                          bool writable,
                          struct hayi_error *err)
{
    struct hayi_store_entry *entry = &store->entries[(uint32_t)place];
    uint64_t size_bytes = atomic_load(&entry->size_bytes);
    uint64_t slot = atomic_load(&entry->slot);
    struct hayi_store_map *map = calloc(1, sizeof(*map));
    int error = ENOMEM;
    assert(slot != 0);
    if (map != NULL) {
        map->data = mmap(NULL,
                         (size_t)size_bytes,
                         writable ? PROT_READ | PROT_WRITE : PROT_READ,
                         MAP_SHARED,
                         store->spill.fd,
                         (off_t)((slot - 1) * HAYI_STORE_UNIT_BYTES));
        error = errno;
    }
    if (map == NULL || map->data == MAP_FAILED) {
        free(map);
        return hayi_fail(err,
                         HAY_EIO,
                         "spill folder %.200s: cannot map %" PRIu64
                         " bytes: %s",
                         store->spill.folder,
                         size_bytes,
                         strerror(error));
    }
    map->place = place;
    map->size_bytes = size_bytes;
    struct hayi_store_map **list = list_of(store, place);
    map->next = *list;
    *list = map;
    return HAY_OK;
}

hay_status hayi_store_map(struct hayi_store *store,
                          hayi_place place,
                          bool writable,
                          void **data,
                          struct hayi_error *err)
{
    hay_status status = HAY_OK;
    (void)pthread_mutex_lock(&store->lock);
    if (*find(store, place) == NULL) {
        status = map_new(store, place, writable, err);
    }
    if (status == HAY_OK) {
        struct hayi_store_map *map = *find(store, place);
        map->count++;
        *data = map->data;
    }
    (void)pthread_mutex_unlock(&store->lock);
    return status;
}

static void unmap(struct hayi_store_map *map)
{
    (void)munmap(map->data, (size_t)map->size_bytes);
    free(map);
}

void hayi_store_unmap_all(struct hayi_store *store)
{
    for (uint32_t i = 0; i < HAYI_STORE_MAP_LISTS; i++) {
        while (store->maps[i] != NULL) {
            struct hayi_store_map *map = store->maps[i];
            store->maps[i] = map->next;
            unmap(map);
        }
    }
}

void hayi_store_unmap(struct hayi_store *store, hayi_place place)
{
    struct hayi_store_map *map = NULL;
    (void)pthread_mutex_lock(&store->lock);
    struct hayi_store_map **link = find(store, place);
    assert(*link != NULL);
    if (--(*link)->count == 0) {
        map = *link;
        *link = map->next;
    }
    (void)pthread_mutex_unlock(&store->lock);
    if (map != NULL) {
        unmap(map);
    }
}

bool hayi_store_reserve_gone(struct hayi_store *store)
{
    bool fits = true;
    (void)pthread_mutex_lock(&store->lock);
    size_t count = store->gone_count + store->gone_reserved + 1;
    if (count > store->gone_room) {
        size_t room = store->gone_room * 2 + 64;
        uint64_t *gone = realloc(store->gone, room * sizeof(*gone));
        fits = gone != NULL;
        if (fits) {
            store->gone = gone;
            store->gone_room = room;
        }
    }
    store->gone_reserved += fits ? 1 : 0;
    (void)pthread_mutex_unlock(&store->lock);
    return fits;
}

void hayi_store_add_gone(struct hayi_store *store, uint64_t name)
{
    (void)pthread_mutex_lock(&store->lock);
    assert(store->gone_reserved > 0);
    store->gone_reserved--;
    if (name != 0) {
        store->gone[store->gone_count++] = name;
    }
    (void)pthread_mutex_unlock(&store->lock);
}

size_t
hayi_store_take_gone(struct hayi_store *store, uint64_t *names, size_t room)
{
    (void)pthread_mutex_lock(&store->lock);
    size_t count = store->gone_count < room ? store->gone_count : room;
    if (count > 0) {
        memcpy(names, store->gone, count * sizeof(*names));
        store->gone_count -= count;
        memmove(store->gone,
                store->gone + count,
                store->gone_count * sizeof(*names));
    }
    (void)pthread_mutex_unlock(&store->lock);
    return count;
}

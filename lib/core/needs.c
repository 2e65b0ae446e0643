/* needs.c - see needs.h.
 *
 * A hash table with chains by index.  The hash only finds; the numbers follow
 * the order in which the classes came.
 */
#include "config.h"

#include "core/needs.h"

#include "core/alloc.h"

#include <stdlib.h>

static bool same(const struct hayi_needs *a, const struct hayi_needs *b)
{
    return a->cores == b->cores && a->gpus == b->gpus
           && a->memory_bytes == b->memory_bytes && a->worker == b->worker
           && a->node == b->node && a->request == b->request
           && a->or_any == b->or_any;
}

static uint32_t hash_of(const struct hayi_needs *needs)
{
    uint64_t h = needs->cores;
    h = h * 0x9e3779b97f4a7c15u + needs->gpus;
    h = h * 0x9e3779b97f4a7c15u + needs->request;
    h = h * 0x9e3779b97f4a7c15u + needs->memory_bytes;
    h = h * 0x9e3779b97f4a7c15u + needs->worker;
    h = h * 0x9e3779b97f4a7c15u + needs->node;
    h *= 0x9e3779b97f4a7c15u;
    return (uint32_t)(h >> 32);
}

void hayi_classes_init(struct hayi_classes *classes)
{
    *classes = (struct hayi_classes){.count = 1};
}

void hayi_classes_fini(struct hayi_classes *classes)
{
    free(classes->list);
    free(classes->buckets);
    hayi_classes_init(classes);
}

uint32_t hayi_classes_find(struct hayi_classes *classes,
                           const struct hayi_needs *needs)
{
    if (classes->last != 0
        && same(&classes->list[classes->last].needs, needs)) {
        return classes->last;
    }
    if (classes->bucket_count == 0) {
        return 0;
    }
    uint32_t bucket = hash_of(needs) & (classes->bucket_count - 1);
    uint32_t i = classes->buckets[bucket];
    while (i != 0 && !same(&classes->list[i].needs, needs)) {
        i = classes->list[i].chain;
    }
    if (i != 0) {
        classes->last = i;
    }
    return i;
}

static void chain(struct hayi_classes *classes, uint32_t i)
{
    struct hayi_class *class = &classes->list[i];
    uint32_t bucket = hash_of(&class->needs) & (classes->bucket_count - 1);
    class->chain = classes->buckets[bucket];
    classes->buckets[bucket] = i;
}

static hay_status rehash(struct hayi_classes *classes)
{
    uint32_t count =
        classes->bucket_count == 0 ? 16 : classes->bucket_count * 2;
    uint32_t *buckets = hayi_alloc(count, sizeof(*buckets));
    if (buckets == NULL) {
        return HAY_ENOMEM;
    }
    free(classes->buckets);
    classes->buckets = buckets;
    classes->bucket_count = count;
    for (uint32_t i = 1; i < classes->count; i++) {
        chain(classes, i);
    }
    return HAY_OK;
}

hay_status hayi_classes_add(struct hayi_classes *classes,
                            const struct hayi_needs *needs,
                            uint32_t *class_index)
{
    void *list = classes->list;
    if (!hayi_alloc_grow(&list,
                         &classes->room,
                         (size_t)classes->count + 1,
                         sizeof(*classes->list))) {
        return HAY_ENOMEM;
    }
    classes->list = list;
    if (classes->count >= classes->bucket_count && rehash(classes) != HAY_OK) {
        return HAY_ENOMEM;
    }
    uint32_t i = classes->count++;
    classes->list[i] = (struct hayi_class){.needs = *needs};
    chain(classes, i);
    classes->last = i;
    *class_index = i;
    return HAY_OK;
}

size_t hayi_classes_bytes(const struct hayi_classes *classes)
{
    return classes->room * sizeof(*classes->list)
           + classes->bucket_count * sizeof(*classes->buckets);
}

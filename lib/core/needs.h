/* needs.h - the classes of equal needs.
 *
 * Owns: each distinct 'struct hayi_needs' that was ever asked for, under a
 *     small number.
 * Never: forgets one, knows a worker.
 * Threads: one caller at a time.
 */
#ifndef HAYI_CORE_NEEDS_H
#define HAYI_CORE_NEEDS_H

#include "core/sched.h"

struct hayi_class {
    struct hayi_needs needs;
    uint32_t chain;  /* next class of the same bucket */
    bool infeasible; /* no worker can ever meet it, as judged last */
    bool met;        /* a worker that was lost could */
    bool lacks;      /* ... and now none can, for a while, see judge.c */
};

struct hayi_classes {
    struct hayi_class *list; /* 1 .. count-1 */
    size_t room;
    uint32_t count;
    uint32_t *buckets;
    uint32_t bucket_count; /* a power of 2 */
    uint32_t last;         /* found last */
};

void hayi_classes_init(struct hayi_classes *classes);
void hayi_classes_fini(struct hayi_classes *classes);
/* The class of 'needs'; 0 if there is none yet. */
uint32_t hayi_classes_find(struct hayi_classes *classes,
                           const struct hayi_needs *needs);
/* Add a class that find() did not find.  HAY_ENOMEM. */
hay_status hayi_classes_add(struct hayi_classes *classes,
                            const struct hayi_needs *needs,
                            uint32_t *class_index);
size_t hayi_classes_bytes(const struct hayi_classes *classes);

#endif

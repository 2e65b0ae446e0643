/* due.h - what happens at which virtual time: a heap, first come first served
 * among equals.
 *
 * Owns: its entries.
 * Never: knows what an entry means.
 * Threads: one at a time.
 */
#ifndef HAYI_TRANSPORT_DUE_H
#define HAYI_TRANSPORT_DUE_H

#include <hayfork/hayfork.h>

struct hayi_due_entry {
    uint64_t at_ns;
    uint64_t order;
    uint64_t value;
};

struct hayi_due {
    struct hayi_due_entry *heap;
    size_t count;
    size_t room;
    uint64_t order; /* of the next entry */
};

void hayi_due_init(struct hayi_due *due);
void hayi_due_fini(struct hayi_due *due);
/* HAY_ENOMEM: not added. */
hay_status hayi_due_add(struct hayi_due *due, uint64_t at_ns, uint64_t value);
/* The earliest; NULL if there is none.  Borrowed until the next call. */
const struct hayi_due_entry *hayi_due_first(const struct hayi_due *due);
/* Take the earliest away; its value.  There must be one. */
uint64_t hayi_due_pop(struct hayi_due *due);

#endif

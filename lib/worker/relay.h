/* relay.h - records of clients in children, on their way through the rank: from
 * the threads of process slots to the loop, and back.
 *
 * Owns: the messages.
 * Never: looks into a record beyond its client.
 * Threads: a queue has any number of writers and one reader.
 */
#ifndef HAYI_WORKER_RELAY_H
#define HAYI_WORKER_RELAY_H

#include "base/mpsc.h"

#include <stdint.h>

struct hayi_slot_process;

enum {
    HAYI_RELAY_BYTES_MAX = 4 << 20, /* of a slot's on their way to the loop */
};

struct hayi_relay_message {
    struct hayi_mpsc_node node;      /* first */
    struct hayi_slot_process *slot;  /* it comes from there, or goes there */
    struct hayi_relay_message *next; /* the loop: held, see worker_nested.c */
    uint64_t ends;                   /* that the slot had told before it */
    uint64_t life;                   /* of its child: which one */
    uint64_t size;                   /* of the body */
    uint32_t type;                   /* enum hayi_record_type; 0: the child is
                                        gone */
    uint32_t reserved;
    uint64_t body[];
};

/* body: copied; NULL if size is 0.  NULL: out of memory. */
struct hayi_relay_message *hayi_relay_new(struct hayi_slot_process *slot,
                                          uint64_t life,
                                          uint32_t type,
                                          const void *body,
                                          uint64_t size);
/* The next; given (free()); NULL.  Waits the moment until one that is just
 * being pushed is there. */
struct hayi_relay_message *hayi_relay_pop(struct hayi_mpsc *queue);
void hayi_relay_drop_all(struct hayi_mpsc *queue);

#endif

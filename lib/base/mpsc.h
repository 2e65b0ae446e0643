/* mpsc.h - intrusive queue, many producers, one consumer, without locks.
 *
 * Owns: nothing; the nodes are members of the caller's structs.
 * Never: allocates, waits.
 * Threads: hayi_mpsc_push() from any thread, hayi_mpsc_pop() from one at a
 *     time.  What was written before the push is seen after the pop.
 */
#ifndef HAYI_BASE_MPSC_H
#define HAYI_BASE_MPSC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct hayi_mpsc_node {
    _Atomic(struct hayi_mpsc_node *) next;
};

struct hayi_mpsc {
    /* producers */
    _Atomic(struct hayi_mpsc_node *) head;
    /* consumer */
    struct hayi_mpsc_node *tail;
    struct hayi_mpsc_node stub;
};

void hayi_mpsc_init(struct hayi_mpsc *queue);
void hayi_mpsc_push(struct hayi_mpsc *queue, struct hayi_mpsc_node *node);
/* The oldest node; NULL if there is none, or if the oldest one's producer is
 * just between its two steps (it then rings afterwards). */
struct hayi_mpsc_node *hayi_mpsc_pop(struct hayi_mpsc *queue);
/* Consumer: false if a pop would surely give NULL for want of a push. */
bool hayi_mpsc_maybe(const struct hayi_mpsc *queue);

#endif
